"""Counts that must balance: what was read is what was kept and, by reason, what was dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from expanda.utils import UserError

_NOTHING: Mapping[str, Any] = {"read": 0, "kept": 0, "dropped": {}}


@dataclass
class Tally:
    """One kind of thing counted. `read` is counted on its own, so that a loss on the way shows."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def settle(self, reason: str | None, n: int = 1) -> None:
        """Count `n` things as kept, or as dropped for `reason`."""
        if reason is None:
            self.kept += n
        else:
            self.dropped[reason] += n

    def as_record(self) -> dict[str, Any]:
        """Return plain data for the manifest."""
        return {"read": self.read, "kept": self.kept, "dropped": dict(sorted(self.dropped.items()))}


@dataclass
class Report:
    """What an extension counted in one input: pages (records, files), the sequences made of them, their characters.

    Beside these, which must balance, stands what cleaning met: templates that it could not read, by name; constructs
    that nothing closed, by their opening; and kept sequences in which it closed the gap that a template left ('holes').
    """

    pages: Tally = field(default_factory=Tally)
    sequences: Tally = field(default_factory=Tally)
    characters: Tally = field(default_factory=Tally)
    unrendered: Counter[str] = field(default_factory=Counter)
    unclosed: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)

    def read_sequence(self, text: str, reason: str | None) -> None:
        """Count one candidate sequence, kept or dropped for `reason`, and its characters."""
        sequences, characters, size = self.sequences, self.characters, len(text)
        sequences.read += 1
        characters.read += size
        if reason is None:  # not through `settle`: this runs for every sentence of a corpus
            sequences.kept += 1
            characters.kept += size
        else:
            sequences.dropped[reason] += 1
            characters.dropped[reason] += size

    def as_record(self) -> dict[str, Any]:
        """Return plain data; `add_record` takes it back."""
        record = {name: tally.as_record() for name, tally in self._tallies().items()}
        return record | {name: dict(counts.most_common()) for name, counts in self._counters().items()}

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Add what another report counted."""
        for name, tally in self._tallies().items():
            counts = record.get(name, _NOTHING)
            tally.read += counts["read"]
            tally.kept += counts["kept"]
            tally.dropped.update(counts["dropped"])
        for name, counter in self._counters().items():
            counter.update(record.get(name, {}))

    def check(self, source: object) -> None:
        """Raise unless everything that was read is accounted for.

        Raises:
            UserError: an extension lost something without naming it.
        """
        for name, tally in self._tallies().items():
            dropped = sum(tally.dropped.values())
            if tally.read != tally.kept + dropped:
                raise UserError(
                    f"{source}: {tally.read:,} {name} were read, but {tally.kept:,} kept and {dropped:,} dropped do "
                    "not add up to that; the extension loses text, nothing was written"
                )

    def _tallies(self) -> dict[str, Tally]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Tally)}

    def _counters(self) -> dict[str, Counter[str]]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Counter)}

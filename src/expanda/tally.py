"""Counts that must balance: what was read is what was kept and, by reason, what was dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from expanda.utils import UserError

_TITLE_CHARACTERS = 200
_NOTHING: Mapping[str, Any] = {"read": 0, "kept": 0, "dropped": {}}


def loss(
    source: object,
    reason: str,
    *,
    page: str | None = None,
    id: int | None = None,
    bytes: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return a record for `Report.add_record` with one entry of the ledger.

    Args:
        page, id: title and number of the page that is lost or cut apart, where they are known.
        bytes: from the one byte to before the other the file, as it lies on disk, could not be used.
    """
    entry = {
        "source": str(source),
        "page": page[:_TITLE_CHARACTERS] if page else None,
        "id": id,
        "bytes": list(bytes) if bytes else None,
        "reason": reason,
    }
    return {"lost": [entry]}


def length_class(size: int) -> str:
    """Return the class of a length, by its lower edge: three binary digits, so four classes to a doubling."""
    shift = max(size.bit_length() - 3, 0)
    return str(size >> shift << shift)


_MOST_CLASSES = 2048  # lengths that nearly all sentences have are looked up
_CLASSES = [length_class(size) for size in range(_MOST_CLASSES)]


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
    `replaced` counts characters that no text may hold, by kind. `lost` is the ledger of what could not be read, in the
    source's order: see `loss`.
    """

    pages: Tally = field(default_factory=Tally)
    sequences: Tally = field(default_factory=Tally)
    characters: Tally = field(default_factory=Tally)
    unrendered: Counter[str] = field(default_factory=Counter)
    unclosed: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    lost: list[dict[str, Any]] = field(default_factory=list)

    def read_sequence(self, text: str, reason: str | None) -> None:
        """Count one candidate sequence, kept or dropped for `reason`, and its characters."""
        sequences, characters, size = self.sequences, self.characters, len(text)
        sequences.read += 1
        characters.read += size
        if reason is None:  # not through `settle`: this runs for every sentence of a corpus
            sequences.kept += 1
            characters.kept += size
            self.lengths[_CLASSES[size] if size < _MOST_CLASSES else length_class(size)] += 1
        else:
            sequences.dropped[reason] += 1
            characters.dropped[reason] += size

    def as_record(self) -> dict[str, Any]:
        """Return plain data; `add_record` takes it back."""
        record = {name: tally.as_record() for name, tally in self._tallies().items()}
        record |= {name: dict(counts.most_common()) for name, counts in self._counters().items()}
        return record | {"lost": list(self.lost)}

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Add what another report counted."""
        for name, tally in self._tallies().items():
            counts = record.get(name, _NOTHING)
            tally.read += counts["read"]
            tally.kept += counts["kept"]
            tally.dropped.update(counts["dropped"])
        for name, counter in self._counters().items():
            counter.update(record.get(name, {}))
        self.lost.extend(record.get("lost", ()))

    def add(self, other: Report) -> None:
        """Add what another report counted. Quick, because it runs for every page; `add_record` is the general way."""
        for mine, tally in (
            (self.pages, other.pages),
            (self.sequences, other.sequences),
            (self.characters, other.characters),
        ):
            mine.read += tally.read
            mine.kept += tally.kept
            for reason, n in tally.dropped.items():
                mine.dropped[reason] += n
        for name, counter in other._counters().items():
            if counter:
                getattr(self, name).update(counter)
        self.lost.extend(other.lost)

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

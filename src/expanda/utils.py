"""What every room may use: the user's error, temporary names, progress. Foreign extensions import from here too."""

from __future__ import annotations

import difflib
import random
import string
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

VERSION = "0.1.0"
PROGRESS_SECONDS = 10.0
PROGRESS_BYTES = 1 << 20  # what loops over lines do between two words about it
_NAME_CHARACTERS = string.ascii_lowercase + string.digits


class UserError(ValueError):
    """A mistake the user can mend: what is wrong, where, and what to do next. It is shown without a traceback."""


def random_filename(parent: str) -> str:
    """Return a path in `parent` that nobody uses yet; part of what Expanda's extensions expect to import."""
    # SystemRandom: a name must never depend on, or disturb, a seed that an extension has set.
    return str(Path(parent) / "".join(random.SystemRandom().choices(_NAME_CHARACTERS, k=16)))


def random_filenames(parent: str, n: int) -> list[str]:
    """Return `n` paths as `random_filename` makes them."""
    return [random_filename(parent) for _ in range(n)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name nearest to `name`, or an empty string when none is near."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def say(text: str) -> None:
    """Print one line about a stage at once, also into a pipe."""
    print(text, flush=True)


class Progress:
    """Count towards `total`: a bar on a terminal, elsewhere a plain line now and then. Use it in a `with` block."""

    def __init__(self, label: str, total: int, *, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self._spoke_at = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=label, unit=unit, unit_scale=True, leave=False)

    def __enter__(self) -> Progress:
        return self

    def advance(self, n: int) -> None:
        """Add `n` finished units."""
        self.done += n
        if self._bar is not None:
            self._bar.update(n)
        elif time.monotonic() - self._spoke_at >= PROGRESS_SECONDS:
            self._spoke_at = time.monotonic()
            percent = 100 * self.done // max(self.total, 1)
            print(
                f"{self.label}: {self.done:,} of {self.total:,} {self.unit} ({percent} %)", file=sys.stderr, flush=True
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

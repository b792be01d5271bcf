"""Long steps show that they go on: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm
    from typing_extensions import Never

PLAIN_INTERVAL_S = 10.0


class Progress:
    """`with Progress(total, "reading x", "B") as progress: … progress.advance(n)`; writes to stderr."""

    def __init__(self, total: int, title: str, unit: str) -> None:
        self.total, self.title, self.unit = total, title, unit
        self.done = 0
        self.last_line_at = time.monotonic()
        self.bar: tqdm[Never] | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, desc=self.title, unit=self.unit, unit_scale=True, leave=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def advance(self, amount: int = 1) -> None:
        self.done += amount
        if self.bar is not None:
            self.bar.update(amount)
        elif time.monotonic() - self.last_line_at >= PLAIN_INTERVAL_S:
            self.last_line_at = time.monotonic()
            print(f"{self.title}: {100 * self.done / max(self.total, 1):.0f} %", file=sys.stderr, flush=True)

    def say(self, line: str) -> None:
        """Print a line to stdout without tearing the bar; who has just heard something needs no plain line."""
        self.last_line_at = time.monotonic()
        if self.bar is not None:
            from tqdm import tqdm

            tqdm.write(line, file=sys.stdout)
        else:
            print(line, flush=True)

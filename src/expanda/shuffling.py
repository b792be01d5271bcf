"""Order as a pure function: keys from a seed, and a shuffle on disk that sorts lines by their keys."""

from __future__ import annotations

import contextlib
import hashlib
import math
import shutil
from pathlib import Path

from expanda.utils import PROGRESS_BYTES, Progress

BUCKET_BYTES = 8 << 20
MAX_BUCKETS = 200  # as many files are open at once
KEY_BITS = 64


def order_key(*parts: int | str) -> int:
    """Return a number of 64 bits that depends on `parts` alone; sorting by it puts things into seeded order."""
    return int(_key_digits(" ".join(map(str, parts))), 16)


def _key_digits(text: str) -> str:
    """Return a key as 16 hexadecimal digits, which sort as the numbers do."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BITS // 8).hexdigest()


def shuffle_lines(
    source: Path, target: Path, *, seed: int, side: str, temporary: Path, buckets: int | None = None
) -> None:
    """Write the lines of `source` to `target` in the order of their keys.

    A line's key comes from (seed, side, number of the line). Lines are dealt into buckets by the key's upper end and
    each bucket is sorted by itself, so memory holds one bucket and the order does not depend on how many there are.
    """
    if buckets is None:
        buckets = max(1, min(MAX_BUCKETS, math.ceil(source.stat().st_size / BUCKET_BYTES)))
    names = [temporary / f"bucket-{number:03d}" for number in range(buckets)]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(name.open("wb")) for name in names]
        progress = stack.enter_context(Progress(f"shuffling {side}", source.stat().st_size, unit="bytes"))
        unsaid = 0
        for index, line in enumerate(stack.enter_context(source.open("rb"))):
            digits = _key_digits(f"{seed} {side} {index}")  # order_key(seed, side, index)
            end = b"" if line.endswith(b"\n") else b"\n"  # the last line may have none
            files[int(digits, 16) * buckets >> KEY_BITS].write(f"{digits}{index:012x}".encode() + line + end)
            unsaid += len(line)
            if unsaid > PROGRESS_BYTES:
                progress.advance(unsaid)
                unsaid = 0
    with target.open("wb") as out:
        for name in names:
            with name.open("rb") as bucket:
                # Lines begin with 16 digits of key and 12 of their number; no two agree in both.
                out.writelines([line[28:] for line in sorted(bucket)])
            name.unlink()


def concatenate(sources: list[Path], target: Path) -> None:
    """Write the files one after another into `target`."""
    with target.open("wb") as out:
        for source in sources:
            with source.open("rb") as file:
                shutil.copyfileobj(file, out)

"""`.bin` files of token ids: 256 int32 of header, then the ids (llm.c's form; the contract with expanda)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpt2.config import UserError

HEADER_INTS = 256
HEADER_BYTES = HEADER_INTS * 4
# (magic, version) → type of the ids: uint16 for vocabularies of up to 65,536 tokens, else uint32.
FORMS: dict[tuple[int, int], type[np.generic]] = {(20240520, 1): np.uint16, (20240801, 7): np.uint32}

Ids = npt.NDArray[np.int64]


def form_for(vocab_size: int) -> tuple[int, int]:
    """The (magic, version) that a vocabulary of this size is written with."""
    return (20240520, 1) if vocab_size <= 2**16 else (20240801, 7)


def write_token_file(path: Path, chunks: Iterable[npt.NDArray[np.integer]], vocab_size: int) -> int:
    """Write chunks of ids one behind the other, under a temporary name until complete; return their number."""
    form = form_for(vocab_size)
    temporary = path.with_name(path.name + ".partial")
    header, count = np.zeros(HEADER_INTS, dtype="<i4"), 0
    with temporary.open("wb") as file:
        file.write(header.tobytes())
        for chunk in chunks:
            file.write(chunk.astype(np.dtype(FORMS[form]).newbyteorder("<")).tobytes())
            count += len(chunk)
        header[:3] = (*form, count)
        file.seek(0)
        file.write(header.tobytes())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return count


def shards_of(path: Path) -> list[Path]:
    """The files behind a `.bin` path: itself, or its shards NAME.00000.bin, NAME.00001.bin …, or none."""
    if path.is_file():
        return [path]
    return sorted(path.parent.glob(f"{path.stem}.[0-9][0-9][0-9][0-9][0-9].bin"))


class TokenFile:
    """The ids of one corpus, mapped from disk: `slice` reads across shards as if they were one array."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.arrays = [_map(path) for path in paths]
        self.starts = np.concatenate([[0], np.cumsum([len(array) for array in self.arrays])])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def slice(self, start: int, stop: int) -> Ids:
        """Ids start … stop - 1, int64."""
        shard = int(np.searchsorted(self.starts, start, side="right")) - 1
        parts: list[Ids] = []
        while start < stop:
            offset = start - int(self.starts[shard])
            part = self.arrays[shard][offset : offset + stop - start]
            if not len(part):
                break
            parts.append(part.astype(np.int64))
            start, shard = start + len(part), shard + 1
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def _map(path: Path) -> npt.NDArray[np.integer]:
    size = path.stat().st_size
    header = np.fromfile(path, dtype="<i4", count=HEADER_INTS)
    form = (int(header[0]), int(header[1])) if len(header) == HEADER_INTS else (0, 0)
    if form not in FORMS:
        raise UserError(f"{path}: not a token file: its header is neither (20240520, 1) nor (20240801, 7)")
    dtype = np.dtype(FORMS[form]).newbyteorder("<")
    expected = HEADER_BYTES + int(header[2]) * dtype.itemsize
    if size != expected:
        raise UserError(
            f"{path}: damaged: the header promises {int(header[2])} ids ({expected} bytes), the file has {size} bytes; "
            "build the corpus again"
        )
    if not header[2]:
        return np.empty(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=HEADER_BYTES)

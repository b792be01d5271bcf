"""Token ids on disk in llm.c's form: a header of 256 int32, then the ids; cut into shards when there are many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from expanda.files import Outputs

HEADER_INTS = 256
SHARD_TOKENS = 1 << 30
_NARROW = (20240520, 1, np.dtype("<u2"))  # magic, version, type of an id
_WIDE = (20240801, 7, np.dtype("<u4"))
_FLUSH_TOKENS = 1 << 20


class IdWriter:
    """Stage ids as `path`, or as `path` with numbers (`corpus.train.00000.bin` …) once one file holds `shard_tokens`.

    Args:
        path: the final place, `corpus.train.bin`.
        vocabulary: number of tokens; it decides between uint16 and uint32.
        outputs: where the files are staged.
    """

    def __init__(self, path: Path, vocabulary: int, outputs: Outputs, *, shard_tokens: int = SHARD_TOKENS) -> None:
        self.path, self.tokens = path, 0
        self._dtype: np.dtype[Any]
        self._magic, self._version, self._dtype = _NARROW if vocabulary <= 1 << 16 else _WIDE
        self._outputs, self._shard_tokens = outputs, shard_tokens
        self._waiting: list[np.ndarray[Any, Any]] = []
        self._waiting_tokens = 0
        self._shards = 0
        self._room = 0
        self._file = self._open()

    def write(self, ids: Sequence[int] | np.ndarray[Any, Any]) -> None:
        """Append ids."""
        self._waiting.append(np.asarray(ids).astype(self._dtype))
        self.tokens += len(ids)
        self._waiting_tokens += len(ids)
        if self._waiting_tokens >= _FLUSH_TOKENS:
            self._flush()

    def close(self) -> None:
        """Write what is left and complete the last header."""
        self._flush()
        self._finish_shard()

    def _flush(self) -> None:
        ids = np.concatenate([np.empty(0, self._dtype), *self._waiting])
        self._waiting, self._waiting_tokens = [], 0
        while len(ids):
            if not self._room:
                self._finish_shard()
                self._file = self._open()
            part, ids = ids[: self._room], ids[self._room :]
            self._file.write(part.tobytes())
            self._room -= len(part)

    def _open(self) -> BinaryIO:
        if self._shards == 1:  # there is more than one after all: the first gets its number
            self._outputs.rename(self.path, self._shard_path(0))
        place = self._shard_path(self._shards) if self._shards else self.path
        self._shards += 1
        self._room = self._shard_tokens
        file = self._outputs.stage(place).open("wb")
        file.write(bytes(4 * HEADER_INTS))
        return file

    def _finish_shard(self) -> None:
        header = np.zeros(HEADER_INTS, dtype="<i4")
        header[:3] = self._magic, self._version, self._shard_tokens - self._room
        with self._file as file:
            file.seek(0)
            file.write(header.tobytes())

    def _shard_path(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.stem}.{number:05d}{self.path.suffix}")

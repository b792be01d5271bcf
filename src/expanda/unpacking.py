"""One packed stream to its bytes, never many at once: bz2, gzip, xz and zst behind one small interface."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from expanda.utils import UserError

FAILURES = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError)
UNPACKED_BYTES = 1 << 20  # at most so many come out of one call
_XZ_MEMORY = 100_000_000  # bytes; xz -9 needs 65 MiB, and a file may ask for gigabytes
_ZST_STEP = 256  # zst's library knows no limit; so many bytes unpack to 8 MiB at most, 128 KiB for four of them


class Decompressor(Protocol):
    """One packed stream, fed piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was fed behind the stream's end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take packed bytes, and return some of what they hold; with no more to take, return what is left."""
        ...


def decompressor(kind: str, path: Path) -> Decompressor:
    """Return what unpacks a stream of this kind.

    Raises:
        UserError: naming `path`, that nothing here can.
    """
    match kind:
        case "bz2":
            return bz2.BZ2Decompressor()
        case "gzip":
            return _Gzip()
        case "xz":
            return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    return _Zstandard(path)


def unpack(stream: Decompressor, block: bytes) -> Iterator[bytes]:
    """Yield all that can be had from the stream after it was fed `block`, in pieces of about `UNPACKED_BYTES`.

    Raises:
        one of `FAILURES`: the stream is damaged.
    """
    data = stream.decompress(block, UNPACKED_BYTES)
    while data:
        yield data
        data = b"" if stream.eof else stream.decompress(b"", UNPACKED_BYTES)


class _Gzip:
    """zlib's decompressor, which gives back what it did not take."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


class _Zstandard:
    """One zst frame, unpacked by Python 3.14's own library or by the package zstandard; errors are ValueErrors."""

    def __init__(self, path: Path) -> None:
        stream: Any
        error: type[Exception]
        try:
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]

            stream, error = zstd.ZstdDecompressor(), zstd.ZstdError
        except ImportError:
            try:
                import zstandard  # type: ignore[import-not-found,unused-ignore]
            except ImportError:
                raise UserError(
                    f"{path}: this file is packed with zst, which needs Python 3.14 or the package zstandard: "
                    "pip install zstandard"
                ) from None
            stream, error = zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
        self._stream, self._error, self._waiting = stream, error, b""

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data) + self._waiting

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length
        waiting, at, out = self._waiting + data, 0, b""
        try:
            while not out and at < len(waiting) and not self.eof:
                out = bytes(self._stream.decompress(waiting[at : at + _ZST_STEP]))
                at += _ZST_STEP
        except self._error as error:
            raise ValueError(str(error)) from error
        self._waiting = waiting[at:]
        return out

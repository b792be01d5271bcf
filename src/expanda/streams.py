"""Source files as streams of bytes: opened by what they hold, read whole or in pieces."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from expanda.utils import UserError

READ_BYTES = 1 << 18
_MAGIC = {"bz2": b"BZh", "gzip": b"\x1f\x8b", "xz": b"\xfd7zXZ\x00", "zst": b"\x28\xb5\x2f\xfd"}


class _Cuts(NamedTuple):
    """Where a file may be cut: at `mark`, which has `width` bytes, about every `step` bytes."""

    mark: re.Pattern[bytes]
    width: int
    step: int


# bz2: the head of a stream with a block in it. Not packed: a page of a MediaWiki dump. Small steps let two workers end
# together; at any moment only a few pieces exist.
_CUTS = {
    "bz2": _Cuts(re.compile(rb"BZh[1-9]1AY&SY"), width=10, step=1 << 19),
    "": _Cuts(re.compile(rb"<page>"), width=6, step=1 << 21),
}


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes) -> bytes: ...


class _Span:
    """An open file from where it stands to the byte `end`; `offset` counts from the file's start."""

    def __init__(self, file: BinaryIO, start: int, end: int | None, advance: Callable[[int], None]) -> None:
        self.file, self.offset, self.end, self.advance = file, start, end, advance
        file.seek(start)

    def read(self, size: int) -> bytes:
        block = self.file.read(size if self.end is None else min(size, self.end - self.offset))
        self.offset += len(block)
        self.advance(len(block))
        return block


def read_source(
    path: Path, *, start: int = 0, end: int | None = None, advance: Callable[[int], None] = lambda _: None
) -> Iterator[bytes]:
    """Yield the bytes of a file, decompressed when the first ones say bz2, gzip, xz or zst, whatever its name.

    Args:
        start, end: read only what the file holds from the one byte to the other; packed streams must begin and end
            there.
        advance: is told how many bytes of the file were read since the last time.

    Several packed streams one after another, as in Wikipedia's multistream dumps, are read as one.

    Raises:
        UserError: a packed stream is damaged, cut short, or followed by something else; or nothing here can unpack it.
    """
    with path.open("rb") as file:
        kind = _kind(file, start)
        span = _Span(file, start, end, advance)
        if kind:
            yield from _decompress(span, path, kind)
            return
        while block := span.read(READ_BYTES):
            yield block


def cut_source(path: Path) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in bytes of pieces of the file that can probably be read on their own, in order, without gaps.

    Cuts are where the mark of a beginning is seen: that of a bz2 stream, or of a page when the file is not packed. Such
    a mark can lie inside something else by chance or malice: whoever reads a piece must check it. Other files are one
    piece.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        cuts = _CUTS.get(_kind(file, 0))
        start = 0
        while start < size:
            end = _find(file, cuts, start + cuts.step) if cuts else None
            yield start, size if end is None else end
            start = size if end is None else end


def _kind(file: BinaryIO, start: int) -> str:
    file.seek(start)
    head = file.read(8)
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "")


def _find(file: BinaryIO, cuts: _Cuts, at: int) -> int | None:
    """Return where the first mark at or after the byte `at` begins."""
    file.seek(at)
    window = b""
    while block := file.read(READ_BYTES):
        window = window[1 - cuts.width :] + block  # a mark may lie across two reads
        if found := cuts.mark.search(window):
            return file.tell() - len(window) + found.start()
    return None


def _decompress(span: _Span, path: Path, kind: str) -> Iterator[bytes]:
    magic, started_at, untouched = _MAGIC[kind], span.offset, True
    stream = _decompressor(kind, path)
    while block := span.read(READ_BYTES):
        while block:
            if stream.eof:
                started_at = span.offset - len(block)
                block += span.read(max(0, len(magic) - len(block)))
                if not block.startswith(magic):
                    raise UserError(
                        f"{path}: something that is not {kind} follows the last stream, at byte {started_at:,}; "
                        "the file is damaged, get it again"
                    )
                stream = _decompressor(kind, path)
            try:
                data = stream.decompress(block)
            except (OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise UserError(
                    f"{path}: damaged {kind} stream (starts at byte {started_at:,}, fails before byte "
                    f"{span.offset:,}): {error}; get the file again"
                ) from error
            untouched = False
            if data:
                yield data
            block = stream.unused_data if stream.eof else b""
    if untouched or not stream.eof:
        raise UserError(
            f"{path}: the file ends at byte {span.offset:,} inside a {kind} stream that starts at byte "
            f"{started_at:,}; it was cut short, get it again"
        )


def _decompressor(kind: str, path: Path) -> _Decompressor:
    match kind:
        case "bz2":
            return bz2.BZ2Decompressor()
        case "gzip":
            return zlib.decompressobj(wbits=31)
        case "xz":
            return lzma.LZMADecompressor()
    return _Zstandard(path)


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
        self._stream, self._error = stream, error

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)

    def decompress(self, data: bytes) -> bytes:
        try:
            return bytes(self._stream.decompress(data))
        except self._error as error:
            raise ValueError(str(error)) from error

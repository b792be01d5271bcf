"""Source files as streams of bytes: opened by what they hold, read whole or in pieces, past damage too."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from expanda.unpacking import FAILURES, Decompressor, decompressor, unpack
from expanda.utils import UserError

READ_BYTES = 1 << 18
_JOINED_BYTES = 1 << 20  # what is handed out at once, about
_BLANK = b" \t\r\n\0"  # may stand behind packed streams: tapes and downloads are filled up with it
_GUESS_BYTES = 1 << 22
# No bz2 block unpacks to more: 900,000 bytes, in which 5 can stand for 259. Bytes come out before the block's checksum
# was compared, so so many are held back. The other kinds have one checksum, at the end of everything.
_UNCHECKED_BYTES = {"bz2": 900_000 * 259 // 5 + 1}
_BEYOND_BYTES = 1 << 21
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
# Where reading goes on behind damage. gzip's mark has two bytes and is found everywhere, so nothing is tried there.
_RESUMES = {
    "bz2": _CUTS["bz2"],
    "xz": _Cuts(re.compile(re.escape(_MAGIC["xz"])), width=6, step=0),
    "zst": _Cuts(re.compile(re.escape(_MAGIC["zst"])), width=4, step=0),
}


class Part(NamedTuple):
    """Bytes of a file and what they hold.

    Args:
        start, end: between these bytes of the file, as it lies on disk, the data comes from: exact for a file that is
            not packed, else from the beginning of the stream to what was read so far.
        data: unpacked; empty when `damage` says why there is none.
    """

    start: int
    end: int
    data: bytes
    damage: str = ""


class _DamageError(Exception):
    """From the byte `start` on a packed stream cannot be read."""

    def __init__(self, start: int, reason: str) -> None:
        super().__init__(reason)
        self.start = start


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

    def go_to(self, offset: int) -> None:
        self.advance(offset - self.offset)
        self.offset = offset
        self.file.seek(offset)


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
        try:
            for part in _parts(_Span(file, start, end, advance), path, kind):
                yield part.data
        except _DamageError as damage:
            raise UserError(f"{path}: {damage}; get the file again") from damage


def read_parts(
    path: Path, *, start: int = 0, end: int | None = None, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Part]:
    """Yield what `read_source` yields, but go on behind damage; a part without data stands for what is lost.

    Of a damaged bz2 stream every block whose checksum is right comes out. Then the next stream is looked for, except in
    gzip.

    Raises:
        UserError: a packed stream goes on behind `end`; or nothing here can unpack it.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        limit = size if end is None else end
        kind = _kind(file, start) or _guessed_kind(file, start)
        span = _Span(file, start, end, advance)
        while span.offset < limit:
            try:
                yield from _parts(span, path, kind)
            except _DamageError as damage:
                resumes = _RESUMES.get(kind)
                found = _find(file, resumes, damage.start + 1, limit) if resumes else None
                yield Part(damage.start, found or limit, b"", str(damage))
                span.go_to(found or limit)


def cut_source(path: Path) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in bytes of pieces of the file that can probably be read on their own, in order, without gaps.

    Cuts are where the mark of a beginning is seen: that of a bz2 stream, or of a page when the file is not packed. Such
    a mark can lie inside something else by chance or malice: whoever reads a piece must check it. Other files are one
    piece.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        cuts = _CUTS.get(_kind(file, 0) or _guessed_kind(file, 0))
        start = 0
        while start < size:
            end = _find(file, cuts, start + cuts.step, size) if cuts else None
            yield start, size if end is None else end
            start = size if end is None else end


def _kind(file: BinaryIO, start: int) -> str:
    file.seek(start)
    head = file.read(8)
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "")


def _guessed_kind(file: BinaryIO, start: int) -> str:
    """Return bz2 for a file whose first bytes are damaged and in which bz2 streams soon follow."""
    file.seek(start)
    if file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"["):
        return ""
    return "bz2" if _find(file, _CUTS["bz2"], start, start + _GUESS_BYTES) is not None else ""


def _find(file: BinaryIO, cuts: _Cuts, at: int, limit: int) -> int | None:
    """Return where the first mark at or after the byte `at` begins, if it ends before the byte `limit`."""
    file.seek(at)
    window = b""
    while file.tell() < limit and (block := file.read(min(READ_BYTES, limit - file.tell()))):
        window = window[1 - cuts.width :] + block  # a mark may lie across two reads
        if found := cuts.mark.search(window):
            return file.tell() - len(window) + found.start()
    return None


def _parts(span: _Span, path: Path, kind: str) -> Iterator[Part]:
    if not kind:
        while block := span.read(READ_BYTES):
            yield Part(span.offset - len(block), span.offset, block)
        return
    magic, block = _MAGIC[kind], b""
    while True:
        block = block.lstrip(_BLANK) or span.read(READ_BYTES)
        if not block:
            return
        if block[0] in _BLANK:
            continue
        started_at = span.offset - len(block)
        block += span.read(max(0, len(magic) - len(block)))
        if not block.startswith(magic):
            follows = "follows the last stream, at byte" if started_at else "stands at its beginning, byte"
            raise _DamageError(started_at, f"something that is not {kind} {follows} {started_at:,}")
        block = yield from _stream(span, path, kind, block)


def _stream(span: _Span, path: Path, kind: str, block: bytes) -> Generator[Part, None, bytes]:
    """Yield what the stream at the beginning of `block` holds; return the bytes that follow it."""
    started_at, given = span.offset - len(block), 0
    stream, held, held_bytes = decompressor(kind, path), list[bytes](), 0
    unchecked = _UNCHECKED_BYTES.get(kind, 0)
    while True:
        fed_to = span.offset - len(block)
        try:
            for data in unpack(stream, block):
                held.append(data)
                held_bytes += len(data)
                while held and held_bytes - len(held[0]) >= max(unchecked, _JOINED_BYTES):
                    held_bytes -= len(held[0])
                    given += len(held[0])
                    yield Part(started_at, span.offset, held.pop(0))
        except FAILURES as error:
            held.clear()
            for data in _checked(span.file, path, kind, (started_at, fed_to, span.offset), given):
                yield Part(started_at, span.offset, data)
            reason = (
                f"damaged {kind} stream (starts at byte {started_at:,}, fails before byte {span.offset:,}): {error}"
            )
            raise _DamageError(started_at, reason) from error
        # Whatever a decompressor gives before it asks for more was compared with its checksum, where blocks have one.
        if held_bytes <= 4 * _JOINED_BYTES:
            held = [b"".join(held)] if held else []
        for data in held:
            yield Part(started_at, span.offset, data)
        given += held_bytes
        held, held_bytes = [], 0
        if stream.eof:
            return stream.unused_data
        block = span.read(READ_BYTES)
        if not block:
            _explain_end(span, path, kind, stream, started_at)


def _explain_end(span: _Span, path: Path, kind: str, stream: Decompressor, started_at: int) -> None:
    """Raise what it means that the bytes end inside a stream: only when the file goes on, the cut can be the mistake.

    Raises:
        _DamageError: the file ends there, or the stream does not go on behind.
        UserError: the stream goes on behind the last byte that was wanted.
    """
    if span.end is None or not (beyond := span.file.read(_BEYOND_BYTES)):
        raise _DamageError(
            started_at,
            f"the file ends at byte {span.offset:,} inside a {kind} stream that starts at byte {started_at:,}: it was "
            "cut short",
        )
    try:
        for _ in unpack(stream, beyond):
            pass
    except FAILURES as error:
        raise _DamageError(
            started_at, f"damaged {kind} stream (starts at byte {started_at:,}, fails near byte {span.end:,}): {error}"
        ) from error
    raise UserError(f"{path}: the {kind} stream that starts at byte {started_at:,} does not end at byte {span.end:,}")


def _checked(file: BinaryIO, path: Path, kind: str, where: tuple[int, int, int], skip: int) -> Iterator[bytes]:
    """Read a stream again that failed, byte by byte where it does; yield what comes out in order, but for `skip` bytes.

    Args:
        where: the bytes of the file at which the stream begins, at which the block begins that could not be unpacked,
            and at which that ends.
    """
    begin, fails_from, end = where
    stream = decompressor(kind, path)
    file.seek(begin)
    while begin < end and not stream.eof:
        block = file.read(min(READ_BYTES, fails_from - begin) if begin < fails_from else 1)
        begin += len(block)
        out: list[bytes] = []
        try:
            for data in unpack(stream, block):
                out.append(data[skip:])
                skip = max(0, skip - len(data))
        except FAILURES:
            if not _UNCHECKED_BYTES.get(kind):
                yield from filter(None, out)
            return
        yield from filter(None, out)

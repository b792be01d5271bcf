"""Files in and out: sources opened by their content, a temporary directory of our own, outputs published by rename."""

from __future__ import annotations

import bz2
import contextlib
import hashlib
import lzma
import os
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from expanda.leftovers import MARKER, PREFIX, claim
from expanda.utils import Progress, UserError

READ_BYTES = 1 << 18


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes) -> bytes: ...


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


_MAGIC: dict[bytes, tuple[str, Any]] = {
    b"BZh": ("bz2", bz2.BZ2Decompressor),
    b"\x1f\x8b": ("gzip", _gzip),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMADecompressor),
}


def read_source(path: Path, *, advance: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """Yield the bytes of a file, decompressed when its first bytes say bz2, gzip or xz, whatever its name.

    Args:
        advance: is told how many bytes of the file were read since the last time.

    Several compressed streams one after another, as in Wikipedia's multistream dumps, are read as one.

    Raises:
        UserError: a compressed stream is damaged, cut short, or followed by something else.
    """
    with path.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        for magic, (kind, decompressor) in _MAGIC.items():
            if head.startswith(magic):
                yield from _decompress(file, path, kind, decompressor, magic, advance)
                return
        while block := file.read(READ_BYTES):
            advance(len(block))
            yield block


def _decompress(
    file: Any, path: Path, kind: str, decompressor: Any, magic: bytes, advance: Callable[[int], None]
) -> Iterator[bytes]:
    offset, started_at = 0, 0  # bytes of the file: handed to a decompressor, start of the current stream
    stream: _Decompressor = decompressor()
    untouched = True
    while block := file.read(READ_BYTES):
        offset += len(block)
        advance(len(block))
        while block:
            if stream.eof:
                started_at = offset - len(block)
                block += file.read(max(0, len(magic) - len(block)))
                offset = started_at + len(block)
                if not block.startswith(magic):
                    raise UserError(
                        f"{path}: something that is not {kind} follows the last stream, at byte {started_at:,}; "
                        "the file is damaged, get it again"
                    )
                stream = decompressor()
            try:
                data = stream.decompress(block)
            except (OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise UserError(
                    f"{path}: damaged {kind} stream (starts at byte {started_at:,}, fails before byte {offset:,}): "
                    f"{error}; get the file again"
                ) from error
            untouched = False
            if data:
                yield data
            block = stream.unused_data if stream.eof else b""
    if untouched or not stream.eof:
        raise UserError(
            f"{path}: the file ends at byte {offset:,} inside a {kind} stream that starts at byte {started_at:,}; "
            "it was cut short, get it again"
        )


def sha256_of(path: Path) -> str:
    """Return the file's sha256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file, Progress(f"hashing {path.name}", path.stat().st_size, unit="bytes") as progress:
        while block := file.read(1 << 20):
            digest.update(block)
            progress.advance(len(block))
    return digest.hexdigest()


@contextlib.contextmanager
def temporary_directory(parent: Path) -> Iterator[Path]:
    """Make a directory of our own below `parent` and delete it, and only it, at the end.

    `parent` itself goes too when we made it and nothing else lies in it.
    """
    made = not parent.exists()
    parent.mkdir(parents=True, exist_ok=True)
    ours = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    marker = ours / MARKER
    marker.write_text("A running 'expanda build' uses this directory. If it was killed, the next one deletes it.\n")
    try:
        with claim(marker) or contextlib.nullcontext():
            yield ours
    finally:
        shutil.rmtree(ours)
        if made:
            with contextlib.suppress(OSError):
                parent.rmdir()


class Outputs:
    """Output files on the way: written under temporary names beside their places, renamed together by `publish`."""

    def __init__(self) -> None:
        self._staged: dict[Path, Path] = {}  # final place -> temporary name
        self._claims = contextlib.ExitStack()

    def stage(self, place: Path) -> Path:
        """Return the temporary name under which to write the file that belongs to `place`."""
        place.parent.mkdir(parents=True, exist_ok=True)
        staged = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        staged.touch(exist_ok=False)
        self._staged[place] = staged
        if handle := claim(staged):
            self._claims.enter_context(handle)
        return staged

    def rename(self, place: Path, new_place: Path) -> None:
        """Let what was staged for `place` go to `new_place`, in the same directory, instead."""
        self._staged = {new_place if key == place else key: staged for key, staged in self._staged.items()}

    def describe(self, place: Path) -> dict[str, object]:
        """Return size and hash of what was written for `place`."""
        staged = self._staged[place]
        return {"bytes": staged.stat().st_size, "sha256": sha256_of(staged)}

    @property
    def places(self) -> list[Path]:
        """The final places, in the order in which they were staged."""
        return list(self._staged)

    def publish(self) -> None:
        """Flush every file to the disk, then rename all in the order in which they were staged."""
        for staged in self._staged.values():
            _sync(staged, os.O_RDWR)
        for place, staged in self._staged.items():
            staged.replace(place)
        for folder in {place.parent for place in self._staged}:
            with contextlib.suppress(OSError):  # not every file system lets a directory be synced
                _sync(folder, os.O_RDONLY)
        self._staged.clear()
        self._claims.close()

    def discard(self) -> None:
        """Delete what was staged and not published."""
        for staged in self._staged.values():
            staged.unlink(missing_ok=True)
        self._staged.clear()
        self._claims.close()


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

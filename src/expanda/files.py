"""Files of ours: hashes, a temporary directory of our own, outputs published by rename."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from expanda.leftovers import MARKER, PREFIX, claim
from expanda.utils import Progress


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
            sync(staged, os.O_RDWR)
        for place, staged in self._staged.items():
            staged.replace(place)
        for folder in {place.parent for place in self._staged}:
            with contextlib.suppress(OSError):  # not every file system lets a directory be synced
                sync(folder, os.O_RDONLY)
        self._staged.clear()
        self._claims.close()

    def discard(self) -> None:
        """Delete what was staged and not published."""
        for staged in self._staged.values():
            staged.unlink(missing_ok=True)
        self._staged.clear()
        self._claims.close()


def sync(path: Path, mode: int = os.O_RDWR) -> None:
    """Flush a file or a directory to the disk."""
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

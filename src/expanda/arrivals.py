"""A file on its way here: the part of it that lies on the disk, what is known of it, and whether it is right."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.utils import Progress, UserError

if sys.platform != "win32":
    import fcntl

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@dataclass(frozen=True)
class Wanted:
    """A file to get. `digest` is what its bytes must hash to; `size` in bytes, when somebody said it."""

    url: str
    name: str
    algorithm: str
    digest: str
    size: int | None = None


class Part:
    """The part of a file that is here, and beside it in `NAME.part.json` what the server said about the whole."""

    def __init__(self, part: Path, wanted: Wanted) -> None:
        self.part, self._wanted = part, wanted
        self._note = part.with_name(part.name + ".json")
        self._said = self._read_note()
        if not self._said:
            part.write_bytes(b"")  # nobody knows of what it is a part

    @property
    def size(self) -> int:
        """The bytes that are here."""
        return self.part.stat().st_size

    def _read_note(self) -> dict[str, Any]:
        try:
            said = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) and said.get("digest") == self._wanted.digest else {}

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the rest, if the file is still the same, else for the whole."""
        if not self.size:
            return {}
        # Another mirror gives the same file other marks. The digest at the end tells whether the halves fit.
        mark = self._said.get("mark") if self._said.get("url") == self._wanted.url else None
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": mark} if mark else {})

    def begin(self, headers: Any, start: int) -> None:
        """Note what the server says of the file; keep only the bytes before `start`."""
        etag = headers.get("ETag") or ""
        mark = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        self._said = {"url": self._wanted.url, "digest": self._wanted.digest, "mark": mark}
        os.truncate(self.part, start)
        self._note.write_text(json.dumps(self._said) + "\n", encoding="utf-8")

    def restart(self) -> None:
        """Throw away what is here."""
        os.truncate(self.part, 0)

    def forget(self) -> None:
        """Delete the note: the file is complete."""
        self._note.unlink(missing_ok=True)


def make_room(part: Path, total: int | None, have: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - have > free:
        raise UserError(
            f"{part.parent}: {total - have:,} more bytes are needed and {free:,} are free; make room, or name another "
            "directory with --output"
        )


def _digest_of(path: Path, algorithm: str) -> str:
    # Read from the disk again: what counts is what lies there. A sum against damage, not against an attacker.
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file, Progress(f"checking {path.name}", path.stat().st_size, unit="bytes") as progress:
        while block := file.read(1 << 20):
            digest.update(block)
            progress.advance(len(block))
    return digest.hexdigest()


def check_present(place: Path, wanted: Wanted) -> None:
    if not place.is_file() or _digest_of(place, wanted.algorithm) != wanted.digest:
        raise UserError(
            f"{place} is there already, but its {wanted.algorithm} is not {wanted.digest}; move it away, or name "
            "another directory with --output"
        )


def check_download(part: Path, place: Path, wanted: Wanted) -> None:
    found = _digest_of(part, wanted.algorithm)
    if found == wanted.digest:
        return
    bad = place.with_name(place.name + ".bad")
    part.replace(bad)
    part.with_name(part.name + ".json").unlink(missing_ok=True)
    raise UserError(
        f"{wanted.url}: wrong bytes came: their {wanted.algorithm} is {found}, it must be {wanted.digest}; they are "
        f"kept as {bad} (delete it when you have seen enough); run this again, or name another --mirror"
    )


@contextlib.contextmanager
def alone(part: Path) -> Iterator[None]:
    """Hold `part` against a second run of ourselves, where the system has locks."""
    if sys.platform == "win32":
        yield
        return
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{part}: another 'expanda fetch' is writing this file; let it finish") from None
        except OSError:  # a file system without locks
            pass
        yield


def sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())

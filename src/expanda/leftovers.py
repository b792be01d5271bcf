"""What a killed build leaves behind: a running build holds a lock on what is its own, the next one removes the rest.

The system itself drops a dead process's lock, so neither a number nor an age has to tell who is still alive. Where
there are no such locks (Windows, some network file systems) nothing is ever removed.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from expanda.keys import BuildConfig

if sys.platform != "win32":
    import fcntl

PREFIX = "expanda-"  # of our temporary directories
MARKER = ".expanda-build"  # the file in each that says so
MADE_PARENT = "The directory around it was made by the build, too.\n"  # in the marker, where that is so
_STAGED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part")  # as Outputs.stage names them


def claim(file: Path) -> BinaryIO | None:
    """Open `file` and lock it until the handle is closed; None when a running build has it, or locks do not work."""
    if sys.platform == "win32":
        return None
    try:
        handle = file.open("rb")
    except OSError:  # it is no file, or another user's
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def remove_work(folder: Path) -> None:
    """Delete a directory of unfinished work, and the one around it if a build made that and nothing else lies in it."""
    made_parent = MADE_PARENT in (folder / MARKER).read_text()
    shutil.rmtree(folder)
    if made_parent:
        with contextlib.suppress(OSError):  # something else lies in it
            folder.parent.rmdir()


def remove_leftovers(build: BuildConfig, *, keep: str | None = None) -> None:
    """Delete the temporary directories and the unfinished outputs that nobody holds any more; nothing else.

    Args:
        keep: the name of a temporary directory that stays.
    """
    for marker in sorted(build.temporary_path.glob(f"{PREFIX}*/{MARKER}")):
        if marker.parent.name != keep and not marker.parent.is_symlink() and (handle := claim(marker)):
            with handle:
                remove_work(marker.parent)
    for folder in {place.parent for place in build.places.values() if place.parent.is_dir()}:
        for staged in sorted(folder.iterdir()):
            found = _STAGED.fullmatch(staged.name)
            if found and build.is_place(folder / found[1]) and (handle := claim(staged)):
                with handle:
                    staged.unlink()

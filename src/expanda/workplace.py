"""Where a build keeps unfinished work: a directory named after its recipe, so that a killed build can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from expanda.files import sync
from expanda.journal import JOURNAL
from expanda.leftovers import MADE_PARENT, MARKER, PREFIX, claim, remove_work
from expanda.utils import UserError, say

if sys.platform != "win32":
    import fcntl


class Workplace:
    """The directory of one recipe's unfinished work below `temporary-path`.

    It stays when a build fails or is killed, and goes when one is published. A recipe that differs in anything that
    decides the outputs has another directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folder_for(self, name: str, *, keep: bool) -> Path:
        """Return a directory for one part of the work; emptied first unless `keep` says its owner goes on from it."""
        folder = self.folder / name
        if not keep and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        return folder

    def has_results(self) -> bool:
        """Whether a later run could go on from something."""
        journals = self.folder.glob(f"*/{JOURNAL}")
        return any(self.folder.glob("*.done")) or any(journal.stat().st_size for journal in journals)

    def once(self, stage: str, make: Callable[[], Any], *, files: Callable[[], list[Path]] = list) -> Any:
        """Return what `make()` returns, or what it returned in an earlier run that came to its end.

        Args:
            make: returns plain data; what else it makes are files in this directory.
            files: these files, once they are made; they are on the disk before the stage counts as done.
        """
        mark = self.folder / f"{stage}.done"
        if mark.exists():
            say(f"{stage}: done by an earlier run")
            return json.loads(mark.read_text(encoding="utf-8"))
        result = json.loads(json.dumps(make()))
        for file in files():
            sync(file)
        aside = mark.with_suffix(".part")
        aside.write_text(json.dumps(result), encoding="utf-8")
        sync(aside)
        aside.replace(mark)
        return result


@contextlib.contextmanager
def workplace(parent: Path, recipe: Any) -> Iterator[Workplace]:
    """Take, or make, the directory for `recipe` (plain data) below `parent`; delete it unless something is left to do.

    `parent` goes, too, when nothing else lies in it and a build made it.
    """
    made = not parent.exists()
    folder = parent / folder_name(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / MARKER
    if not marker.exists():
        marker.write_text(
            "Unfinished work of 'expanda build'. A build with the same inputs and configuration goes on with it,\n"
            f"any other deletes it.\n{MADE_PARENT if made else ''}"
        )
    with claim(marker) or contextlib.nullcontext():
        work = Workplace(folder)
        try:
            yield work
        except BaseException:
            if not work.has_results():
                remove_work(folder)
            raise
        remove_work(folder)


def folder_name(recipe: Any) -> str:
    """Return the name of the directory for the unfinished work of `recipe`."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    return f"{PREFIX}{digest[:16]}"


@contextlib.contextmanager
def only_build_here() -> Iterator[None]:
    """Hold the workspace, the current directory, for one build.

    Raises:
        UserError: another build runs in it.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(".", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UserError(f"another 'expanda build' is running in {Path.cwd()}; wait for it, or stop it") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(handle)  # which ends the lock; a killed process's ends by itself

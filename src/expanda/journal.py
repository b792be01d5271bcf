"""What is done so far, on disk, so that a killed build goes on there: a file that grows, and a line for each part."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

JOURNAL = "journal"  # its name in the directory of an extension that keeps one
_BLOCK = 1 << 20


class Journal:
    """Appends the results of tasks to one output, in order, and remembers how far it came. Use it in a `with` block.

    After each task comes one line: its name, where its part ends, the part's checksum and what the task counted. A
    line, or a part, that a killed process or a lost write left incomplete does not fit; from there on everything is
    done again. So nothing needs to be flushed to the disk on the way.

    Args:
        path: the journal; it may hold lines of an earlier run.
        output: the file that grows.
    """

    def __init__(self, path: Path, output: Path) -> None:
        self._path, self._place = path, output
        self.done: dict[str, Any] = {}  # name of a task that an earlier run finished -> what it counted

    def __enter__(self) -> Journal:
        self._output = self._place.open("r+b" if self._place.exists() else "w+b")
        end = sound = 0
        for line_end, entry in _entries(self._path):
            part = _part(self._output, end, entry["end"])
            if len(part) != entry["end"] - end or zlib.crc32(part) != entry["crc"]:
                break
            self.done[entry["task"]] = entry["record"]
            end, sound = entry["end"], line_end
        self._output.truncate(end)
        self._output.seek(end)
        self._lines = self._path.open("r+b" if self._path.exists() else "w+b")
        self._lines.truncate(sound)
        self._lines.seek(sound)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.close()
        self._lines.close()

    def add(self, task: str, part: Path, record: Any) -> None:
        """Append the content of `part`, and note that `task` is done."""
        crc = 0
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                crc = zlib.crc32(block, crc)
                self._output.write(block)
        self._output.flush()
        entry = {"task": task, "end": self._output.tell(), "crc": crc, "record": record}
        self._lines.write(_line(entry))
        self._lines.flush()


def _line(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (where its line ends, entry) up to the first line that is not as it was written."""
    if not path.exists():
        return
    end = 0
    with path.open("rb") as lines:
        for line in lines:
            end += len(line)
            if not line.endswith(b"\n") or line[:9] != b"%08x " % zlib.crc32(line[9:-1]):
                return
            yield end, json.loads(line[9:])


def _part(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)

"""JSON lines, packed or not: one object a line, its text is one document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from expanda.lines import documents_text
from expanda.options import boolean
from expanda.streams import read_parts, read_source
from expanda.tally import Report, loss
from expanda.units import ARGUMENTS, document_of
from expanda.utils import Progress, UserError


class _LineError(ValueError):
    """What is wrong with one line."""


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the text of each record as one document; return what was read, kept and dropped.

    Raises:
        UserError: a line is no JSON object or a packed stream is damaged, and skip-bad is false; or there is no record.
    """
    source, report = Path(input_file), Report()
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Path(output_file).open("w", encoding="utf-8", newline="\n") as output,
    ):
        blocks = (
            _blocks(source, report, progress) if args["skip-bad"] else read_source(source, advance=progress.advance)
        )
        for number, line in enumerate(_lines(blocks), 1):
            if not line.strip():
                continue
            report.pages.read += 1
            try:
                text, reason = _text(_record(line), args["field"])
            except _LineError as error:
                if not args["skip-bad"]:
                    raise UserError(
                        f"{source}: line {number:,}: {error}; mend it, or set skip-bad = true to drop such lines"
                    ) from error
                text, reason = "", "bad line"
            document = document_of(text, args, report) if reason is None else []
            report.pages.settle(reason)
            output.writelines(documents_text([document]))
    if not report.pages.read:
        raise UserError(f"{source}: this file holds no record; it must have one JSON object a line")
    return report.as_record()


def _blocks(source: Path, report: Report, progress: Progress) -> Iterator[bytes]:
    """Yield the file's bytes; where some are lost a line ends, so that its halves are not read as one."""
    for part in read_parts(source, advance=progress.advance):
        if part.damage:
            report.add_record(loss(source, part.damage, bytes=(part.start, part.end)))
        yield part.data or b"\n"


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends; a line that never ends grows in linear time."""
    parts: list[bytes] = []
    for block in blocks:
        first, *others = block.split(b"\n")
        parts.append(first)
        for other in others:
            yield b"".join(parts)
            parts = [other]
    yield b"".join(parts)


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.removeprefix(b"\xef\xbb\xbf").decode(), strict=False)
    except UnicodeDecodeError as error:
        raise _LineError(f"byte {error.start:,} of it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _LineError(f"not JSON: {error.msg} at its character {error.pos + 1:,}") from error
    except RecursionError as error:
        raise _LineError("nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise _LineError(f"not usable: {error}") from error
    if not isinstance(record, dict):
        raise _LineError(f"it holds no object, but a {type(record).__name__}")
    return record


def _text(record: dict[str, Any], field: str) -> tuple[str, str | None]:
    """Return the record's text, and why it is dropped or None."""
    value: Any = record
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return "", "no field"
    if not isinstance(value, str):
        return "", "not text"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _LineError("its text holds half of a surrogate pair, which no text file can hold") from error
    return (value, None) if value.strip() else ("", "empty")


__extension__ = {
    "name": "JSON lines",
    "version": "1.0",
    "description": "one JSON object a line (plain, bz2, gzip, xz or zst); the text of each is one document",
    "author": "the toolkit",
    "output": "documents",
    "main": extract,
    "arguments": {
        **ARGUMENTS,
        "field": {"type": str, "default": "text", "help": "where the text is; a.b is the field b of the field a"},
        "skip-bad": {"type": boolean, "default": False, "help": "true: drop and count lines that cannot be read"},
    },
}

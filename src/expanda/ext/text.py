"""Plain text files: the smallest extension. Copy this file into your workspace to write your own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expanda.lines import documents_text
from expanda.streams import read_source
from expanda.tally import Report
from expanda.units import ARGUMENTS, document_of
from expanda.utils import UserError


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write one text file as one document; return what was read, kept and dropped.

    Raises:
        UserError: the file is not UTF-8.
    """
    try:
        text = b"".join(read_source(Path(input_file))).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{input_file}: byte {error.start:,} is not UTF-8; convert the file, for example with iconv"
        ) from error

    report = Report()
    report.pages.read = 1
    document = document_of(text, args, report)
    report.pages.settle(None if document else "empty")

    with Path(output_file).open("w", encoding="utf-8", newline="\n") as output:
        output.writelines(documents_text([document]))
    return report.as_record()


__extension__ = {
    "name": "text files",
    "version": "1.0",
    "description": "UTF-8 text (plain, bz2, gzip, xz or zst); each file is one document",
    "author": "the toolkit",
    "output": "documents",
    "main": extract,
    "arguments": ARGUMENTS,
}

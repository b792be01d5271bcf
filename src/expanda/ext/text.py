"""Plain text files: the smallest extension. Copy this file into your workspace to write your own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from expanda.files import read_source
from expanda.lines import documents_text
from expanda.options import one_of
from expanda.sentences import split_sentences
from expanda.tally import Report
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
    text = text.replace("\r\n", "\n").replace("\r", "\n")

    report = Report()
    report.pages.read = 1
    document = []
    for sequence in _sequences(text, args["unit"], args["language"]):
        report.read_sequence(sequence, None)
        document.append(sequence)
    report.pages.settle(None if document else "empty")

    with Path(output_file).open("w", encoding="utf-8", newline="\n") as output:
        output.writelines(documents_text([document]))
    return report.as_record()


def _sequences(text: str, unit: str, language: str) -> Iterator[str]:
    if unit == "article":
        yield from [text] if text else []
        return
    paragraph: list[str] = []
    for line in [*text.split("\n"), ""]:
        if unit == "line":
            yield from [line] if line.strip() else []
        elif line.strip():
            paragraph.append(line)
        elif paragraph:
            yield from split_sentences(" ".join(paragraph), language) if unit == "sentence" else ["\n".join(paragraph)]
            paragraph = []


__extension__ = {
    "name": "text files",
    "version": "1.0",
    "description": "UTF-8 text (plain, bz2, gzip or xz); each file is one document",
    "author": "the toolkit",
    "output": "documents",
    "main": extract,
    "arguments": {
        "unit": {
            "type": one_of("paragraph", "line", "sentence", "article"),
            "default": "paragraph",
            "help": "what a sequence is: paragraph (between blank lines), line, sentence, or the whole file as it is",
        },
        "language": {"type": str, "default": "en", "help": "language of the text, for unit = sentence"},
    },
}

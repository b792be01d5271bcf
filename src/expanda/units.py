"""Texts to sequences for the sources that have nothing to clean: one record or file is one document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from expanda.options import one_of
from expanda.sentences import split_sentences
from expanda.tally import Report


def document_of(text: str, args: dict[str, Any], report: Report) -> list[str]:
    """Cut one text as the values of `ARGUMENTS` say, and count its sequences; the page itself is for the caller."""
    document = []
    for sequence in _sequences(text.replace("\r\n", "\n").replace("\r", "\n"), args["unit"], args["language"]):
        report.read_sequence(sequence, None)
        document.append(sequence)
    return document


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


ARGUMENTS: dict[str, dict[str, Any]] = {
    "unit": {
        "type": one_of("paragraph", "line", "sentence", "article"),
        "default": "paragraph",
        "help": "what a sequence is: paragraph (between blank lines), line, sentence, or the whole text as it is",
    },
    "language": {"type": str, "default": "en", "help": "language of the text, for unit = sentence"},
}

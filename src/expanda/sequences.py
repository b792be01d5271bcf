"""Cleaned text to the sequences of a corpus: sentences, paragraphs or articles, each kept or dropped for a reason."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from expanda.marks import HOLE
from expanda.sentences import ends_sentence
from expanda.splitters import Splitter, load_splitter
from expanda.tally import Report

FILLED_MAX_LENGTH = SENTENCE_MAX_LENGTH = 1000


@dataclass(frozen=True)
class Rules:
    """How a text is cut.

    Args:
        unit: sentence, paragraph, article, or filled: sentences joined up to `max_length`.
        min_length, max_length: characters; what is kept is longer than the one and shorter than the other.
        keep_holes: whether a sentence that lost the words of a template is kept, its hole closed.
        splitter: who cuts sentences, as `load_splitter` takes it.
    """

    unit: str
    min_length: int
    max_length: int | None
    language: str
    keep_holes: bool = False
    splitter: str | None = None

    def length_reason(self, text: str) -> str | None:
        """Return why a sequence of this length is dropped, or None."""
        if len(text) <= self.min_length:
            return "too short"
        return "too long" if self.max_length is not None and len(text) >= self.max_length else None


def sequences_of(text: str, rules: Rules, report: Report) -> list[str]:
    """Return the sequences that `rules` keep, and count every candidate in `report`.

    Args:
        text: blocks separated by blank lines, as `wikitext.clean` gives them; a HOLE drops its sentence, and is closed
            in larger units.
    """
    kept = []
    for sequence, reason in _candidates(text, rules, report):
        report.read_sequence(sequence, reason)
        if reason is None:
            kept.append(sequence)
    return kept


def _candidates(text: str, rules: Rules, report: Report) -> Iterator[tuple[str, str | None]]:
    match rules.unit:
        case "sentence":
            for sentence, reason in _sentences(text, rules, report):
                yield sentence, reason or rules.length_reason(sentence)
        case "filled":
            yield from _filled(text, rules, report)
        case "paragraph" | "article":
            for part in text.split("\n\n") if rules.unit == "paragraph" else [text]:
                sequence = _without_holes(part, report)
                yield sequence, rules.length_reason(sequence)


def _sentences(text: str, rules: Rules, report: Report) -> Iterator[tuple[str, str | None]]:
    split = _splitter(rules.splitter, rules.language)
    for line in text.split("\n"):
        for sentence in split(line) if line else ():
            if not ends_sentence(sentence, rules.language):
                yield sentence, "no terminator"
            elif HOLE not in sentence:
                yield sentence, None
            elif rules.keep_holes:
                yield _without_holes(sentence, report), None
            else:
                yield sentence, "hole"


@functools.cache
def _splitter(spec: str | None, language: str) -> Splitter:
    return load_splitter(spec, language)


def _filled(text: str, rules: Rules, report: Report) -> Iterator[tuple[str, str | None]]:
    limit = rules.max_length or FILLED_MAX_LENGTH
    sequence = ""
    for sentence, reason in _sentences(text, rules, report):
        if reason or len(sentence) >= limit:
            yield sentence, reason or "too long"
        elif sequence and len(sequence) + 1 + len(sentence) >= limit:
            yield sequence, rules.length_reason(sequence)
            sequence = sentence
        else:
            sequence = f"{sequence} {sentence}" if sequence else sentence
    if sequence:
        yield sequence, rules.length_reason(sequence)


def _without_holes(text: str, report: Report) -> str:
    """Close the holes of a sequence, and count it as one in which that happened."""
    if HOLE not in text:
        return text
    report.closed["holes"] += 1
    text = re.sub(f" *{HOLE}+(?=[,.;:!?)])", "", text)
    text = re.sub(f" ?{HOLE}+(?= |$)", "", text, flags=re.MULTILINE)
    return "\n".join(line.strip() for line in text.replace(HOLE, "").split("\n"))

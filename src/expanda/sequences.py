"""Cleaned text to the sequences of a corpus: sentences, paragraphs or articles, each kept or dropped for a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from expanda.sentences import ends_sentence, split_sentences
from expanda.tally import Report
from expanda.wikitext import HOLE

FILLED_MAX_LENGTH = SENTENCE_MAX_LENGTH = 1000


@dataclass(frozen=True)
class Rules:
    """How a text is cut.

    Args:
        unit: sentence, paragraph, article, or filled: sentences joined up to `max_length`.
        min_length, max_length: characters; what is kept is longer than the one and shorter than the other.
    """

    unit: str
    min_length: int
    max_length: int | None
    language: str

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
    for sequence, reason in _candidates(text, rules):
        report.read_sequence(sequence, reason)
        if reason is None:
            kept.append(sequence)
    return kept


def _candidates(text: str, rules: Rules) -> Iterator[tuple[str, str | None]]:
    match rules.unit:
        case "sentence":
            for sentence, reason in _sentences(text, rules):
                yield sentence, reason or rules.length_reason(sentence)
        case "filled":
            yield from _filled(text, rules)
        case "paragraph" | "article":
            closed = _close_holes(text)
            for sequence in closed.split("\n\n") if rules.unit == "paragraph" else [closed]:
                yield sequence, rules.length_reason(sequence)


def _sentences(text: str, rules: Rules) -> Iterator[tuple[str, str | None]]:
    for line in text.split("\n"):
        for sentence in split_sentences(line, rules.language) if line else ():
            if not ends_sentence(sentence, rules.language):
                yield sentence, "no terminator"
            else:
                yield sentence, "hole" if HOLE in sentence else None


def _filled(text: str, rules: Rules) -> Iterator[tuple[str, str | None]]:
    limit = rules.max_length or FILLED_MAX_LENGTH
    sequence = ""
    for sentence, reason in _sentences(text, rules):
        if reason or len(sentence) >= limit:
            yield sentence, reason or "too long"
        elif sequence and len(sequence) + 1 + len(sentence) >= limit:
            yield sequence, rules.length_reason(sequence)
            sequence = sentence
        else:
            sequence = f"{sequence} {sentence}" if sequence else sentence
    if sequence:
        yield sequence, rules.length_reason(sequence)


def _close_holes(text: str) -> str:
    if HOLE not in text:
        return text
    text = re.sub(f" *{HOLE}+(?=[,.;:!?)])", "", text)
    text = re.sub(f" ?{HOLE}+(?= |$)", "", text, flags=re.MULTILINE)
    return "\n".join(line.strip() for line in text.replace(HOLE, "").split("\n"))

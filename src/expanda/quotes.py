"""Bold and italic: apostrophes that are markup, told from those that are letters."""

from __future__ import annotations

import re

_RUN = re.compile(r"('{2,})")
# How many apostrophes of a run are markup; the rest are text: '''' is an apostrophe before bold.
_MARKUP = {2: 2, 3: 3, 4: 3}
_LIKELY, _POSSIBLE, _UNLIKELY = range(3)


def without_quotes(line: str) -> str:
    """Return a line of wikitext without its bold and italic marks.

    MediaWiki's rule (its Parser::doQuotes): when neither bold nor italic is closed, one ''' is an apostrophe before
    italics: the one after a single letter (l'''amour''), else after a longer word, else after a space. Where a line has
    two elisions, MediaWiki finds everything closed and swallows the apostrophes; here they are letters, too.
    """
    parts = _RUN.split(line)
    marks = [_MARKUP.get(len(run), 5) for run in parts[1::2]]
    if _are_closed(elided := _with_elisions(marks, parts[::2])):
        marks = elided
    elif _unclosed(marks, 3) and _unclosed(marks, 2):
        bold = [at for at, length in enumerate(marks) if length == 3]
        if bold:
            marks[min(bold, key=lambda at: _rank(parts[2 * at] + parts[2 * at + 1][3:]))] = 2
    for at, length in enumerate(marks):
        parts[2 * at + 1] = parts[2 * at + 1][length:]
    return "".join(parts)


def _with_elisions(marks: list[int], texts: list[str]) -> list[int]:
    """Return `marks` with 2 for every ''' that looks like l'''amour'': after one letter, not in bold, closed by ''."""
    elided = []
    bold = False
    for at, length in enumerate(marks):
        is_elision = length == 3 and not bold and marks[at + 1 : at + 2] == [2] and _rank(texts[at]) == _LIKELY
        elided.append(2 if is_elision else length)
        bold ^= elided[-1] in (3, 5)
    return elided


def _are_closed(marks: list[int]) -> bool:
    return not _unclosed(marks, 3) and not _unclosed(marks, 2)


def _unclosed(marks: list[int], kind: int) -> bool:
    return sum(length in (kind, 5) for length in marks) % 2 == 1


def _rank(before: str) -> int:
    """Say how likely ''' after this text begins with an apostrophe; the smallest is the likeliest."""
    if before.endswith(" ") or not before:
        return _UNLIKELY
    return _LIKELY if before[-1].isalpha() and before[-2:-1] in ("", " ") else _POSSIBLE

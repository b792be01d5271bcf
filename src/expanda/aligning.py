"""What cleaning took out of a source text, and what it put in: two texts laid beside each other, word by word."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_WORD = re.compile(r"\w+|[^\w\s]")
_ANCHOR_WORDS = 3
_LARGEST_GAP = 1 << 20  # words of the one times words of the other that are compared each with each


class Piece(NamedTuple):
    """A stretch of text: `kind` is '=' for what both have, '-' for what was taken out, '+' for what was put in."""

    kind: str
    text: str


def pieces(source: str, result: str) -> list[Piece]:
    """Return `source` as pieces that were kept or taken out, in order, with the words that are new in `result`.

    The pieces of kind '=' and '-' joined are `source`. It is one way to explain `result`, not a record of what the
    cleaner did: a word that was taken out here and put in there counts as kept when that fits.
    """
    old, new = [list(_WORD.finditer(text)) for text in (source, result)]
    kept, added = set[int](), dict[int, str]()
    for a, b, c, d in _differences([word[0] for word in old], [word[0] for word in new]):
        kept.update(range(a, b)) if c < 0 else None
        if c >= 0 and d > c:
            added[b] = result[new[c].start() : new[d - 1].end()]
    found: list[Piece] = []
    at = 0

    def take(kind: str, text: str) -> None:
        if text and found and found[-1].kind == kind:
            found[-1] = Piece(kind, found[-1].text + text)
        elif text:
            found.append(Piece(kind, text))

    for number, word in enumerate(old):
        if number in added:
            take("+", added[number])
        kind = "=" if number in kept else "-"
        # The space before a word stays with what stays, else it would be neither here nor there.
        between = "=" if kind == "=" and (number - 1 in kept or number == 0) else "-"
        take(between, source[at : word.start()])
        take(kind, word[0])
        at = word.end()
    take("+", added.get(len(old), ""))
    take("=", source[at:])
    return found


def _differences(
    old: Sequence[str], new: Sequence[str], a: int = 0, c: int = 0, run: int = _ANCHOR_WORDS
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (a, b, -1, -1) for words a to b of `old` that are kept, (a, b, c, d) for those that c to d replace.

    Anchors are runs of three words, between them runs of two, then single words; what is left is compared each word
    with each. `a` and `c` are where `old` and `new` begin.
    """
    if run == 0 or not old or not new:
        # Nothing large is left of real text; where it is, the two have nothing in common.
        hurried = len(old) * len(new) > _LARGEST_GAP
        for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=hurried).get_opcodes():
            yield (a + i, a + j, -1, -1) if tag == "equal" else (a + i, a + j, c + k, c + m)
        return
    i = k = 0
    for j, m in [*_anchors(old, new, run), (len(old), len(new))]:
        yield from _differences(old[i:j], new[k:m], a + i, c + k, run - 1)
        i, k = j, m


def _anchors(old: Sequence[str], new: Sequence[str], run: int) -> list[tuple[int, int]]:
    """Return places (in old, in new), both growing, where runs of words meet that each text has exactly once."""
    where = _once(new, run)
    meets = [(place, where[words]) for words, place in _once(old, run).items() if words in where]
    # The longest growing series of the second numbers (patience sorting).
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(meets):
        pile = bisect_left(tops, place)
        tops[pile : pile + 1] = [place]
        last[pile : pile + 1] = [number]
        before.append(last[pile - 1] if pile else -1)
    chain, number = list[tuple[int, int]](), last[-1] if last else -1
    while number >= 0:
        chain.append(meets[number])
        number = before[number]
    return chain[::-1]


def _once(words: Sequence[str], run: int) -> dict[tuple[str, ...], int]:
    runs = [tuple(words[at : at + run]) for at in range(len(words) - run + 1)]
    counts = Counter(runs)
    return {found: at for at, found in enumerate(runs) if counts[found] == 1}

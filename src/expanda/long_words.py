"""Words so long that they teach nothing: a genome, a base64 image, a row of dashes."""

from __future__ import annotations

import regex

# The time of trainers grows faster than a word's length, and Ctrl-C waits for them.
LONGEST_LEARNED_WORD = 1000
# Between them these runs hold all that wordpiece or bpe takes for one word. The lookbehinds let a match begin
# only where a run begins, which keeps the search linear.
_SPACE, *_OTHERS = (
    rf"(?<!{kind}){kind}{{{LONGEST_LEARNED_WORD + 1},}}" for kind in (r"\s", r"[^\s\p{P}]", r"[^\s\p{L}\p{N}]")
)
_LONG_WORD = regex.compile("|".join([_SPACE, *_OTHERS]))
_LONG_SPACE = regex.compile(_SPACE)


def has_long_word(text: str) -> bool:
    """Whether a run in `text` may be a word of more than `LONGEST_LEARNED_WORD` characters."""
    # Most long texts have blanks enough, and to see that is ten times as quick as to look closely.
    return (
        len(text) > LONGEST_LEARNED_WORD
        and (max(map(len, text.split(" "))) > LONGEST_LEARNED_WORD or _LONG_SPACE.search(text) is not None)
        and _LONG_WORD.search(text) is not None
    )


def without_long_words(text: str) -> str:
    """Return `text` with a space in the place of each such run."""
    return _LONG_WORD.sub(" ", text) if has_long_word(text) else text

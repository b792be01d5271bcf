"""Text to sentences, and whether a text ends like one, in any script."""

from __future__ import annotations

import re

# Latin and Greek, CJK, Indic, Arabic, Armenian, Ethiopic, Burmese, Khmer, Tibetan.
TERMINATORS = ".!?…‥‼⁇⁈⁉。．｡！？।॥؟۔։።፧၊။។៕།"
_CLOSERS = "\"'”’»›」』）)］]}】〉》〕*"
UNMARKED_LANGUAGES = frozenset({"th", "lo"})  # sentences end without any mark there
_ENDS = re.compile(rf"[{re.escape(TERMINATORS)}][{re.escape(_CLOSERS)}\s]*\Z")

_STARTS_CLOSING = re.compile(r"[”’»」』）)］\]】〉》〕]")
_ENDS_QUOTED = re.compile(r"[\"'”’」』〉》)]\Z")
_HANGUL = re.compile(r"[가-힣]")
_KOREAN_QUOTING = re.compile(r"(?:이?라고|이?라는|이?라며|이?라면서|하고|하며)(?=[\s,.]|\Z)")
_ENDS_WITH_NUMBER = re.compile(r"(?:^|[\s(~])\d{1,4}\.\Z")
_ENDS_WITH_ORDINAL = re.compile(r"(?:^|[\s(])\d{1,2}\.\Z")
# Here a full stop makes a number an ordinal: 3. Oktober, 19. Jahrhundert.
_ORDINAL_LANGUAGES = frozenset(
    ["bs", "cs", "da", "de", "et", "fi", "hr", "hu", "is", "lv", "nb", "nn", "no", "pl", "sk", "sl", "sr", "tr"]
)
_ENDS_WITH_LETTER = re.compile(r"(?:^|[\s(])([^\W\d_])\.\Z")
_JAPANESE_PARTICLE = re.compile(r"と|って|など|は|が|を|に|の|で|も|や")


def ends_sentence(text: str, language: str) -> bool:
    """Whether `text` ends with a terminator of any script, closing quotes and brackets after it allowed."""
    # Only the end is looked at: searching a long text from its start would cost its square.
    return language in UNMARKED_LANGUAGES or bool(_ENDS.search(text[-20:]))


def split_sentences(line: str, language: str) -> list[str]:
    """Return the sentences of one line, stripped, none empty.

    sentencex has rules for some 300 language codes and general ones for the rest; where it cuts inside a sentence, the
    pieces are joined again.
    """
    from sentencex import segment

    sentences: list[str] = []
    for piece in segment(language or "en", line):
        if sentences and _goes_on(sentences[-1], piece, language):
            sentences[-1] += piece
        else:
            sentences.append(piece)
    return [stripped for sentence in sentences if (stripped := sentence.strip())]


def _goes_on(before: str, after: str, language: str) -> bool:
    """Whether the cut between two pieces is wrong."""
    end = before[-20:].rstrip()
    if _STARTS_CLOSING.match(after):
        return True
    if language in _ORDINAL_LANGUAGES and _ENDS_WITH_ORDINAL.search(end):
        return True
    # M. Dupont, J. Verne. sentencex knows an English initial from the end of 'World War I.' better than we do.
    if language != "en" and (letter := _ENDS_WITH_LETTER.search(end)) and letter[1].isupper():
        return True
    if language == "ko":
        if _ENDS_WITH_NUMBER.search(end):  # 1919. 3. 1.에
            return True
        if _ENDS_QUOTED.search(end):  # "…다."라고 and "…다." 라고, but not "…다." 그는
            return bool((_KOREAN_QUOTING if before[-1].isspace() else _HANGUL).match(after))
    if language == "ja" and end.endswith(("」", "』")):
        return bool(_JAPANESE_PARTICLE.match(after))
    return False

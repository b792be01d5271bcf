"""Text to sentences, and whether a text ends like one, in any script.

sentencex cuts; we join what it cuts wrongly and cut what it leaves together. Only blanks between sentences are lost.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Latin and Greek, CJK, Indic, Arabic, Armenian, Ethiopic, Burmese, Khmer, Tibetan, and others
# that Unicode calls Sentence_Terminal.
TERMINATORS = ".!?…‥‼‽⁇⁈⁉․。．｡！？﹒﹖﹗︒।॥꣎꣏؟؞؝۔܀܁܂߹։።፧፨၊။។៕།᠃᠉᙮᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿꓿꘎꘏꛳꛷꡶꡷꤯꧈꧉꩝꩞꩟꫰꫱꯫"
_CLOSERS = "\"'”’»›」』）)］]}】〉》〕*"
UNMARKED_LANGUAGES = frozenset({"th", "lo"})  # sentences end without any mark there
_ENDS = re.compile(rf"[{re.escape(TERMINATORS)}][{re.escape(_CLOSERS)}\s]*\Z")

# Languages for which sentencex or we have rules. sentencex knows more by kinship: Asturian is cut as Spanish is.
RULED_LANGUAGES = _words(
    "am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ko ml mr my nl pa pl pt ru sk ta te uk zh"
)
# Here a full stop makes a number an ordinal: 3. Oktober, 19. Jahrhundert.
_ORDINAL_LANGUAGES = _words("bs cs da de et fi hr hu is lv nb nn no pl sk sl sr tr")
_EAST_ASIAN_LANGUAGES = frozenset(["ko", "ja", "zh", "yue", "wuu", "lzh", "gan"])
_NO_CASE_LANGUAGES = _EAST_ASIAN_LANGUAGES | _words("th lo my km")

# Abbreviations that do not end a sentence, where sentencex cuts after them; capitals count, for ft. is not Ft. Worth.
_BEFORE_ANYTHING = {
    "en": _words("Approx approx Atty Br Cpt eds Ft Intl Messrs Mlle Mme Ms viz"),
    "fr": _words("Bd Chap Dr Env Fig MM Me Mgr Mlle Mme Mmes Mr Pr St Ste Vol bd chap dr env fig p pp vol éd"),
    "de": _words(
        "Abb Bd Bzw Ca Dr Evtl Fr Ggf Hl Hr Hrsg Inkl Kap Nr Prof St Vgl bzw ca evtl geb gest ggf hl inkl sog vgl"
    ),
    "es": _words("Av Avda Cap D Dr Dra Dña Fig Gral Núm Prof Sr Sra Srta Ud Uds Vol art cap fig núm pág págs vol"),
    "pt": _words("Av Cap Dr Dra Exa Prof Sr Sra art cap núm pág vol"),
    "it": _words("Cap Dott Fig Ing Prof Sig Vol art cap fig pag vol"),
    "hi": _words("डॉ प्रो पं"),
}
# These do not end a sentence before a number.
_BEFORE_NUMBERS = {
    "en": _words(
        "Ch Comp Eq Eqs Est Figs Fri Mon Tab Tel Temp Thu Thurs Tue Tues Vol Vols Wed ch eq est figs tel vol vols"
    ),
}

# sentencex's time grows with the square of the quotes it looks at, so that a long line goes to it in pieces.
_WINDOW = 4096

_CLOSING_STARTS = frozenset("”’»」』）)］]】〉》〕")
_OPENERS = ("(", "（", "[", "［")
_PLAIN_STOPS = (".", "!", "?")
_STOPS = frozenset(".!?…\"'”’»)]")
_BRAND = re.compile(r"[a-z]{1,3}[A-Z]")  # iPhone, eBay: a sentence may start so
_MARKER = re.compile(r"[(]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})[.)]{1,2}\s*\Z")  # "1." of a list, not yet an item

# A sentence in brackets of its own, "(It is not shown.) A church …": no small letter and no comma comes after it.
_BRACKETED = re.compile(
    rf"[(（\[［][^()（）\[\]［］]{{2,1000}}[{re.escape(TERMINATORS)}][\"'”’」』]?(?:[)\]]\s+|[）］]\s*)(?=[\"'“‘«「『(（\[［]?\w)(?![a-z])"
)
# "Well… Then", with a capital word after it, as sentencex does it for three dots; within quotes it is left alone.
_ELLIPSIS = re.compile(r"(?<=\w\w)…\)?\s+(?=[(¿¡]?[A-ZÀ-ÖØ-ÞΑ-ΩА-Я][a-zà-öø-ÿα-ωа-я])")
_QUOTES = re.compile(r"[\"“”„«»]")
_KHMER_STOP = re.compile(r"[។៕]+\s*(?=\w)")


def ends_sentence(text: str, language: str) -> bool:
    """Whether `text` ends with a terminator of any script, closing quotes and brackets after it allowed.

    Thai and Lao have none: there every text ends a sentence. In Korean so does a final verb ending without a mark.
    """
    if text.endswith(_PLAIN_STOPS):  # nearly every sentence
        return True
    # Only the end is looked at: searching a long text from its start would cost its square.
    end = text[-20:]
    base = base_language(language)
    if base in UNMARKED_LANGUAGES or _ENDS.search(end):
        return True
    east_asian = _rules(language).east_asian if base == "ko" else None
    return east_asian is not None and bool(east_asian.ends_unmarked(end))


def describe_language(language: str) -> str | None:
    """Return one sentence to say when neither sentencex nor we have rules for `language`; None when there are some."""
    base = base_language(language)
    if base in RULED_LANGUAGES:
        return None
    if base in UNMARKED_LANGUAGES:
        return f"language '{language}' ends sentences without a mark: its lines are cut only where a mark stands"
    return f"language '{language}' has no sentence rules of its own: a related language's, or general ones, cut it"


def split_sentences(line: str, language: str) -> list[str]:
    """Return the sentences of one line, stripped, none empty.

    Joined without blanks they are the line without blanks. The time grows with the line's length, whatever it holds.
    """
    rules = _rules(language)
    sentences: list[str] = []
    parts: list[str] = []
    code = language or "en"
    pieces = rules.segment(code, line) if len(line) <= _WINDOW else _segment_long(line, code, rules.segment)
    for piece in pieces:
        if not parts or _goes_on(parts, piece, rules):
            parts.append(piece)
        else:
            sentences += _finish(parts, rules)
            parts = [piece]
    return [stripped for sentence in [*sentences, *_finish(parts, rules)] if (stripped := sentence.strip())]


@functools.lru_cache
def base_language(language: str) -> str:
    """Return `pt` for pt-BR, `en` for nothing."""
    return language.replace("_", "-").partition("-")[0].lower() or "en"


class _Rules(NamedTuple):
    segment: Callable[[str, str], list[str]]
    base: str
    has_case: bool
    has_ordinals: bool
    east_asian: ModuleType | None
    always_cuts: bool
    before_anything: frozenset[str]
    before_numbers: frozenset[str]


def _east_asian(base: str) -> ModuleType | None:
    """Return `expanda.eastasian`, whose patterns take long to compile, for the languages that need it."""
    if base not in _EAST_ASIAN_LANGUAGES:
        return None
    from expanda import eastasian

    return eastasian


@functools.lru_cache
def _rules(language: str) -> _Rules:
    from sentencex import segment

    base = base_language(language)
    return _Rules(
        segment=segment,
        base=base,
        has_case=base not in _NO_CASE_LANGUAGES,
        has_ordinals=base in _ORDINAL_LANGUAGES,
        east_asian=_east_asian(base),
        always_cuts=base in _EAST_ASIAN_LANGUAGES or base == "km",
        before_anything=_BEFORE_ANYTHING.get(base, frozenset()),
        before_numbers=_BEFORE_NUMBERS.get(base, frozenset()),
    )


def _segment_long(line: str, language: str, segment: Callable[[str, str], list[str]]) -> list[str]:
    """Return what `segment` does for a line, window after window."""
    pieces: list[str] = []
    start, unfinished = 0, ""
    while start < len(line):
        window = line[start : start + _WINDOW]
        is_last = start + len(window) == len(line)
        if not is_last and (blank := window.rfind(" ", _WINDOW // 2)) > 0:
            window = window[:blank]
        found = segment(language, window)
        start += len(window)
        # The window's end cuts the last piece short. A short piece is looked at again with what follows. A longer one
        # goes on with the next window's first piece, for else a window might advance by nothing.
        if not is_last and len(found) > 1 and len(found[-1]) < _WINDOW // 4:
            start -= len(found.pop())
            found[0], unfinished = unfinished + found[0], ""
        else:
            found[0] = unfinished + found[0]
            unfinished = "" if is_last else found.pop()
        pieces += found
    return pieces


def _goes_on(parts: list[str], after: str, rules: _Rules) -> bool:
    """Whether the cut between a sentence, so far `parts`, and the piece after it is wrong."""
    before, first = parts[-1], after[0]
    if first in _CLOSING_STARTS:
        return True
    end = before.rstrip()
    last = end[-1:]
    if rules.has_case and _is_small(first) and last in _STOPS:
        return not _BRAND.match(after)
    if last == "." and (
        _is_abbreviation(end[end.rfind(" ") + 1 : -1], first, rules)
        or (len(end) < 8 and len(parts) == 1 and _MARKER.match(end))
    ):
        return True
    if rules.east_asian is None:
        return False
    is_spaced = len(end) < len(before)
    return bool(rules.east_asian.east_asian_goes_on(end[-24:], after, rules.base, is_spaced=is_spaced))


def _is_small(letter: str) -> bool:
    """Whether this is a small Latin, Greek or Cyrillic letter; Georgian's are all called small."""
    return "a" <= letter <= "z" or ("ß" <= letter <= "ԯ" and letter.islower())


def _is_abbreviation(word: str, first: str, rules: _Rules) -> bool:
    """Whether the full stop after `word` only shortens it, when `first` is the next letter."""
    if word[:1] in _OPENERS:
        word = word[1:]
    if word in rules.before_anything or (word in rules.before_numbers and first.isdigit()):
        return True
    if rules.has_ordinals and len(word) <= 2 and word.isdecimal():
        return True
    # M. Dupont, J. Verne, د. أحمد. sentencex knows an English initial from the end of 'World War I.' better than we do.
    return len(word) == 1 and rules.base != "en" and (word.isupper() or "א" <= word <= "ي")


def _finish(parts: list[str], rules: _Rules) -> list[str]:
    """Return what sentencex took for one sentence as the sentences that it is."""
    sentence = "".join(parts)
    if not rules.always_cuts and "…" not in sentence and sentence[:1] not in _OPENERS:
        return [sentence]
    cuts = _more_cuts(sentence, rules)
    if not cuts:
        return [sentence]
    cuts = [0, *cuts, len(sentence)]
    return [sentence[start:stop] for start, stop in itertools.pairwise(cuts)]


def _more_cuts(sentence: str, rules: _Rules) -> list[int]:
    cuts = []
    if rules.east_asian is not None:
        cuts = rules.east_asian.east_asian_cuts(sentence, rules.base)
    elif rules.base == "km":
        cuts = [match.end() for match in _KHMER_STOP.finditer(sentence)]
    elif rules.has_case and not _QUOTES.search(sentence):
        cuts = [match.end() for match in _ELLIPSIS.finditer(sentence)]
    position = 0
    while sentence[position : position + 1] in _OPENERS and (match := _BRACKETED.match(sentence, position)):
        position = match.end()
        cuts.append(position)
    return sorted(set(cuts)) if position else cuts

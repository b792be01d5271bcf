"""Korean, Japanese and Chinese sentences: quotations that go on after their quote, and ends that are hard to see."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FIRST_SYLLABLE, _LAST_SYLLABLE, _FINALS = 0xAC00, 0xD7A3, 28


def _with_final(final: int) -> str:
    """Return every syllable with this final consonant, numbered as Unicode's chapter on Hangul syllables does."""
    return "".join(map(chr, range(_FIRST_SYLLABLE + final, _LAST_SYLLABLE + 1, _FINALS)))


_B, _SS = _with_final(17), _with_final(20)  # ㅂ as in 합니다, ㅆ as in 했다

# Verb endings that no noun looks like: 갔습니다, 살아요, 그렇죠. 필요, 중요 and 고요 are nouns, and after 데요 or 서요
# a speaker often only pauses.
_POLITE = (
    rf"(?:(?<=[{_B}]니다)|(?<=[{_B}]니까)|(?<=십시오)|(?<=[가-힣]죠)|(?<=[다라냐자려니]고요)|(?<=거든요)|(?<=잖아요)"
    r"|(?<=[가-힣][아어여해세예에네군지와워봐줘돼려져겨켜펴쳐셔써꺼떠커러나게]요))"
)
# 했다, 먹는다, 없다. Within a text the clause may go on: 갔다 왔다, 있다 없다.
_PLAIN = rf"(?:(?<=[{_SS}]다)|(?<=[가-힣][는한된]다)|(?<=[없않같많좋]다))"
_CURT = r"(?<=[가-힣][네지음함임까])"
_LAUGHTER = r"\s?(?:[ㅋㅎㅠㅜ]{2,}|\^\^)[~!.]*"
_SOFT_MARK = rf"(?:{_LAUGHTER}|[~♡♥]+|…+|\.{{2,}})"
# The look ahead is for speed: nearly every such syllable stands within a word.
_ENDING = (
    r"[다요죠까오네지음함임](?=[\sㅋㅎㅠㅜ^~♡♥…]|\.\.|\Z)"
    rf"(?:{_POLITE}{_SOFT_MARK}?|{_PLAIN}{_SOFT_MARK}|{_CURT}{_LAUGHTER})"
)
_ENDS_UNMARKED = re.compile(rf"(?:{_ENDING}|다{_PLAIN})\s*\Z")

# What follows is more than one word, or ends like a sentence itself: 감사합니다 여러분 stays one. It does not take the
# words before it as its object, as 하고 and 라는 do.
_NEXT = (
    r"(?=[^\s.,!?~…ㅋㅎㅠㅜ^♡♥)\]”’」』])"
    r"(?!이?라[고는며던니면]|이?란\s|하[고며는자면던였]|[했한]다?\s|[만고며는]\s|등[\s의을이]|식[으의]|같[은이]|싶|말[하했])"
    r"(?=\S+\s+\S|\S*[다요죠][.!?~]*\s*\Z)"
)
# After a plain ending only these are sure to begin a sentence.
_NEXT_AFTER_PLAIN = (
    r"(?=(?:그리고|그러나|그런데|그렇지만|하지만|그래서|그래도|그러므로|따라서|게다가|더구나|한편"
    r"|나는|저는|우리는|그는|그녀는|그들은)\s)"
)
_UNMARKED = re.compile(rf"{_ENDING}\s+{_NEXT}|다(?=\s){_PLAIN}\s+{_NEXT_AFTER_PLAIN}")

_QUOTED_ENDS = frozenset("\"'”’」』〉》)")
_HANGUL = re.compile(r"[가-힣]")
_QUOTING = re.compile(
    r"(?:이?라(?:고|는|며|면서|던|니)?|이?란|하(?:고|며|는|자|면서|더니|던|였다)|했다|한다|[고며는])(?=[\s,.]|\Z)"
)
_QUOTING_WITHOUT_QUOTES = re.compile(r"이?라(?:고|는|며|면서)(?=[\s,])")
_NUMBER = r"(?:^|[\s(~])\d{1,4}\.|\d{4}\.\d{1,2}\.\d{1,2}\."
_LIST_LETTER = r"^[가나다라마바사아자차카타파하]\."
_TRAILING_OFF = r"[가-힣](?<![다요죠까네지음함임라자오야])(?:\.{2,}|…+)"
_ENDS_WITHIN = re.compile(rf"(?:{_NUMBER}|{_LIST_LETTER}|{_TRAILING_OFF})\Z")

_TITLE_ENDS = frozenset("〉》")
_CORNERS = frozenset("」』")
_QUOTE_ENDS = frozenset("」』”’")
_JAPANESE_PARTICLE = re.compile(r"と|って|など|は|が|を|に|の|で|も|や")
_CHINESE_SAYING = re.compile(r"[^，。！？\s]{0,4}[说說道问問喊答叫写寫]")
# Without blanks sentencex takes 。1990年 for a decimal and 。iPhone for a name.
_STOP_BEFORE_LATIN = re.compile(r"[。！？｡]+(?=[0-9a-z０-９])")
_OPENING, _CLOSING = "“‘「『〈《(（[", "”’」』〉》)）]"


def east_asian_goes_on(end: str, after: str, language: str, *, is_spaced: bool) -> bool:
    """Whether the sentence that stops with `end` goes on with `after`; `is_spaced`: blanks stand between them."""
    if language == "ko":
        return _korean_goes_on(end, after, is_spaced=is_spaced)
    last = end[-1:]
    if is_spaced:
        return False
    if last in _TITLE_ENDS:
        return True
    if language == "ja":
        return last in _CORNERS and bool(_JAPANESE_PARTICLE.match(after))
    return last in _QUOTE_ENDS and bool(_CHINESE_SAYING.match(after))


def _korean_goes_on(end: str, after: str, *, is_spaced: bool) -> bool:
    last = end[-1:]
    if last in _QUOTED_ENDS:  # "…다."라고 and "…다." 라고, but not "…다." 그는
        return bool((_QUOTING if is_spaced else _HANGUL).match(after))
    # 1919. 3. 1.에, 가. 첫째, 말끝을 흐리며... 돌아섰다. A full stop after a verb, as nearly all are, is asked no more.
    if (last == "…" or (last == "." and end[-2:-1] != "다")) and _ENDS_WITHIN.search(end):
        return True
    return after[0] in "이라" and bool(_QUOTING_WITHOUT_QUOTES.match(after))


def east_asian_cuts(sentence: str, language: str) -> list[int]:
    """Return the places where a sentence ends that sentencex does not see, none of them within quotes or brackets."""
    ends = _UNMARKED if language == "ko" else _STOP_BEFORE_LATIN
    return _outside_quotes(sentence, (match.end() for match in ends.finditer(sentence)))


def _outside_quotes(sentence: str, places: Iterable[int]) -> list[int]:
    outside = []
    depth = quotes = position = 0
    for place in places:
        passed = sentence[position:place]
        position = place
        depth += sum(map(passed.count, _OPENING)) - sum(map(passed.count, _CLOSING))
        quotes += passed.count('"') + passed.count("'")
        if depth <= 0 and quotes % 2 == 0:
            outside.append(place)
    return outside


def ends_unmarked(end: str) -> bool:
    """Whether the end of a Korean text is a finite verb, so that no reader would wait for more."""
    return bool(_ENDS_UNMARKED.search(end))

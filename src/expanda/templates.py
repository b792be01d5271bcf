"""Templates in running text: which carry words and how those read, which say nothing. To teach one more, add a line."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping

Arguments = Mapping[str, str]  # name or position ('1', '2', …) -> the argument's cleaned text
Renderer = Callable[[Arguments], str]


def _names(text: str) -> list[str]:
    return [name.strip() for name in " ".join(text.split()).split(",")]


# Citations, maintenance marks, anchors, little flags: a sentence is whole without them.
_SILENT = frozenset(
    _names(
        """r, rp, ref, refn, efn, efn-ua, efn-lr, sfn, sfnp, sfnm, sfnref, harv, harvnb, harvp, harvid, harvtxt,
        citation, harvard citation, harvard citation no brackets, note, note label, ref label, citation needed, cn,
        fact, clarify, clarification needed, dubious, dubious span, who, whom, when, where, which, why, by whom,
        says who, verify source, verification needed, page needed, dead link, webarchive, wayback, cbignore, better
        source, unreliable source, unreliable source?, medical citation needed, vague, specify, full citation
        needed, full, original research inline, weasel inline, weasel-inline, peacock inline, pov-inline, pov
        statement, update after, disputed inline, disputed-inline, failed verification, not in citation given,
        according to whom, undue-inline, relevance inline, quantify, inconsistent, contradict-inline, year needed,
        anchor, flagicon, flag icon, flagdeco, isbn, issn, oclc, doi, jstor, pmid, google books, gbooks,
        internet archive, audio, listen, sic, clear, shortcut, short description, use dmy dates, use mdy dates,
        wikicite, respell, refbegin, refend, reflist, notelist, zwj, 각주, 출처, 출처 필요, 주, 국기그림,
        누가, 언제, 어디, 확인 필요, 깨진 링크, 모호, 해석 필요"""
    )
)
_SILENT_PREFIXES = ("ipac-", "ipa-", "cite ", "vcite ", "#tag:", "defaultsort", "displaytitle")
_SILENT_KOREAN_PREFIXES = ("웹 인용", "서적 인용", "저널 인용", "뉴스 인용")
_UNITS = {
    "sqmi": "sq mi", "sqft": "sq ft", "sqkm": "km²", "km2": "km²", "m2": "m²", "cm2": "cm²", "mm2": "mm²", "km3": "km³",
    "m3": "m³", "cm3": "cm³", "cuft": "cu ft", "cumi": "cu mi", "C": "°C", "F": "°F", "K": "K", "kph": "km/h",
    "nmi": "nautical miles", "impgal": "imp gal", "USgal": "US gal", "oz": "oz", "acre": "acres",
    "PD/sqkm": "/km²", "/km2": "/km²", "/sqmi": "/sq mi",
}  # fmt: skip
_RANGES = {
    "-": "–",
    "–": "–",
    "to": " to ",
    "and": " and ",
    "x": " × ",
    "by": " by ",
    "or": " or ",
    "+/-": " ± ",
    "±": " ± ",
}


def is_silent(name: str) -> bool:
    """Whether a template may be left out of a sentence without a loss."""
    return name in _SILENT or name.startswith(_SILENT_PREFIXES + _SILENT_KOREAN_PREFIXES) or name.endswith(" icon")


def renderer(name: str) -> Renderer | None:
    """Return how the template `name` (lower-cased, blanks for underscores) reads, or None when nobody knows."""
    if name.startswith("lang-"):
        return _first
    return _RENDERERS.get(name)


def _constant(text: str) -> Renderer:
    return lambda _: text


def _argument(*names: str) -> Renderer:
    """Read the first argument there is."""
    return lambda arguments: next((arguments[name] for name in names if arguments.get(name)), "")


def _last(arguments: Arguments) -> str:
    return next((arguments[n] for n in ("4", "3", "2", "1") if arguments.get(n)), "")


def _convert(arguments: Arguments) -> str:
    """{{convert|6|ft|2|in|m}} -> 6 ft 2 in: what was measured, without the conversion."""
    words: list[str] = []
    position = 1
    while (number := arguments.get(str(position), "")) and _is_number(number):
        following = arguments.get(str(position + 1), "")
        words.append(number)
        if following in _RANGES:
            words.append(_RANGES[following])
        else:
            words.append(f" {_UNITS.get(following, following)}".rstrip())
            after = arguments.get(str(position + 2), "")
            # A number after the unit is a second part (6 ft 2 in) only when a unit follows it; else it is a precision.
            if not (_is_number(after) and re.fullmatch(r"[a-zA-Z]+", arguments.get(str(position + 3), ""))):
                break
            words.append(" ")
        position += 2
    return "".join(words)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+−]?[\d.,/ ⁄]*\d[\d.,/⁄+]*(?:e[-+−]?\d+)?", text))


def _value(arguments: Arguments) -> str:
    """{{val|3.2|e=5|u=m}} -> 3.2×10^5 m."""
    number = arguments.get("1", "")
    if error := arguments.get("2"):
        number += f" ± {error}"
    if power := arguments.get("e"):
        number += f"×10^{power}"
    unit = arguments.get("u") or arguments.get("ul") or ""
    return f"{number} {unit}".strip()


def _fraction(arguments: Arguments) -> str:
    parts = [arguments[n] for n in ("1", "2", "3") if arguments.get(n)]
    if len(parts) == 1:
        return f"1/{parts[0]}"
    return "/".join(parts) if len(parts) == 2 else f"{parts[0]} {parts[1]}/{parts[2]}" if parts else ""


def _nihongo(arguments: Arguments) -> str:
    """{{nihongo|English|kanji|romaji}} -> English (kanji, romaji)."""
    inside = ", ".join(arguments[n] for n in ("2", "3") if arguments.get(n))
    english = arguments.get("1", "")
    return f"{english} ({inside})" if english and inside else english or inside


def _as_of(arguments: Arguments) -> str:
    """{{as of|2010|5|lc=y}} -> as of May 2010."""
    if alternative := arguments.get("alt"):
        return alternative
    year, month, day = (arguments.get(n, "") for n in ("1", "2", "3"))
    name = calendar.month_name[int(month)] if month.isdecimal() and 1 <= int(month) <= 12 else month
    opening = "as of" if arguments.get("lc") else "As of"
    return " ".join(filter(None, (opening, day, name, year)))


def _date(arguments: Arguments) -> str:
    """{{birth date|1950|5|12}} -> May 12, 1950; 12 May 1950 with df=y."""
    year, month, day = (arguments.get(n, "") for n in ("1", "2", "3"))
    if not (month.isdecimal() and 1 <= int(month) <= 12 and day):
        return year
    name = calendar.month_name[int(month)]
    return f"{day} {name} {year}" if arguments.get("df") else f"{name} {day}, {year}"


def _joined(arguments: Arguments) -> str:
    return "".join(arguments[str(n)] for n in range(1, 13) if arguments.get(str(n)))


def _circa(arguments: Arguments) -> str:
    return " – ".join("c. " + arguments[n] for n in ("1", "2") if arguments.get(n)) or "c."


def _quote(arguments: Arguments) -> str:
    return "\n\n" + _argument("text", "quote", "1")(arguments) + "\n\n"


_first = _argument("1")
_second = _argument("2", "text", "1")
_TABLE: tuple[tuple[str, Renderer], ...] = (
    ("convert, cvt, conv", _convert),
    ("lang, langx, llang, lang-rtl, rtl-lang, 언어, 다국어", _second),
    ("transl, transliteration, script, unicode", _last),
    (
        """nowrap, nobr, no wrap, small, smaller, big, larger, nobold, noitalic, normal, abbr, abbrlink, tooltip, num,
        nts, formatnum, sc, smallcaps, sc2, vanchor, visible anchor, strong, em, midsize, resize, keypress, key
        press, code, flag, flagu, flagcountry, ipa, unicode, polytonic, hebrew, linktext, native name, longitem,
        math, mvar, var, ill, interlanguage link, link-interwiki, 국기, 국기나라, 작은, 한자, 임시링크""",
        _first,
    ),
    ("val", _value),
    ("frac, fraction, sfrac, half", _fraction),
    ("circa, c., ca., ca", _circa),
    ("ndash, en dash", _constant("–")),
    ("mdash, em dash", _constant("—")),
    ("snd, spnd, sndash, spaced ndash, spaced en dash", _constant(" – ")),
    ("·, •, dot, bullet, middot", _constant(" · ")),
    ("'", _constant("'")),
    ("'\"", _constant("'\"")),
    ("\"'", _constant("\"'")),
    ("eqm, reversible reaction", _constant("⇌")),
    ("'s", _constant("'s")),
    ("nbsp, space, spaces, thinsp, hair space, 0ws", _constant(" ")),
    ("!, pipe", _constant("|")),
    ("=", _constant("=")),
    ("nihongo, nihongo2", _nihongo),
    ("as of", _as_of),
    ("birth date, death date, start date, end date, birth date and age, death date and age", _date),
    ("chem, chem2, chem/link", _joined),
    ("angbr, angle bracket", lambda arguments: f"⟨{arguments.get('1', '')}⟩"),
    ("sup", _first),
    ("sub", _first),
    ("vr, reign", lambda arguments: "–".join(arguments[n] for n in ("1", "2") if arguments.get(n))),
    ("quote, blockquote, bquote, cquote, quotation, quote box, 인용문, 인용문2", _quote),
)
_RENDERERS = {name: render for names, render in _TABLE for name in _names(names)}

"""Templates whose reading takes more than a line of `templates.cfg`: functions from arguments to words."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping

from expanda.marks import GAP

Arguments = Mapping[str, str]  # name or position ('1', '2', …) -> the argument's cleaned text
Function = Callable[[Arguments], str]

_UNITS = {
    "sqmi": "sq mi", "sqft": "sq ft", "sqkm": "km²", "km2": "km²", "m2": "m²", "cm2": "cm²", "mm2": "mm²", "km3": "km³",
    "m3": "m³", "cm3": "cm³", "cuft": "cu ft", "cumi": "cu mi", "C": "°C", "F": "°F", "kph": "km/h",
    "impgal": "imp gal", "USgal": "US gal",
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
    "to(-)": " to ",
    "to about": " to about ",
    "and(-)": " and ",
    "×": " × ",
    ",": ", ",
}
_MUSIC = {
    "flat": "♭",
    "b": "♭",
    "sharp": "♯",
    "#": "♯",
    "natural": "♮",
    "n": "♮",
    "doublesharp": "𝄪",
    "doubleflat": "𝄫",
}
_NUMBER = re.compile(r"[-+−]?[\d.,/ ⁄+½¼¾⅓⅔]*(?:e[-+−]?\d+)?")


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
    return bool(_NUMBER.fullmatch(text)) and any(map(str.isdigit, text))


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
    opening = "since" if arguments.get("since") else "as of"
    words = " ".join(filter(None, (opening, day, _month(month) or month, year)))
    return words if arguments.get("lc") else words[0].upper() + words[1:]


def _month(number: str) -> str:
    return calendar.month_name[int(number)] if number.isdecimal() and 1 <= int(number) <= 12 else ""


def _date(arguments: Arguments) -> str:
    """{{birth date|1950|5|12}} -> May 12, 1950; 12 May 1950 with df=y."""
    year, month, day = (arguments.get(n, "") for n in ("1", "2", "3"))
    name = _month(month)
    if not (name and day):
        return f"{name} {year}".strip()
    return f"{day} {name} {year}" if arguments.get("df") else f"{name} {day}, {year}"


def _date_and_age(arguments: Arguments) -> str:
    """{{death date and age|2000|5|12|1950|1|2}} -> May 12, 2000 (aged 50)."""
    age = _years(arguments, end=1, start=4)
    return f"{_date(arguments)} (aged {age})" if age else _date(arguments)


def _age(arguments: Arguments) -> str:
    """{{age|1950|1|2|2000|5|12}} -> 50. Without a second date it depends on the day of reading: no words."""
    return _years(arguments, start=1, end=4)


def _years(arguments: Arguments, *, start: int, end: int) -> str:
    dates = []
    for first in (start, end):
        parts = [arguments.get(str(n), "") for n in range(first, first + 3)]
        if not all(map(str.isdecimal, parts)):
            return ""
        dates.append(tuple(map(int, parts)))
    (year, *birthday), (until, *day) = dates
    return str(until - year - (day < birthday))


def _korean_date(arguments: Arguments) -> str:
    """{{출생일|1950|5|12}} -> 1950년 5월 12일."""
    parts = [arguments.get(n, "") for n in ("1", "2", "3")]
    return " ".join(f"{part}{unit}" for part, unit in zip(parts, "년월일", strict=True) if part)


def _ship(arguments: Arguments) -> str:
    """{{ship|HMS|Victory}} -> HMS Victory."""
    return " ".join(filter(None, (arguments.get("1"), arguments.get("2"))))


def _sic(arguments: Arguments) -> str:
    """{{sic}} -> [sic]; {{sic|word}} -> word."""
    return arguments.get("1") or "[sic]"


def _words_or_nothing(arguments: Arguments) -> str:
    """{{citation needed span|words}} marks words, and {{citation|title=…}} is a reference, which says nothing."""
    return arguments.get("1") or arguments.get("text") or GAP


def _music(arguments: Arguments) -> str:
    """{{music|flat}} -> ♭; a word that is no sign of music stays."""
    sign = arguments.get("1", "")
    return _MUSIC.get(sign.lower(), sign)


def _listed(arguments: Arguments) -> str:
    """{{hlist|a|b}} -> a, b; {{plainlist|* a * b}} -> a, b."""
    items = [arguments[str(n)] for n in range(1, 101) if arguments.get(str(n))]
    lines = (line.strip("*# ") for item in items for line in item.split("\n"))
    return ", ".join(filter(None, lines))


def _joined(arguments: Arguments) -> str:
    return "".join(arguments[str(n)] for n in range(1, 21) if arguments.get(str(n)))


def _percentage(arguments: Arguments) -> str:
    """{{percentage|1|3|1}} -> 33.3%."""
    try:
        part, whole = float(arguments["1"]), float(arguments["2"])
        return f"{100 * part / whole:.{int(arguments.get('3') or 0)}f}%"
    except (KeyError, ValueError, ZeroDivisionError):
        return ""


def _quote(arguments: Arguments) -> str:
    """A quotation is a paragraph of its own; who said it, where, is a caption."""
    words = next((arguments[name] for name in ("text", "quote", "1") if arguments.get(name)), "")
    return words and f"\n\n{words}\n\n"


FUNCTIONS: dict[str, Function] = {
    "age": _age,
    "as_of": _as_of,
    "convert": _convert,
    "date": _date,
    "date_and_age": _date_and_age,
    "fraction": _fraction,
    "joined": _joined,
    "korean_date": _korean_date,
    "nihongo": _nihongo,
    "percentage": _percentage,
    "quote": _quote,
    "ship": _ship,
    "listed": _listed,
    "sic": _sic,
    "value": _value,
    "music": _music,
    "words_or_nothing": _words_or_nothing,
}

"""Which words that templates carry reach a corpus, and which markup does: counted from the source by another parser.

The source is parsed with mwparserfromhell; our cleaner is not asked. What counts as a use:

- It stands in running prose: in a paragraph of at least `PROSE_WORDS` words, outside references, tables, galleries,
  file captions, headings, list items and other templates. A quotation may also stand alone, as most do.
- The use has words. Of `{{convert}}` they are the numbers and the unit as they were given, of `{{lang}}`, `{{nowrap}}`
  and `{{quote}}` the words of the text. `{{ndash}}` is the dash itself, between two words.

A use is found when its words stand in the corpus in order, next to the words before or after it in its sentence (at
most `GAP` words may lie between: a template or a reference of its own). Of a quotation 90 % of the runs of five words
must be there. `{{ndash}}` is found between its neighbours, letter by letter.

Both directions of error are small but real. A sentence that is said twice can hide a loss. A neighbour that cleaning
rightly changed can pretend one, though only when both sides changed; so can a letter that a tag joins to the words,
as in `<sup>d</sup>{{lang|…}}`.
"""

from __future__ import annotations

import bz2
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mwparserfromhell
from mwparserfromhell import nodes

PROSE_WORDS = 10
GAP = 8
KINDS = ("convert", "lang", "nowrap", "quote", "ndash")
_KIND_OF = {
    **dict.fromkeys(("convert", "cvt", "conv"), "convert"),
    **dict.fromkeys(("nowrap", "nobr", "no wrap"), "nowrap"),
    **dict.fromkeys(("quote", "blockquote", "bquote", "cquote", "quotation"), "quote"),
    **dict.fromkeys(("ndash", "snd", "spaced ndash", "mdash", "en dash", "em dash"), "ndash"),
}
_WORD = re.compile(r"[^\W\d_]+|\d+")
_DROPPED_LINK = re.compile(r"\s*(?:file|image|category|media|[a-z]{2,3}(?:-[a-z-]+)?)\s*:", re.IGNORECASE)
_INLINE_TAGS = {
    "b", "i", "u", "s", "small", "big", "span", "sub", "sup", "em", "strong", "abbr", "nobr", "tt", "math", "code",
    "kbd", "var", "font", "cite", "q",
}  # fmt: skip
_USE = re.compile("\ue010(\\d+)\ue011")  # a use, by its number
_ITEM = "\ue012"  # this line is a list item or an indented line
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*(?:\s|$)")
# Between two numbers of a range or a product. Which of them are shown as words is free, so none is asked for.
_RANGES = {"to", "-", "–", "and", "and(-)", "or", "by", "x", "×", "+/-", "±", "to(-)", "xx", "*"}
# How a unit may read that its code does not spell: what stands in a corpus is one of these or the code's own letters.
_UNIT_READINGS = {
    "sqmi": ("sq mi",), "sqft": ("sq ft",), "sqkm": ("km2",), "acre": ("acres",), "nmi": ("nautical miles",),
    "ft3": ("cu ft",), "USgal": ("US gal",), "MUSgal": ("million US gal",), "e6acre": ("million acres",),
    "e6carat": ("million carats",), "oilbbl": ("bbl", "barrels"), "oilbbl/d": ("bbl", "barrels"),
    "koilbbl/d": ("thousand bbl", "thousand barrels"), "Moilbbl": ("million bbl", "million barrels"),
    "Moilbbl/d": ("million bbl", "million barrels"), "Goilbbl": ("billion bbl", "billion barrels"),
    "Tcuft": ("trillion cu ft",), "PD/sqmi": ("sq mi", "people sq mi"), "C-change": ("C",), "LT": ("long tons",),
    "MT": ("t", "tonnes", "metric tons"), "ft/s": ("ft s",), "mph": ("miles per hour",),
}  # fmt: skip


@dataclass
class Use:
    """One use of a template in prose.

    Args:
        readings: the words it may show, one list for each way.
        before, after: the text of its sentence on either side.
        ends: whether its sentence ends with a terminator, so that no build drops it as a label.
    """

    kind: str
    readings: list[list[str]]
    before: str = ""
    after: str = ""
    ends: bool = True


def read_articles(dump: Path) -> Iterator[str]:
    """Yield the wikitext of every article, redirects and other namespaces left out."""
    with bz2.open(dump) as file:
        for _, element in ElementTree.iterparse(file):
            name = element.tag.rpartition("}")
            if name[2] == "page":
                prefix = f"{name[0]}{name[1]}"
                if element.findtext(f"{prefix}ns") == "0" and element.find(f"{prefix}redirect") is None:
                    yield element.findtext(f"{prefix}revision/{prefix}text", "")
                element.clear()


def words(text: str) -> list[str]:
    """Return the words and numbers of a text in one form: composed, lower case, digits plain."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def find_uses(markup: str) -> list[Use]:
    """Return the uses in the prose of one page."""
    uses: list[Use] = []
    flat = _flatten(mwparserfromhell.parse(markup).nodes, uses)
    found: list[Use] = []
    for line in flat.split("\n"):
        is_prose = _ITEM not in line and len(words(_USE.sub("", line))) >= PROSE_WORDS
        for mark in _USE.finditer(line):
            use = uses[int(mark[1])]
            if not is_prose and use.kind != "quote":
                continue
            before, after = line[: mark.start()], line[mark.end() :]
            sentence_end = _SENTENCE_END.search(after)
            use.before = _SENTENCE_END.split(before)[-1]
            use.after = after[: sentence_end.start()] if sentence_end else after
            use.ends = sentence_end is not None or use.kind == "quote"
            if use.kind == "ndash" and not (re.search(r"\w\s*\Z", use.before) and re.match(r"\s*\w", use.after)):
                continue  # it stands beside other markup, where the letters of a neighbour are not known
            if any(use.readings) or use.kind == "ndash":
                found.append(use)
    return found


def _flatten(content: list[Any], uses: list[Use] | None) -> str:
    """Return the text of parsed nodes, each use as a mark; with `uses=None` as its own words."""
    return "".join(_text(node, uses) for node in content)


def _text(node: Any, uses: list[Use] | None) -> str:
    match node:
        case nodes.Text():
            return str(node.value)
        case nodes.HTMLEntity():
            return html.unescape(str(node))
        case nodes.Wikilink():
            return "" if _DROPPED_LINK.match(str(node.title)) else _flatten((node.text or node.title).nodes, uses)
        case nodes.ExternalLink():
            return _flatten(node.title.nodes, uses) if node.title is not None else ""
        case nodes.Tag():
            if node.wiki_markup in ("*", "#", ":", ";"):
                return _ITEM
            name = str(node.tag).strip().lower()
            return _flatten(node.contents.nodes, uses) if name in _INLINE_TAGS and node.contents is not None else ""
        case nodes.Template():
            use = _use(node)
            if use is None:
                return ""
            if uses is None:
                return " ".join(use.readings[0]) if use.readings else ""
            uses.append(use)
            return f"\ue010{len(uses) - 1}\ue011"
        case nodes.Heading():
            return "\n"
    return ""


def _use(node: Any) -> Use | None:
    name = " ".join(str(node.name).replace("_", " ").lower().split())
    kind = "lang" if name == "lang" or re.fullmatch("lang-[a-z-]+", name) else _KIND_OF.get(name)
    if kind is None:
        return None
    arguments = {str(item.name).strip(): _flatten(item.value.nodes, None).strip() for item in node.params}
    first = "2" if name == "lang" else "1"
    match kind:
        case "convert":
            return Use(kind, _measure(arguments))
        case "ndash":
            return Use(kind, [["—" if name.startswith(("m", "em")) else "–"]])
        case "quote":
            return Use(kind, [words(part) for part in _sentences(arguments.get("text") or arguments.get("1", ""))])
    return Use(kind, [words(arguments.get(first, ""))])


def _sentences(text: str) -> list[str]:
    return [part for line in text.split("\n") for part in _SENTENCE_END.split(line)]


def _measure(arguments: dict[str, str]) -> list[list[str]]:
    """Return the readings of {{convert|…}}: its numbers up to the first unit; one more pair in 6 ft 2 in."""
    rest = [arguments[str(n)] for n in range(1, 9) if str(n) in arguments]
    numbers: list[str] = []
    while rest and (rest[0] in _RANGES or re.match(r"[-−+]?[\d.,]*\d", rest[0])):
        part = rest.pop(0)
        numbers += [] if part in _RANGES else words(part)
    if not numbers or not rest:
        return []
    unit = rest.pop(0)
    readings = [words(unit), *map(words, _UNIT_READINGS.get(unit, ()))]
    second: list[str] = []
    if len(rest) > 1 and unit in ("ft", "lb", "st", "mi", "yd") and rest[1] in ("in", "oz", "lb", "ch", "ft"):
        second = words(f"{rest[0]} {rest[1]}") if rest[0][:1].isdigit() else []
    return [[*numbers, *reading, *second] for reading in readings]


class Corpus:
    """The sequences of a `corpus.raw.txt`, to look uses up in."""

    def __init__(self, raw: Path) -> None:
        # A newline inside a sequence is written `\n`; before an n or a newline an even run of backslashes is text.
        self.text = re.sub(r"(?<!\\)((?:\\\\)*)\\n", r"\1\n", raw.read_text(encoding="utf-8"))
        self._words = f" {' '.join(words(self.text))} "

    def has(self, use: Use) -> bool:
        """Whether the words of `use` stand in the corpus where they belong."""
        if use.kind == "quote":
            runs = [part[n : n + 5] for part in use.readings for n in range(0, max(1, len(part) - 4), 5) if part]
            return sum(f" {' '.join(run)} " in self._words for run in runs) >= 0.9 * len(runs)
        if use.kind == "ndash":
            left, right = use.before.split()[-1:], use.after.split()[:1]
            left, right = re.findall(r"[\w.,]+\Z", "".join(left)), re.findall(r"\A\w+", "".join(right))
            dash = use.readings[0][0]
            return any(f"{''.join(left)}{gap}{dash}{gap}{''.join(right)}" in self.text for gap in ("", " "))
        return any(self._has_words(reading, use) for reading in use.readings)

    def _has_words(self, reading: list[str], use: Use) -> bool:
        inside = r" (?:\S+ ){0,2}?".join(map(re.escape, reading))
        before, after = words(_USE.split(use.before)[-1])[-3:], words(_USE.split(use.after)[0])[:3]
        if not before and not after:
            return f" {' '.join(reading)} " in self._words
        follows = re.compile(rf"(?:\S+ ){{0,{GAP}}}?{inside} ")
        precedes = re.compile(rf" {inside} (?:\S+ ){{0,{GAP}}}?\Z")
        reach = 200 + sum(map(len, reading))
        return any(follows.match(self._words, end) for _, end in self._places(before)) or any(
            precedes.search(self._words[max(0, start + 1 - reach) : start + 1]) for start, _ in self._places(after)
        )

    def _places(self, run: list[str]) -> Iterator[tuple[int, int]]:
        """Yield where these words stand one after another: (the blank before, the character after the blank behind)."""
        if not run:
            return
        text = f" {' '.join(run)} "
        start = self._words.find(text)
        while start >= 0:
            yield start, start + len(text)
            start = self._words.find(text, start + 1)


RESIDUE = {
    "{{": r"\{\{", "}}": r"\}\}", "[[": r"\[\[", "]]": r"\]\]", "{|": r"\{\|", "|}": r"\|\}", "<ref": r"</?ref\b",
    "'''": r"'''", "thumb|": r"\bthumb\|", "px|": r"\dpx\|", "style=": r"\bstyle ?=", "class=": r"\bclass ?=",
    "colspan": r"\bcolspan",
}  # fmt: skip
_ANY_RESIDUE = re.compile("|".join(RESIDUE.values()))
_VERBATIM = re.compile(r"<(math|nowiki|pre|chem|ce)\b[^<>/]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)


def count_residue(text: str, sources: list[str]) -> tuple[dict[str, int], int]:
    """Return how often each kind of markup stands in a corpus outside kept math and nowiki, and how often inside.

    A formula may hold braces by right. So each text that stands between such tags in a source is taken out of the
    corpus, the longest first, at most as often as the sources hold it: `<nowiki>[[</nowiki>` on one page excuses one.
    """
    excused: Counter[str] = Counter()
    for source in sources:
        for found in _VERBATIM.finditer(source):
            content = html.unescape(found[2]) if found[1].lower() in ("nowiki", "pre") else found[2]
            # In a corpus of sentences each line of it stands alone; in a formula blanks are squeezed.
            lines = content.split("\n") if found[1].lower() == "pre" else [" ".join(content.split())]
            excused.update(line.strip() for line in lines if _ANY_RESIDUE.search(line))
    before = len(_ANY_RESIDUE.findall(text))
    for content in sorted(excused, key=len, reverse=True):
        text = text.replace(content, " ", excused[content])
    counts = {kind: len(re.findall(pattern, text)) for kind, pattern in RESIDUE.items()}
    return counts, before - len(_ANY_RESIDUE.findall(text))

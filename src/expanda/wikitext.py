"""Wikitext to plain text: a pure function; today it rests on mwparserfromhell, and nothing outside this file knows.

While the parsed page is walked, private-use characters mark what plain text cannot say; the second half of the file
turns the marked lines into blocks and leaves none of the marks but HOLE.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode

from expanda.prefixes import dropped_prefixes, is_file
from expanda.templates import is_silent, renderer

HOLE = "\ue000"  # an inline template stood here whose words we do not know
_GAP = "\ue001"  # something stood here that a reader would not miss
_HEADING = "\ue002"  # followed by the level as a digit: this block is a heading
_ITEM = "\ue003"  # this line is a list item
_BREAK = "\ue004"  # a line break inside a paragraph
_KEPT = "\ue005"  # followed by a number and _KEPT: verbatim text that is put back at the end
_MARKS = re.compile("[\ue000-\ue005]")

_DROPPED_TAGS = {
    "ref", "references", "table", "gallery", "timeline", "score", "imagemap", "mapframe", "maplink", "graph", "style",
    "script", "templatestyles", "indicator", "section", "includeonly", "inputbox", "syntaxhighlight", "source", "hiero",
}  # fmt: skip
_BLOCK_TAGS = {"div", "p", "blockquote", "center", "poem", "ul", "ol", "dl", "dd", "dt", "tr", "td", "th", "hr"}
_VERBATIM_TAGS = {"math", "nowiki", "pre", "chem", "ce"}
_SUPERSCRIPTS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def clean(markup: str, namespaces: Mapping[int, str], language: str = "") -> str:
    """Return the text a reader of the page would see in its running text, NFC, without control characters.

    It comes as blocks separated by blank lines, the items of a list as lines of one block. A HOLE stands where words
    are missing.

    Args:
        namespaces: number -> name in this wiki, so that [[Datei:…]] is known for what it is.
        language: the wiki's language, for the other names its namespaces go by.
    """
    walk = _Walk(dropped_prefixes(namespaces, language))
    marked = walk.text(mwparserfromhell.parse(_MARKS.sub("", markup).replace("\x00", "")))
    blocks = _without_empty_sections(_blocks(_without_residue(marked)))
    text = "\n\n".join(blocks)
    text = re.sub(f"{_KEPT}(\\d+){_KEPT}", lambda found: walk.kept[int(found[1])], text)
    return unicodedata.normalize("NFC", _without_controls(text))


class _Walk:
    """Turn parsed nodes into marked text; keeps the verbatim pieces on the way."""

    def __init__(self, dropped_prefixes: frozenset[str]) -> None:
        self.dropped_prefixes = dropped_prefixes
        self.kept: list[str] = []

    def text(self, code: Wikicode | None) -> str:
        """Return the marked text of a piece of parsed wikitext."""
        return "".join(map(self._node, code.nodes)) if code is not None else ""

    def _node(self, node: Any) -> str:
        match node:
            case nodes.Text():
                return _MAGIC_WORD.sub(_drop_magic_word, str(node.value))
            case nodes.Wikilink():
                return self._link(node)
            case nodes.ExternalLink():
                title = self.text(node.title) if node.title is not None else ""
                return title or (_GAP if node.brackets else self.text(node.url))
            case nodes.Tag():
                return self._tag(node)
            case nodes.Template():
                return self._template(node)
            case nodes.HTMLEntity():
                return self._entity(node)
            case nodes.Heading():
                return f"\n\n{_HEADING}{node.level}{self.text(node.title).strip()}\n\n"
            case nodes.Argument():
                return self.text(node.default) or _GAP
        return _GAP  # a comment

    def _link(self, node: Any) -> str:
        title = self.text(node.title).strip()
        words = self.text(node.text).strip() if node.text is not None else None
        prefix, colon, _ = title.partition(":")
        name = prefix.strip().lower().replace("_", " ")
        if colon and (name in self.dropped_prefixes or is_file(str(node.text or ""))):
            return _GAP
        title = title.removeprefix(":")
        if words == "":  # the pipe trick: [[Mercury (planet)|]] reads Mercury
            return re.sub(r"\s*\([^()]*\)$", "", title)
        return words if words is not None else title.replace("_", " ")

    def _tag(self, node: Any) -> str:
        name = str(node.tag).strip().lower()
        if node.wiki_markup in ("*", "#", ":", ";"):
            return _ITEM
        if name in _DROPPED_TAGS:
            return _GAP
        if name in _VERBATIM_TAGS:
            return self._verbatim(name, str(node.contents or ""))
        if name == "br":
            return _BREAK
        inside = self.text(node.contents)
        if name == "li":
            return f"\n{_ITEM}{inside}"
        if name in _BLOCK_TAGS:
            return f"\n\n{inside}\n\n"
        if name == "sup" and re.fullmatch(r"[-+−]?\d+", inside):
            return inside.translate(_SUPERSCRIPTS)  # 10<sup>6</sup> must not become 106
        return inside

    def _verbatim(self, name: str, source: str) -> str:
        if name in ("math", "chem", "ce"):
            source = " ".join(source.split())
        else:
            source = html.unescape(re.sub(r"</?nowiki\s*/?>", "", source))
        if not source.strip():
            return _GAP if not source else " "
        self.kept.append(_MARKS.sub("", re.sub(r"\n\s*\n", "\n", source.strip("\n"))))
        mark = f"{_KEPT}{len(self.kept) - 1}{_KEPT}"
        return f"\n\n{mark}\n\n" if name == "pre" else mark

    def _template(self, node: Any) -> str:
        source_name = str(node.name)
        name = " ".join(source_name.replace("_", " ").lower().split())
        name = re.sub(r"^(?:template|틀|vorlage|modèle):\s*", "", name)
        if name.startswith("formatnum:"):
            return self.text(node.name).partition(":")[2].strip()
        if is_silent(name):
            return _GAP
        render = renderer(name)
        if render is not None:
            values = {str(param.name).strip(): self.text(param.value).strip() for param in node.params}
            if words := render(values):
                return words
        if "\n" in str(node):  # laid out over lines: an infobox or a table, not a part of a sentence
            return _GAP
        return HOLE

    def _entity(self, node: Any) -> str:
        character = html.unescape(str(node))
        # A decoded bracket must not be taken for markup that the parser left over.
        if character in "<>[]{}'":
            self.kept.append(character)
            return f"{_KEPT}{len(self.kept) - 1}{_KEPT}"
        return character


_MAGIC_WORD = re.compile(r"__([^\W\d_]+)__")


def _drop_magic_word(found: re.Match[str]) -> str:
    return _GAP if found[1] == found[1].upper() else found[0]  # __NOTOC__, __목차__, but not Python's __init__


# What the parser could not close stays in its text; each of these ends at its line.
_RESIDUE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^[ \t\ue003]*\{\|.*?^[ \t]*\|\}", re.DOTALL | re.MULTILINE), "\n"),  # a table
    (re.compile(r"<!--.*?(?:-->|$)", re.MULTILINE), _GAP),
    (re.compile(r"<ref\b[^>\n]*>[^\n]*", re.IGNORECASE), _GAP),
    (re.compile(r"\{\{[^\n]*"), HOLE),
    (re.compile(r"^[ \t]*(?:\{\||\|\}|\|-|\||!)[^\n]*$", re.MULTILINE), ""),  # rows of a broken table
    (re.compile(r"</?[a-z][a-z0-9]*\b[^<>\n]*>", re.IGNORECASE), ""),
    (re.compile(r"'{2,}|\[\[|\]\]|\}\}"), ""),
)


def _without_residue(marked: str) -> str:
    for pattern, replacement in _RESIDUE:
        marked = pattern.sub(replacement, marked)
    return marked


def _blocks(marked: str) -> Iterable[str]:
    """Yield blocks: a paragraph (its lines joined, its <br> as line ends), a run of list items, or a heading."""
    paragraph: list[str] = []
    items: list[str] = []
    for line in [*marked.split("\n"), ""]:
        if line and not line.strip(f" {_GAP}{HOLE}"):  # nothing but templates: a box of its own, unless all were silent
            if HOLE not in line:
                continue
            line = ""
        is_item = line.lstrip(" ").startswith(_ITEM)
        if paragraph and (is_item or not line.strip()):
            yield from _block("\n".join(" ".join(paragraph).split(_BREAK)).split("\n"))
            paragraph = []
        if items and not is_item:
            yield from _block(items)
            items = []
        if is_item:
            items.append(line.replace(_BREAK, " "))
        elif line.strip():
            paragraph.append(line)
    yield from _block(items)


def _block(lines: Iterable[str]) -> Iterable[str]:
    repaired = [text for line in lines if (text := _repaired(line)).replace(HOLE, "").strip(" *:;,·•|")]
    if repaired:
        yield "\n".join(repaired)


_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_EMPTY_BRACKETS = re.compile(rf" ?([(（])[ ;,:{_GAP}{HOLE}、；，]*[)）]")
_AFTER_OPENING = re.compile(rf"([(（])([ ;,:{_GAP}、；，]*{_GAP}[ ;,:{_GAP}、；，]*)")
_BEFORE_CLOSING = re.compile(rf"[ ;,:{_GAP}、；，]*{_GAP}[ ;,:{_GAP}、；，]*(?=[)）])")
_DOUBLED_COMMA = re.compile(rf"([,;]) ?{_GAP}[ {_GAP}]*(?=[,;])[,;]")
_BEFORE_PUNCTUATION = re.compile(rf" *{_GAP}[ {_GAP}]*(?=[,.;:!?)])")


def _repaired(line: str) -> str:
    """Return one line without marks but HOLE, mending what a removal tore: `( ; )`, `()`, ` ,`, doubled spaces."""
    line = _SPACES.sub(" ", line.replace(_ITEM, "").replace(_BREAK, " "))
    if _GAP in line or HOLE in line:
        line = _EMPTY_BRACKETS.sub(lambda found: found[0] if not _MARKS.search(found[0]) else "", line)
        line = _AFTER_OPENING.sub(r"\1", line)
        line = _BEFORE_CLOSING.sub("", line)
        line = _DOUBLED_COMMA.sub(r"\1", line)
        line = _BEFORE_PUNCTUATION.sub("", line).replace(_GAP, "")
        line = _SPACES.sub(" ", line)
    return line.strip()


def _without_empty_sections(blocks: Iterable[str]) -> list[str]:
    """Drop headings below which nothing is left, and take the mark off the others."""
    kept: list[str] = []
    level = 0  # of the next section that is not yet closed, seen from the end
    has_text = False
    for block in reversed(list(blocks)):
        if not block.startswith(_HEADING):
            has_text, level = True, 9
            kept.append(block)
            continue
        own = int(block[1])
        if has_text and own < level and (words := block[2:].strip()):
            kept.append(words)
            level = own
    return kept[::-1]


# Invisible formatting characters go too; ZWJ and ZWNJ stay, Persian and the Indic scripts spell with them.
_CONTROLS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)


def _without_controls(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\t", " "))

"""Marked text to blocks of plain text: headings, lists and paragraphs, and the mending of what removals tore."""

from __future__ import annotations

import html
import html.entities
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from expanda.links import read_external
from expanda.marks import BREAK, GAP, HOLE, KEPT, NAMED, without_marks
from expanda.quotes import without_quotes

_MAGIC_WORD = re.compile(r"__([^\W\d_]{2,30})__")
_VARIANT = re.compile(r"-\{([^{}]*)\}-")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_NAMED_HOLE = re.compile(f"{HOLE}(\\d+){NAMED}")
_KEPT_TEXT = re.compile(f"{KEPT}(\\d+){KEPT}")
_BROKEN_REFERENCE = re.compile(rf"</?ref\b[^{GAP}]*{GAP}?", re.IGNORECASE)
_TABLE_HEADER = re.compile(r"!!|\b(?:scope|style|class|colspan|rowspan|width|align) *=")
_HOLLOW_BRACKETS = re.compile(rf" ?[(（][ ;,:、；，،؛{HOLE}]*[)）]")
_SEPARATORS = " ,;:、；，،؛"
_CLOSED_BY = (",", ".", ";", ":", "!", "?", ")", "、", "。", "，", "；", "）", "،", "؛", "؟")
# Invisible formatting characters go too; ZWJ and ZWNJ stay, Persian and the Indic scripts spell with them.
_CONTROLS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)
_EDGES = f" \t{GAP}"
_NO_WORDS = f" *:;,·•|{HOLE}"  # a line of nothing else says nothing
_NO_HEADING = 9  # a level below all headings'

Block = tuple[int, str]  # the level of a heading, or _NO_HEADING, and the text


def tidy(marked: str, kept: Sequence[str], holes: Sequence[str], unrendered: Counter[str]) -> str:
    """Return plain text: blocks separated by blank lines, with no mark left but HOLE.

    Args:
        marked: text with the marks of `expanda.marks`; headings and list items as wikitext writes them.
        kept: what the numbers between two KEPT stand for.
        holes: which template left the HOLE of this number; those that stay in a line are counted in `unrendered`.
    """
    if "[" in marked:
        marked = read_external(marked)
    if "__" in marked:
        marked = _MAGIC_WORD.sub(_magic_word, marked)
    if "-{" in marked:
        marked = _VARIANT.sub(lambda found: _first_variant(found[1]), marked)

    blocks = _Blocks(holes)
    text = "\n\n".join(_without_empty_sections(blocks.read(marked)))
    unrendered.update(blocks.unrendered)
    if KEPT in text:
        text = _KEPT_TEXT.sub(lambda found: _printable(kept[int(found[1])]), text)
    return unicodedata.normalize("NFC", text)


def decode_entities(text: str) -> str:
    """Return `text` with its entities decoded, once; none of them can become a mark."""
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def _decoded(found: re.Match[str]) -> str:
    # html.unescape would read &notanentity; as ¬anentity;
    is_known = found[0][1] == "#" or found[0][1:] in html.entities.html5
    return without_marks(html.unescape(found[0])) if is_known else found[0]


def _magic_word(found: re.Match[str]) -> str:
    return GAP if found[1] == found[1].upper() else found[0]  # __NOTOC__, __목차__, but not Python's __init__


def _first_variant(inside: str) -> str:
    """-{zh-hans:计算机; zh-hant:電腦}- reads as its first variant, and -{text}- as it is."""
    first = inside.partition(";")[0]
    code, colon, words = first.rpartition("=>")[2].partition(":")
    return words.strip() if colon and re.fullmatch(r"\s*[a-z-]+\s*", code) else inside


class _Blocks:
    """Gathers lines into blocks: paragraphs (lines joined, <br> as line ends), lists (one item a line), headings."""

    def __init__(self, holes: Sequence[str]) -> None:
        self.blocks: list[Block] = []
        self.unrendered: Counter[str] = Counter()
        self._holes = holes
        self._lines: list[str] = []
        self._in_list = False

    def read(self, marked: str) -> list[Block]:
        """Return the blocks of marked text."""
        for line in marked.split("\n"):
            bare = line.strip(_EDGES)
            if bare:
                self._add(without_quotes(bare) if "''" in bare else bare)
            elif GAP not in line:  # a comment or a reference alone on its line does not end a paragraph
                self._flush()
        self._flush()
        return self.blocks

    def _add(self, line: str) -> None:
        first = line[:1]
        if first in "*#:;":
            self._flush(unless_list=True)
            self._in_list = True
            words = line.lstrip("*#:; ").replace(BREAK, " ")
            # '; term : meaning' is two lines to a reader
            self._lines.extend(words.split(" : ", 1) if first == ";" else [words])
        elif first == "=" and line[-1] == "=" and (words := self._mended(line.strip("= "))):
            self._flush()
            self.blocks.append((len(line) - len(line.lstrip("=")), words))
        elif (
            first == "|"
            or (first == "!" and _TABLE_HEADER.search(line))  # a row of a broken table
            or line.startswith("----")  # a rule
            or (first == HOLE and not _NAMED_HOLE.sub("", line).strip(_EDGES + BREAK))  # a box of its own
        ):
            self._flush()
        else:
            if self._in_list:
                self._flush()
            self._lines.append(line)

    def _flush(self, *, unless_list: bool = False) -> None:
        """End the block that is under way."""
        if unless_list and self._in_list:
            return
        pieces = self._lines if self._in_list else " ".join(self._lines).split(BREAK)
        mended = [text for piece in pieces if (text := self._mended(piece))]
        if mended:
            self.blocks.append((_NO_HEADING, "\n".join(mended)))
        self._lines = []
        self._in_list = False

    def _mended(self, line: str) -> str:
        """Return one line without marks but HOLE and KEPT, mending what removals tore; '' when no word is in it."""
        if "<" in line:
            line = _BROKEN_REFERENCE.sub(GAP, line)
        line = " ".join(decode_entities(line).split())
        if GAP in line:
            line = _close_gaps(line)
        if HOLE in line:
            names = [self._holes[int(number)] for number in _NAMED_HOLE.findall(line)]
            line = _HOLLOW_BRACKETS.sub(_unless_hole, _NAMED_HOLE.sub(HOLE, line))
            if line.strip(_NO_WORDS):
                self.unrendered.update(names)
        if not line.strip(_NO_WORDS):
            return ""
        return line if line.isprintable() else _printable(line)


def _unless_hole(brackets: re.Match[str]) -> str:
    return "" if HOLE in brackets[0] else brackets[0]


def _close_gaps(line: str) -> str:
    """Join what stands around the gaps, without the blanks and separators that only served what is gone."""
    pieces = line.split(GAP)
    done, left = [], pieces[0]
    for right in pieces[1:]:
        following = right.lstrip(_SEPARATORS)
        if not following:
            left += right if not left.endswith(("(", "（")) else ""
            continue
        if left.endswith(("(", "（")):
            right = following
            if following[0] in ")）":
                left, right = left[:-1].rstrip(), following[1:]
        elif following[0] in ")）":
            left, right = left.rstrip(_SEPARATORS), following
        elif (near := right.lstrip()).startswith(_CLOSED_BY):
            left = left.rstrip()
            right = near[1:] if near[0] in ",;،" and left.endswith((",", ";", "،")) else near
        elif left.endswith(" "):
            right = near
        done.append(left)
        left = right
    return "".join([*done, left]).strip()


def _without_empty_sections(blocks: list[Block]) -> list[str]:
    """Return the texts, without the headings below which nothing is left."""
    kept: list[str] = []
    open_level = 0  # of the last heading that was kept, from the end; a deeper one above it is empty
    for level, text in reversed(blocks):
        if level == _NO_HEADING:
            kept.append(text)
            open_level = _NO_HEADING
        elif level < open_level:
            kept.append(text)
            open_level = level
    return kept[::-1]


def _printable(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\t", " "))

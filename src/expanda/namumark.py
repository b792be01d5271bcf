"""NamuMark, NamuWiki's markup, to plain text: a pure function, linear in its input.

Three walks: over braces, which may hold anything; over brackets; then line by line. Private-use characters mark what
plain text cannot say; none is left at the end. What is not closed ends at its line, so that it swallows nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

_GAP = "\ue000"  # something stood here that a reader would not miss
_KEPT = "\ue001"  # followed by a number and _KEPT: verbatim text that is put back at the end
_HEADING = "\ue002"  # followed by the level as a digit: this line is a heading
_ITEM = "\ue003"  # this line is a list item
_BREAK = "\ue004"  # a line break inside a line
_MAX_DEPTH = 40  # brackets within brackets; deeper ones are text

_PUT_BACK = re.compile(f"{_KEPT}(\\d+){_KEPT}")
# What has no place in text: our marks, control characters, invisible ones, halves of surrogate pairs.
_UNWANTED = re.compile(
    "[\ue000-\ue004\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff]"
)


class NamuCleaner:
    """Cleans the pages of NamuWiki; its macros leave no holes, so there is nothing to count."""

    def __init__(self) -> None:
        self.unrendered: Counter[str] = Counter()
        self.unclosed: Counter[str] = Counter()

    def clean(self, markup: str) -> str:
        """Return the text of one page."""
        return clean(markup)


def clean(markup: str) -> str:
    """Return the text a reader of the page would see, NFC, as blocks separated by blank lines.

    A line of the source is a line of the result, as on the page. Struck text, footnotes, tables, files, categories and
    macros leave nothing.
    """
    markup = _UNWANTED.sub("", markup.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    kept: list[str] = []
    text = _without_brackets(_without_braces(markup, kept))
    blocks = _without_empty_sections(_blocks(_lines(text)))
    whole = (_PUT_BACK.sub(lambda found: kept[int(found[1])], block).strip() for block in blocks)
    return unicodedata.normalize("NFC", "\n\n".join(whole))


def _keep(text: str, kept: list[str]) -> str:
    kept.append(text)
    return f"{_KEPT}{len(kept) - 1}{_KEPT}"


# Braces. A formula's own must not count. Its pattern never looks past the next beginning, so that many unclosed ones
# cost no more than one.

_BRACE = re.compile(
    r"""\{\{\{|\}\}\}
    |\\([^\w\s])
    |\[math\(((?:(?!\[math\()[^\n])*?)\)\]
    |<math>((?:(?!<math>)[^\n])*?)</math>""",
    re.IGNORECASE | re.VERBOSE,
)
_DROPPED_BLOCK = re.compile(r"#!(?:syntax|html|latex)\b", re.IGNORECASE)
_HEADER = re.compile(
    r"""\#!(?:wiki|folding|if|style)\b[^\n]*\n?    # the rest of the line says how, or what stands on the fold
    |\#[a-z0-9]+(?:,\s*\#[a-z0-9]+)?[ ]           # a colour, and one for dark screens
    |[+-][1-5][ ]                                 # a size""",
    re.IGNORECASE | re.VERBOSE,
)


def _without_braces(markup: str, kept: list[str]) -> str:
    """Take `{{{ }}}` away: markup inside a box stays markup, code goes, anything else is verbatim."""
    out: list[str] = []
    stack: list[tuple[str, int]] = []  # kind of what is open, where its content begins in `out`
    at = 0
    while found := _BRACE.search(markup, at):
        out.append(markup[at : found.start()])
        at = found.end()
        inside = stack[-1][0] if stack else "markup"
        if found[0] == "{{{":
            if inside == "verbatim":
                stack.append(("nested", len(out)))
                out.append("{{{")
            elif _DROPPED_BLOCK.match(markup, at):
                stack.append(("dropped", len(out)))
            elif header := _HEADER.match(markup, at):
                stack.append(("markup", len(out)))
                out.append("\n" if markup.startswith("#!", at) else "")  # a box begins a line
                at = header.end()
            else:
                stack.append(("verbatim", len(out)))
        elif found[0] != "}}}":  # an escaped character, or a formula
            shown = found[1] or " ".join((found[2] or found[3] or "").split())
            out.append(found[0] if inside in ("verbatim", "nested") else _keep(shown, kept))
        elif stack:
            _close_brace(*stack.pop(), out, kept)
    out.append(markup[at:])
    return "".join(out).replace("{{{", "").replace("}}}", "")


def _close_brace(kind: str, start: int, out: list[str], kept: list[str]) -> None:
    """End what began at `out[start]`."""
    if kind == "dropped":
        del out[start:]
        out.append(_GAP)
    elif kind == "nested":
        out.append("}}}")
    elif kind == "verbatim":
        content = re.sub(r"\n\s*\n", "\n", "".join(out[start:]).strip("\n"))
        del out[start:]
        out.append(_keep(content, kept) if content.strip() else content and " ")


# Brackets.

_BRACKET = re.compile(r"\[\[|\]\]|\[\*[^\s\[\]]*|\[|\]|\n+")
_NO_PAGE = re.compile(r"(?:파일|file|분류|category)\s*:", re.IGNORECASE)
_MACRO = re.compile(
    r"""(?:목차|각주|tableofcontents|footnote|br|clearfix|date|datetime|pagecount)
    |(?:include|youtube|kakaotv|nicovideo|navertv|vimeo|anchor|age|dday|pagecount|tableofcontents|footnote|목차|각주)\(.*\)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_RUBY = re.compile(r"ruby\((.*?)(?:,\s*(?:ruby|color)=.*)?\)", re.IGNORECASE | re.DOTALL)


def _without_brackets(text: str) -> str:
    """Show links by their words, and drop footnotes and macros; what is no such thing keeps its brackets."""
    out: list[str] = []
    stack: list[tuple[str, int]] = []  # what opened, its place in `out`
    at = 0
    for found in _BRACKET.finditer(text):
        out.append(text[at : found.start()])
        at = found.end()
        mark = found[0]
        if mark[0] == "\n":
            # Links and macros end with the line, footnotes with the paragraph.
            while stack and (len(mark) > 1 or stack[-1][0][:2] != "[*"):
                _give_up(*stack.pop(), out)
            out.append(mark)
        elif mark[0] == "[":
            if len(stack) < _MAX_DEPTH:
                stack.append((mark, len(out)))
            out.append(mark)
        elif mark == "]]" and stack and stack[-1][0] != "[[":  # [* see [br]] closes two single ones
            _close_bracket(*stack.pop(), out)
            if stack and stack[-1][0] != "[[":
                _close_bracket(*stack.pop(), out)
            else:
                out.append("]")
        elif stack and (stack[-1][0] == "[[") == (mark == "]]"):
            _close_bracket(*stack.pop(), out)
        else:
            out.append(mark)
    out.append(text[at:])
    while stack:
        _give_up(*stack.pop(), out)
    return "".join(out)


def _close_bracket(mark: str, start: int, out: list[str]) -> None:
    """Replace what began at `out[start]` by what it shows."""
    content = "".join(out[start + 1 :])
    del out[start:]
    if mark == "[[":
        out.append(_link(content))
    elif mark[:2] == "[*" or _MACRO.fullmatch(content):
        out.append(_BREAK if content.lower() == "br" else _GAP)
    elif content.endswith(")") and (ruby := _RUBY.fullmatch(content)):
        out.append(ruby[1])
    else:
        out.append(f"[{content}]")


def _give_up(mark: str, start: int, out: list[str]) -> None:
    """What began at `out[start]` is not closed: a link shows its words, a footnote ends with its line."""
    if mark == "[[":
        out[start] = ""
    elif mark[:2] == "[*":
        end = next((place for place in range(start, len(out)) if out[place].startswith("\n")), len(out))
        out[start:end] = [_GAP]


def _link(content: str) -> str:
    target, pipe, words = content.partition("|")
    if _NO_PAGE.match(target.strip()):
        return _GAP
    if pipe and words.strip():
        return words.strip()
    if re.match(r"\s*https?://", target):
        return _GAP
    page, _, anchor = target.strip().removeprefix(":").partition("#")
    return page.strip() or anchor


# Lines.

_HEADING_LINE = re.compile(r"(={1,6})(#?) (.+) \2\1")
_RULE = re.compile(r"-{4,9}")
_ITEM_START = re.compile(r"(?:\*|[1aAiI]\.)(?:#\d+)?(?: |(?=\S))")
_STRUCK = re.compile(r"~~(?:(?!~~).)+~~|--(?!-)(?:(?!--).)+--(?!-)")
_PAIRED = re.compile(r"__((?:(?!__).)+)__|\^\^((?:(?!\^\^).)+)\^\^|,,((?:(?!,,).)+),,")
_EMPTY_BRACKETS = re.compile(rf" ?[(（][ ,;]*{_GAP}[ ,;{_GAP}]*[)）]")
_AFTER_OPENING = re.compile(rf"([(（])[ ,;]*{_GAP}[ ,;{_GAP}]*")
_GAPS = re.compile(rf"(?: ?{_GAP})+ ?")
_BREAKS = re.compile(rf" ?{_BREAK}[ {_BREAK}]*")
_SPACES = re.compile(r"[ \u00a0\u3000]{2,}|[\u00a0\u3000]")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines as they are shown, marked as headings or items; an empty one between blocks."""
    lines = text.split("\n")
    row_ends = _row_ends(lines)
    number = 0
    while number < len(lines):
        line = lines[number].strip(" ")
        if line.startswith("||"):
            number = row_ends[number] + 1
            continue
        number += 1
        if line.startswith("##") or _RULE.fullmatch(line):
            continue
        is_indented = lines[number - 1].startswith(" ")
        while line.startswith(">"):
            line, is_indented = line[1:].lstrip(" "), True
        if heading := _HEADING_LINE.fullmatch(line):
            yield f"{_HEADING}{len(heading[1])}{_inline(heading[3])}"
        elif is_indented and (item := _ITEM_START.match(line)):
            if words := _inline(line[item.end() :]):
                yield _ITEM + words.replace("\n", " ")
        elif words := _inline(line):
            yield words
        elif not line.strip():
            yield ""


def _row_ends(lines: list[str]) -> list[int]:
    """Return for each line where a table row that begins there ends: at that line if none of its paragraph ends it."""
    ends = list(range(len(lines)))
    last = -1  # the nearest line from here on that ends a row, in this paragraph
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip(" ")
        if not line:
            last = -1
        if line.endswith("||") and line != "||":
            last = number
        if last >= 0:
            ends[number] = last
    return ends


def _inline(line: str) -> str:
    line = _STRUCK.sub(_GAP, line)
    line = _PAIRED.sub(lambda found: found[1] or found[2] or found[3], line)
    line = _SPACES.sub(" ", re.sub("'{2,3}", "", line))
    if _GAP in line:
        line = _EMPTY_BRACKETS.sub(_GAP, line)
        line = _AFTER_OPENING.sub(r"\1", line)
        line = _GAPS.sub(_close_gap, line)
    return _BREAKS.sub("\n", line).strip()


def _close_gap(gap: re.Match[str]) -> str:
    following = gap.string[gap.end() : gap.end() + 1]
    return " " if " " in gap[0] and following not in ",.;:!?)" else ""  # nothing follows: the text ends


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield blocks: lines of prose, items of one list, or one heading."""
    block: list[str] = []
    kind = ""
    for line in lines:
        mark = line[:1] if line[:1] in (_HEADING, _ITEM) else ""
        if block and (not line or mark != kind or mark == _HEADING):
            yield "\n".join(block)
            block = []
        kind = mark
        if line:
            block.append(line.removeprefix(_ITEM))
    if block:
        yield "\n".join(block)


def _without_empty_sections(blocks: Iterable[str]) -> list[str]:
    """Drop headings below which nothing is left, and take the mark off the others."""
    kept: list[str] = []
    level = 0  # headings of at most this level have text below them, seen from the end
    for block in reversed(list(blocks)):
        if not block.startswith(_HEADING):
            level = 9
            kept.append(block)
        elif int(block[1]) < level:
            kept.append(block[2:])
            level = int(block[1])
    return kept[::-1]

"""Wikitext to plain text: cut into tokens, pair the brackets, render; each pass is linear, and none recurses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from expanda.links import Links
from expanda.marks import BREAK, GAP, HOLE, KEPT, NAMED, without_marks
from expanda.markup import BLOCK_TAGS, DROPPED_TAGS, FORMULA_TAGS, VERBATIM_TAGS, Markup
from expanda.readings import Reading, arguments_of, load_readings
from expanda.tidying import decode_entities, tidy

__all__ = ["HOLE", "Cleaner", "clean"]

# MediaWiki expands templates to this depth. Here it bounds the work: each level copies its text once.
_MAX_DEPTH = 40
_BLANK_LINES = re.compile(r"\n[ \t]*(?=\n)")
_INDEX = re.compile(r"[-+−]?\d+")
SUPERSCRIPTS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


class Cleaner:
    """Cleans the pages of one wiki, and counts what it could not read.

    Args:
        namespaces: number -> name in this wiki, so that [[Datei:…]] is known for what it is.
        language: the wiki's language, for the other names its namespaces go by.
        keep_math: whether a formula stays as its source; otherwise it leaves a HOLE.
        templates: a file of the user's that says how more templates read.

    Raises:
        UserError: this file cannot be read.
    """

    def __init__(
        self,
        namespaces: Mapping[int, str],
        language: str = "",
        *,
        keep_math: bool = True,
        templates: Path | None = None,
    ) -> None:
        self.links = Links(namespaces, language)
        self.readings = load_readings(templates, template=namespaces.get(10, "Template"))
        self.keep_math = keep_math
        self.unclosed: Counter[str] = Counter()  # '{{', '[[', '{|' or a tag -> how often nothing closed it
        self.unrendered: Counter[str] = Counter()  # template -> how often it left a hole in a line of text

    def clean(self, markup: str) -> str:
        """Return the text a reader of the page would see in its running text, NFC, without control characters.

        It comes as blocks separated by blank lines, the items of a list as lines of one block. A HOLE stands where
        words are missing. What is not closed ends with its paragraph.
        """
        page = _Page(self, markup)
        return tidy(page.marked(), page.kept, page.holes, self.unrendered)


def clean(markup: str, namespaces: Mapping[int, str], language: str = "") -> str:
    """Return the text of one page; see `Cleaner`."""
    return Cleaner(namespaces, language).clean(markup)


class _Page:
    """One page on its way to marked text: `kept` and `holes` hold what the numbers of KEPT and HOLE mean."""

    def __init__(self, cleaner: Cleaner, markup: str) -> None:
        self.cleaner = cleaner
        self.markup = Markup(without_marks(markup), cleaner.links.is_dropped)
        self.kept: list[str] = []
        self.holes: list[str] = []
        self._out: list[str] = []
        # Open links and templates that hold other markup: where they end, their first piece in _out, how to read them.
        self._frames: list[tuple[int, int, Callable[[str], str]]] = []

    def marked(self) -> str:
        """Return the page's text with marks in it (see `expanda.marks`)."""
        parts, out, frames = self.markup.parts, self._out, self._frames
        render = {"[": self._link, "{": self._template, "<": self._tag, "\n": self._line}
        out.append(parts[0])
        at, last = 1, len(parts)
        while at < last:
            if frames and at == frames[-1][0]:
                _, start, read = frames.pop()
                out[start:] = [read("".join(out[start:]))]
            elif function := render.get(parts[at][0]):
                at = function(at)
            elif parts[at] == "-->":
                out.append("-->")
            out.append(_apart(parts[at + 1]))
            at += 2
        return "".join(out)

    # Each of these renders the construct that opens at a token, and returns the token whose text comes next: the same
    # one to go into the construct, or its end.

    def _link(self, at: int) -> int:
        links, inside = self.cleaner.links, self.markup.parts[at + 1]
        end = self.markup.closing.get(at)
        if end == at + 2:
            self._out.append(_apart(links.read(inside)))
            return end
        if links.is_dropped(inside):
            self._out.append(GAP)
            return self._unclosed(at, "[[") if end is None else end
        if end is None:
            self.cleaner.unclosed["[["] += 1
        elif len(self._frames) < _MAX_DEPTH:
            self._frames.append((end, len(self._out), links.read))
        return at

    def _template(self, at: int) -> int:
        end = self.markup.closing.get(at)
        if end is None:
            self._hole("{{")
            return self._unclosed(at, "{{")
        inside = self.markup.parts[at + 1]
        name, reading = self.cleaner.readings.find(inside.partition("|")[0])
        if reading is None or len(self._frames) >= _MAX_DEPTH:
            # Laid out over lines it is an infobox or a table, no part of a sentence.
            if "\n" in inside or "\n" in self.markup.inside(at):
                self._out.append(GAP)
            else:
                self._hole(name)
            return end
        if reading.is_silent:
            self._out.append(GAP)
            return end
        read = self._reader(name, reading)
        if end == at + 2:
            self._out.append(read(inside))
            return end
        self._frames.append((end, len(self._out), read))
        return at

    def _reader(self, name: str, reading: Reading) -> Callable[[str], str]:
        def read(inside: str) -> str:
            words = reading.read(arguments_of(inside, reading))
            return _apart(words) if words else self._mark_of_hole(name)

        return read

    def _tag(self, at: int) -> int:
        markup, name = self.markup, self.markup.name(at)
        token, end = markup.parts[at], markup.closing.get(at)
        if not name:
            self._out.append(token)
        elif name in DROPPED_TAGS or name in ("table", "!--"):
            if end is None and not token.endswith("/>") and token[1] != "/":
                end = self._unclosed(at, f"<{name}>")
            if name == "table":
                self._out.append("\n\n")
            elif name != "!--" or self._out[-1][-1:] in ("", "\n"):  # elsewhere a comment leaves no trace
                self._out.append(GAP)
            return end or at
        elif name in VERBATIM_TAGS:
            if end is not None:
                self._verbatim(name, markup.inside(at))
                return end
            if not token.endswith("/>") and token[1] != "/":
                self.cleaner.unclosed[f"<{name}>"] += 1
        elif name == "sup" and _INDEX.fullmatch(markup.parts[at + 1]):
            markup.parts[at + 1] = markup.parts[at + 1].translate(SUPERSCRIPTS)  # 10<sup>6</sup> must not become 106
        elif name == "br":
            self._out.append(BREAK)
        elif name == "li":
            self._out.append("\n" if token[1] == "/" else "\n*")
        elif name in BLOCK_TAGS:
            self._out.append("\n\n")
        return at

    def _verbatim(self, name: str, source: str) -> None:
        if name not in FORMULA_TAGS:
            self._keep(decode_entities(source.replace("<nowiki>", "").replace("</nowiki>", "")), block=name == "pre")
        elif self.cleaner.keep_math:
            self._keep(" ".join(decode_entities(source).split()))
        else:
            self._hole(f"<{name}>")

    def _line(self, at: int) -> int:
        """Render what the start of a line opens or ends: a paragraph, a heading, a table."""
        token, end = self.markup.parts[at], self.markup.closing.get(at)
        if token.endswith("{|"):
            self._out.append("\n\n")
            return self._unclosed(at, "{|") if end is None else end
        self._out.append("\n")
        return at

    def _unclosed(self, at: int, what: str) -> int:
        self.cleaner.unclosed[what] += 1
        return self.markup.skip_paragraph(at)

    def _keep(self, text: str, *, block: bool = False) -> None:
        """Put verbatim text aside, where nothing takes it for markup any more."""
        if not text.strip():
            self._out.append(" " if text else GAP)
            return
        self.kept.append(_BLANK_LINES.sub("\n", text.strip("\n")))
        mark = f"{KEPT}{len(self.kept) - 1}{KEPT}"
        self._out.append(f"\n\n{mark}\n\n" if block else mark)

    def _hole(self, name: str) -> None:
        self._out.append(self._mark_of_hole(name))

    def _mark_of_hole(self, name: str) -> str:
        self.holes.append(name)
        return f"{HOLE}{len(self.holes) - 1}{NAMED}"


def _apart(text: str) -> str:
    """Keep apostrophes apart that markup stood between: in ''x''<sub>''y''</sub> are no four of them in a row."""
    if text[:1] == "'":
        text = GAP + text
    return text + GAP if text[-1:] == "'" else text

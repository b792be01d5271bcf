"""Wikitext by way of mwparserfromhell: slower than `expanda.wikitext`, and its oracle in tests."""

from __future__ import annotations

from typing import Any

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode

from expanda.marks import BREAK, GAP, HOLE, KEPT, NAMED, without_marks
from expanda.markup import BLOCK_TAGS, DROPPED_TAGS, FORMULA_TAGS, VERBATIM_TAGS
from expanda.tidying import decode_entities, tidy
from expanda.wikitext import SUPERSCRIPTS, Cleaner


class ParsingCleaner(Cleaner):
    """A `Cleaner` that lets mwparserfromhell find the structure of a page."""

    def clean(self, markup: str) -> str:
        """Return the text of a page as `Cleaner.clean` does."""
        walk = _Walk(self)
        marked = "\n" + walk.text(mwparserfromhell.parse(without_marks(markup)))
        return tidy(marked, walk.kept, walk.holes, self.unrendered)


class _Walk:
    """Turn parsed nodes into marked text."""

    def __init__(self, cleaner: Cleaner) -> None:
        self.cleaner = cleaner
        self.kept: list[str] = []
        self.holes: list[str] = []

    def text(self, code: Wikicode | None) -> str:
        """Return the marked text of a piece of parsed wikitext."""
        return "".join(map(self._node, code.nodes)) if code is not None else ""

    def _node(self, node: Any) -> str:
        match node:
            case nodes.Text():
                return str(node.value)
            case nodes.Wikilink():
                return self._link(node)
            case nodes.ExternalLink():
                title = self.text(node.title) if node.title is not None else ""
                return title or (GAP if node.brackets else self.text(node.url))
            case nodes.Tag():
                return self._tag(node)
            case nodes.Template():
                return self._template(node)
            case nodes.HTMLEntity():
                return str(node)
            case nodes.Heading():
                marks = "=" * node.level
                return f"\n{marks}{self.text(node.title).strip()}{marks}\n"
            case nodes.Argument():
                return self.text(node.default) or GAP
        return GAP  # a comment

    def _link(self, node: Any) -> str:
        if self.cleaner.links.is_dropped(str(node)[2:-2]):
            return GAP
        words = "" if node.text is None else f"|{self.text(node.text)}"
        return self.cleaner.links.read(self.text(node.title) + words)

    def _tag(self, node: Any) -> str:
        name = str(node.tag).strip().lower()
        if node.wiki_markup in ("*", "#", ":", ";"):
            return str(node.wiki_markup)
        if name in DROPPED_TAGS or name == "table":
            return GAP
        if name in VERBATIM_TAGS:
            return self._verbatim(name, str(node.contents or ""))
        if name == "br":
            return BREAK
        inside = self.text(node.contents)
        if name == "li":
            return f"\n*{inside}"
        if name in BLOCK_TAGS:
            return f"\n\n{inside}\n\n"
        return inside.translate(SUPERSCRIPTS) if name == "sup" and inside.lstrip("-+−").isdecimal() else inside

    def _verbatim(self, name: str, source: str) -> str:
        text = decode_entities(source)
        if name in FORMULA_TAGS:
            text = " ".join(text.split())
            if not self.cleaner.keep_math:
                return self._hole(f"<{name}>")
        if not text.strip():
            return " " if text else GAP
        self.kept.append("\n".join(line for line in text.split("\n") if line.strip()))
        mark = f"{KEPT}{len(self.kept) - 1}{KEPT}"
        return f"\n\n{mark}\n\n" if name == "pre" else mark

    def _template(self, node: Any) -> str:
        name, reading = self.cleaner.readings.find(str(node.name))
        if reading is None:
            return GAP if "\n" in str(node) else self._hole(name)
        if reading.is_silent:
            return GAP
        values = {str(param.name).strip(): self.text(param.value).strip() for param in node.params}
        if reading.is_function:
            values["1"] = self.text(node.name).partition(":")[2].strip()
        return reading.read(values) or self._hole(name)

    def _hole(self, name: str) -> str:
        self.holes.append(name)
        return f"{HOLE}{len(self.holes) - 1}{NAMED}"

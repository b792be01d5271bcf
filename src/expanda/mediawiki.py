"""A MediaWiki XML dump to pages, streaming: the siteinfo first, then one page after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from expanda.utils import UserError

REASONS = ("namespace", "redirect", "model", "deleted", "empty")


@dataclass
class Page:
    """What a dump says about one page; of several revisions the last one counts."""

    title: str = ""
    namespace: str = "0"
    redirect: bool = False
    model: str = "wikitext"
    deleted: bool = False
    text: str = ""

    def drop_reason(self) -> str | None:
        """Return the first of `REASONS` that holds, or None for an article."""
        holds = (
            self.namespace != "0",
            self.redirect,
            self.model != "wikitext",
            self.deleted,
            not self.text.strip(),
        )
        return next((reason for reason, true in zip(REASONS, holds, strict=True) if true), None)


@dataclass
class Dump:
    """Read a dump from its bytes: iterate `pages()`; `language` and `namespaces` are known at the first page.

    Args:
        source: the path, for messages.
        blocks: the bytes of the XML.
    """

    source: Path
    blocks: Iterable[bytes]
    language: str = ""
    namespaces: dict[int, str] = field(default_factory=dict)  # key of the namespace -> its name in this wiki

    def __post_init__(self) -> None:
        self._ready: deque[Page] = deque()
        self._page = Page()
        self._path: list[str] = []
        self._text: list[str] = []
        self._namespace_key = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.EntityDeclHandler = self._refuse_doctype

    def pages(self) -> Iterator[Page]:
        """Yield the pages in the dump's order.

        Raises:
            UserError: the content is no XML, no MediaWiki dump, damaged, cut short, or without any page.
        """
        count = 0
        for block in self._checked_blocks():
            try:
                self._parser.Parse(block, not block)
            except expat.ExpatError as error:
                what = "the XML is damaged or cut short" if self._path else "the content is not XML"
                raise UserError(
                    f"{self.source}: {what}: {expat.ErrorString(error.code)} at line {error.lineno}, "
                    f"column {error.offset + 1} (counted after decompression); get the dump again"
                ) from error
            count += len(self._ready)
            while self._ready:
                yield self._ready.popleft()
        if not count:
            raise UserError(f"{self.source}: this dump holds no page; was it exported completely?")

    def _checked_blocks(self) -> Iterator[bytes]:
        blocks = iter(self.blocks)
        first = next(blocks, b"")
        if not first:
            raise UserError(f"{self.source}: the file is empty; get the dump again")
        start = first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start != b"<" and first[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            raise UserError(
                f"{self.source}: its content is neither bz2, gzip or xz nor XML; "
                "expanda.ext.wikipedia reads a MediaWiki XML dump (for plain text use --expanda.ext.text)"
            )
        yield first
        yield from blocks
        yield b""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path:
            if tag != "mediawiki":
                raise UserError(
                    f"{self.source}: this is XML but no MediaWiki dump: its root element is <{tag}>, not <mediawiki>"
                )
            self.language = attributes.get("xml:lang", "")
        self._path.append(tag)
        self._text.clear()
        if tag == "page":
            self._page = Page()
        elif tag == "redirect":
            self._page.redirect = True
        elif tag == "namespace":
            self._namespace_key = int(attributes.get("key", "0"))
        elif tag == "revision":
            self._page.model, self._page.text, self._page.deleted = "wikitext", "", False
        elif tag == "text" and "deleted" in attributes:
            self._page.deleted = True

    def _end(self, tag: str) -> None:
        self._path.pop()
        parent, text = (self._path[-1] if self._path else ""), "".join(self._text)
        self._text.clear()
        if parent == "revision":
            if tag == "text":
                self._page.text = text
            elif tag == "model":
                self._page.model = text.strip()
        elif parent == "page":
            if tag == "title":
                self._page.title = text
            elif tag == "ns":
                self._page.namespace = text.strip()
        elif tag == "namespace":
            self.namespaces[self._namespace_key] = text
        elif tag == "page":
            self._ready.append(self._page)

    def _refuse_doctype(self, *_: object) -> None:
        raise UserError(
            f"{self.source}: the XML declares a document type or entities, which a MediaWiki dump never does; "
            "it is not read, because such declarations can be an attack"
        )

"""A MediaWiki XML dump to pages, streaming: the siteinfo first, then one page after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from expanda.redirects import redirect_pattern
from expanda.streams import read_source
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


@dataclass(frozen=True)
class Header:
    """What a dump says before its first page."""

    language: str = ""
    namespaces: Mapping[int, str] = field(default_factory=dict)  # key of the namespace -> its name in this wiki
    encoding: str = "utf-8"


def read_header(source: Path) -> Header:
    """Read no more of a dump than its head.

    Raises:
        UserError: the content is no XML, no MediaWiki dump, or damaged.
    """
    dump = Dump(source, read_source(source))
    for _ in dump.feed():
        if dump.header is not None:
            break
    return dump.header or Header()


class Dump:
    """Read a dump, or a part of one, from the bytes of its XML: iterate `pages()`.

    Args:
        source: the path, for messages.
        blocks: the bytes of the XML.
        header: when the bytes begin between two pages, what the dump's head said; else None.
        start: the byte of the file where they begin, for messages.
        ends_early: the bytes end between two pages, not at the dump's end.
    """

    def __init__(
        self,
        source: Path,
        blocks: Iterable[bytes],
        *,
        header: Header | None = None,
        start: int = 0,
        ends_early: bool = False,
    ) -> None:
        self.source, self.header = source, header
        self._blocks, self._start_byte, self._ends_early = blocks, start, ends_early
        self._has_head = header is None
        self._language, self._encoding, self._namespaces = "", "", dict[int, str]()
        self._is_redirect = redirect_pattern(header.language if header else "")
        self._ready: deque[Page] = deque()
        self._page = Page()
        self._path: list[str] = []
        self._text: list[str] = []
        self._namespace_key = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.EntityDeclHandler = self._refuse_doctype

    def pages(self) -> Iterator[Page]:
        """Yield the pages in the dump's order.

        Raises:
            UserError: the content is no XML, no MediaWiki dump, damaged or cut short.
        """
        for _ in self.feed():
            while self._ready:
                yield self._ready.popleft()

    def feed(self) -> Iterator[None]:
        """Parse one block after another, and yield after each."""
        for block in self._framed_blocks():
            try:
                self._parser.Parse(block, not block)
            except expat.ExpatError as error:
                what = "the XML is damaged or cut short" if self._path else "the content is not XML"
                line = error.lineno - (not self._has_head)  # the frame has a line of its own
                where = f" from byte {self._start_byte:,} of the file on" if self._start_byte else ""
                raise UserError(
                    f"{self.source}: {what}: {expat.ErrorString(error.code)} at line {line}, "
                    f"column {error.offset + 1} (counted after decompression{where}); get the dump again"
                ) from error
            yield

    def _framed_blocks(self) -> Iterator[bytes]:
        """Yield the blocks, an empty one last; what a part lacks of a whole document stands around them."""
        if self._has_head:
            yield from self._checked_blocks()
        else:
            yield b"<mediawiki>\n"
            yield from self._blocks
        if self._ends_early:
            yield b"</mediawiki>"
        yield b""

    def _checked_blocks(self) -> Iterator[bytes]:
        blocks = iter(self._blocks)
        first = next(blocks, b"")
        if not first:
            raise UserError(f"{self.source}: the file is empty; get the dump again")
        start = first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self._encoding = "utf-16"
        elif start != b"<":
            raise UserError(
                f"{self.source}: its content is neither bz2, gzip or xz nor XML (nor zst); "
                "expanda.ext.wikipedia reads a MediaWiki XML dump (for plain text use --expanda.ext.text)"
            )
        yield first
        yield from blocks

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._encoding = (encoding or self._encoding).lower()

    def _close_header(self) -> None:
        if self.header is None:
            self.header = Header(self._language, self._namespaces, self._encoding or "utf-8")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path:
            if tag != "mediawiki":
                raise UserError(
                    f"{self.source}: this is XML but no MediaWiki dump: its root element is <{tag}>, not <mediawiki>"
                )
            if self._has_head:
                self._language = attributes.get("xml:lang", "")
                self._is_redirect = redirect_pattern(self._language)
        self._path.append(tag)
        self._text.clear()
        if tag == "page":
            self._close_header()
            self._page = Page()
        elif tag == "redirect":
            self._page.redirect = True
        elif tag == "namespace":
            key = attributes.get("key", "")
            self._namespace_key = int(key) if key.removeprefix("-").isdecimal() else 0
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
            if self.header is None:
                self._namespaces[self._namespace_key] = text
        elif tag == "siteinfo":
            self._close_header()
        elif tag == "page":
            # Old exports lack the element.
            if self._page.model == "wikitext" and self._is_redirect.match(self._page.text):
                self._page.redirect = True
            self._ready.append(self._page)

    def _refuse_doctype(self, *_: object) -> None:
        raise UserError(
            f"{self.source}: the XML declares a document type or entities, which a MediaWiki dump never does; "
            "it is not read, because such declarations can be an attack"
        )

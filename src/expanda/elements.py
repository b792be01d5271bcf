"""The elements of a MediaWiki dump, as expat meets them, to its head and its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from expanda.redirects import redirect_pattern
from expanda.utils import UserError

REASONS = ("namespace", "redirect", "model", "deleted", "quarantined", "empty")
_MOST_DEPTH = 64  # which an honest dump never comes near


class DamageError(Exception):
    """What is wrong with the XML, where expat itself would go on; and where, as expat counts."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


@dataclass
class Page:
    """What a dump says about one page; of several revisions the last one counts."""

    title: str = ""
    id: int | None = None
    namespace: str = "0"
    redirect: bool = False
    model: str = "wikitext"
    deleted: bool = False
    too_large: bool = False
    text: str = ""

    def drop_reason(self) -> str | None:
        """Return the first of `REASONS` that holds, or None for an article."""
        holds = (
            self.namespace != "0",
            self.redirect,
            self.model != "wikitext",
            self.deleted,
            self.too_large,
            not self.text.strip(),
        )
        return next((reason for reason, true in zip(REASONS, holds, strict=True) if true), None)


@dataclass(frozen=True)
class Header:
    """What a dump says before its first page."""

    language: str = ""
    namespaces: Mapping[int, str] = field(default_factory=dict)  # key of the namespace -> its name in this wiki
    encoding: str = "utf-8"


class Elements:
    """What the elements of a dump, or of a part of it, say.

    Args:
        source: the path, for messages.
        header: what the dump's head said, where that does not come first.
        page_bytes: the text of a page that is larger is not kept.
        take: gets every page when it ends.
    """

    def __init__(self, source: Path, *, header: Header | None, page_bytes: int, take: Callable[[Page], None]) -> None:
        self.header = header
        self.encoding = "utf-8"
        self.path: list[str] = []
        self.page = Page()
        self.events = 0
        self.page_ended = self.revision_ended = False  # since somebody set these to False
        self._source, self._page_bytes, self._take = source, page_bytes, take
        self._language, self._namespaces, self._namespace_key = "", dict[int, str](), 0
        self._is_redirect = redirect_pattern(header.language if header else "")
        self._text: list[str] = []
        self._parser: expat.XMLParserType | None = None

    def attend(self, parser: expat.XMLParserType) -> None:
        """Hear a new parser, at the beginning of a document."""
        self.leave()
        self._parser = parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append

    def leave(self) -> None:
        """Forget the elements that are open."""
        self.path = []
        self._text.clear()

    @property
    def progress(self) -> tuple[int, int]:
        """Something that differs whenever anything was found."""
        return self.events, len(self._text)

    def check_size(self) -> None:
        """Stop keeping the text of a page that is too large."""
        if sum(map(len, self._text)) > self._page_bytes:
            self.page.too_large = True
            self._text.clear()
            if self._parser is not None:
                self._parser.CharacterDataHandler = self._discard

    def close_header(self) -> None:
        """Whatever the head said by now is all that it says."""
        if self.header is None:
            self.header = Header(self._language, self._namespaces, self.encoding)

    def _discard(self, _text: str) -> None:
        self.events += 1

    def _break(self, what: str) -> None:
        # Now: expat itself goes on to the block's end, and only then gives back our error.
        raise DamageError(what, self._parser.CurrentByteIndex if self._parser else 0)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        depth = len(self.path)
        if depth == 0:
            if tag != "mediawiki":
                raise UserError(
                    f"{self._source}: this is XML but no MediaWiki dump: its root element is <{tag}>, not <mediawiki>"
                )
            if self.header is None:
                self._language = attributes.get("xml:lang", "")
                self._is_redirect = redirect_pattern(self._language)
        elif depth > _MOST_DEPTH:
            self._break("elements are nested too deeply")
        self.events += 1
        if tag == "page":
            if depth != 1:
                self._break("a page begins inside another element")
            self.close_header()
            self.page = Page()
        elif tag == "redirect":
            self.page.redirect = True
        elif tag == "namespace":
            key = attributes.get("key", "")
            self._namespace_key = int(key[:20]) if key.removeprefix("-").isdecimal() else 0
        elif tag == "revision":
            self.page.model, self.page.text, self.page.deleted = "wikitext", "", False
            self.page.too_large = False
        elif tag == "text" and "deleted" in attributes:
            self.page.deleted = True
        self.path.append(tag)
        self._text.clear()

    def _end(self, tag: str) -> None:
        self.path.pop()
        self.events += 1
        parent, text = (self.path[-1] if self.path else ""), "".join(self._text)
        self._text.clear()
        if parent == "revision":
            if tag == "text":
                self._end_text(text)
            elif tag == "model":
                self.page.model = text.strip()
        elif parent == "page":
            if tag == "title":
                self.page.title = text
            elif tag == "ns":
                self.page.namespace = text.strip()
            elif tag == "id":
                self.page.id = int(text[:20]) if text[:20].strip().isdecimal() else None
            elif tag == "revision":
                self.revision_ended = True
        elif tag == "namespace":
            if self.header is None:
                self._namespaces[self._namespace_key] = text
        elif tag == "siteinfo":
            self.close_header()
        elif tag == "page":
            # Old exports lack the element.
            if self.page.model == "wikitext" and self._is_redirect.match(self.page.text):
                self.page.redirect = True
            self.page_ended = True
            self._take(self.page)
            self.page = Page()  # what stands between two pages must not change the one before

    def _end_text(self, text: str) -> None:
        size = len(text)
        if self.page.too_large or size > self._page_bytes:
            text, self.page.too_large = "", True
        elif 4 * size > self._page_bytes:  # the bytes of few texts have to be counted
            self.page.too_large = len(text.encode()) > self._page_bytes
        self.page.text = "" if self.page.too_large else text
        if self._parser is not None:
            self._parser.CharacterDataHandler = self._text.append

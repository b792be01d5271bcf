"""A MediaWiki XML dump to pages, streaming and past damage: the siteinfo first, then one page after another."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from expanda.redirects import redirect_pattern
from expanda.streams import Part, read_parts
from expanda.tally import loss
from expanda.utils import UserError
from expanda.xmltext import Mender

REASONS = ("namespace", "redirect", "model", "deleted", "quarantined", "empty")
# What an honest dump never comes near. Beyond them lies memory that has no end.
_HEAD_BYTES = _TAG_BYTES = 1 << 20
_LEAST_LIMIT = 1 << 22
_MOST_NAMES = 4096
_MOST_DEPTH = 64
_MOST_STOPS = 10_000
_MOST_FRUITLESS = 100  # broken pages without a whole one between them; then the rest of the block is given up
_TAIL_BYTES = 64  # of what was parsed, kept so that a tag which two blocks share is found again
_SLICE_BYTES = 1 << 16  # copies of so few stay in the processor's cache
_FRAME = b"<mediawiki>\n"
_NEXT = re.compile(rb"<page[\s>]|<!DOCTYPE|<!ENTITY")
_DECLARES = re.compile(rb".{0,10}<!(?:DOCTYPE|ENTITY)", re.DOTALL)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)""")


class _DamageError(Exception):
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


def read_header(source: Path) -> Header:
    """Read no more of a dump than its head; where that is damaged, nothing is known.

    Raises:
        UserError: the content is no XML, or no MediaWiki dump.
    """
    dump = Dump(source, read_parts(source))
    for _ in dump.feed():
        if dump.header is not None:
            break
    return dump.header or Header()


class Dump:
    """Read a dump, or a part of one: iterate `pages()`, or `items()` to learn about damage too.

    Args:
        source: the path, for messages.
        parts: the file's content, as parts or plainly as bytes.
        header: when it begins between two pages, what the dump's head said; else None.
        start: the byte of the file where plain bytes begin.
        ends_early: it ends between two pages, not at the dump's end.
        strict: XML that is not whole is an error. Damage in packed streams never is.
        page_bytes: the text of a page that is larger is not kept, and four times as much without an end is damage.
    """

    def __init__(
        self,
        source: Path,
        parts: Iterable[Part] | Iterable[bytes],
        *,
        header: Header | None = None,
        start: int = 0,
        ends_early: bool = False,
        strict: bool = False,
        page_bytes: int = 1 << 24,
    ) -> None:
        self.source, self.header = source, header
        self._parts, self._ends_early, self._strict, self._page_bytes = parts, ends_early, strict, page_bytes
        self._language, self._encoding, self._namespaces = "", "utf-8", dict[int, str]()
        self._is_redirect = redirect_pattern(header.language if header else "")
        self._ready: deque[Page | dict[str, Any]] = deque()
        self._page, self._namespace_key = Page(), 0
        self._path: list[str] = []
        self._text: list[str] = []
        self._mender: Mender | None = Mender()
        self._parser: expat.XMLParserType | None = None  # None: looking for the next page
        self._open_loss: tuple[int, str, Page | None] | None = (
            None  # start, reason, page; ends with the next whole page
        )
        self._stops = self._fruitless = 0  # how often we looked for the next page; and since one was whole
        self._tail = b""
        self._fed = self._events = 0  # bytes that this parser was given; what it found
        self._progress = (0, 0)
        self._without_page = self._without_event = 0  # bytes since a page or a revision, or anything at all, was seen
        self._page_ended = self._revision_ended = False  # in this block
        self._good = self._at = start  # bytes of the file: up to here all pages are whole; here we are
        if header is not None:
            self._begin(_FRAME)

    def pages(self) -> Iterator[Page]:
        """Yield the pages in the dump's order."""
        return (item for item in self.items() if isinstance(item, Page))

    def items(self) -> Iterator[Page | dict[str, Any]]:
        """Yield the pages in the dump's order, and between them records for a `Report`: what was lost or replaced.

        Raises:
            UserError: the content is no XML, no MediaWiki dump, or declares entities; or it is not whole, and strict.
        """
        for _ in self.feed():
            while self._ready:
                yield self._ready.popleft()
        if self._mender and self._mender.replaced:
            yield {"replaced": dict(self._mender.replaced)}

    def feed(self) -> Iterator[None]:
        """Parse one part after another, and yield after each."""
        begun = self.header is not None
        for given in self._parts:
            part = given if isinstance(given, Part) else Part(self._at, self._at + len(given), given)
            self._at = part.end
            if part.damage:
                self._stop(part.start, part.damage)
                self._close_loss(part.end)
                self._good, begun = part.end, True
            else:
                if not begun:
                    self._check_beginning(part.data)
                    self._begin(b"")
                    begun = True
                for at in range(0, len(part.data), _SLICE_BYTES):
                    data = part.data[at : at + _SLICE_BYTES]
                    self._read(self._mender.mend(data) if self._mender else data, part)
            yield
        if not begun:
            raise UserError(f"{self.source}: the file is empty; get the dump again")
        self._finish()
        yield

    def _check_beginning(self, data: bytes) -> None:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self._encoding = "utf-16"
        elif data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"<":
            raise UserError(
                f"{self.source}: its content is neither bz2, gzip or xz nor XML (nor zst); "
                "expanda.ext.wikipedia reads a MediaWiki XML dump (for plain text use --expanda.ext.text)"
            )
        elif declared := _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf")):
            self._encoding = declared[1].decode("ascii", "replace").lower()
        if self._encoding != "utf-8":
            self._mender = None

    def _begin(self, frame: bytes) -> None:
        """Begin a document; `frame` stands for what it lacks in front."""
        self._path, self._fed, self._tail = [], 0, b""
        self._text.clear()
        self._without_page = self._without_event = 0
        known = self._encoding not in ("utf-8", "utf-16")
        parser = self._parser = expat.ParserCreate(self._encoding if known else None)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        if frame:
            parser.Parse(frame, False)
            self._fed += len(frame)

    def _read(self, data: bytes, part: Part) -> None:
        while data:
            if self._parser is None:
                data = self._tail + data
                found = _NEXT.search(data)
                if found is None:
                    self._tail = data[-_TAIL_BYTES:]
                    return
                if found[0].startswith(b"<!"):
                    self._refuse_doctype()
                data = data[found.start() :]
                self._begin(_FRAME)
            data = self._parse(data, part)

    def _parse(self, data: bytes, part: Part) -> bytes:
        """Parse a block; return what is left of it where the XML breaks."""
        assert self._parser is not None
        try:
            self._parser.Parse(data, False)
            if limit := self._limit(len(data)):
                raise _DamageError(limit, self._fed + len(data))
        except expat.ExpatError as error:
            what, at = expat.ErrorString(error.code), self._parser.ErrorByteIndex
        except _DamageError as error:
            what, at = str(error), error.at
        else:
            self._fed += len(data)
            self._tail = (self._tail + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            return b""
        finally:
            if self._page_ended:
                self._good, self._page_ended = part.start, False
        left = self._tail + data
        at = min(max(at - self._fed + len(self._tail), not self._tail), len(left))
        if _DECLARES.match(left[max(0, at - 10) : at + 10]):
            self._refuse_doctype()
        self._stop_at_xml(what)
        self._fruitless += 1
        return left[at:] if self._fruitless <= _MOST_FRUITLESS else b""

    def _limit(self, size: int) -> str:
        """Name what grows without an end, or nothing; called after every block, so that it costs nothing."""
        assert self._parser is not None
        self._without_page = 0 if self._page_ended or self._revision_ended else self._without_page + size
        self._revision_ended = False
        progress = self._events, len(self._text)
        self._without_event = self._without_event + size if progress == self._progress else 0
        self._progress = progress
        if self._without_event > _TAG_BYTES:
            return f"a tag or comment of more than {_TAG_BYTES:,} bytes"
        if len(self._parser.intern) > _MOST_NAMES:
            return f"more than {_MOST_NAMES:,} names of elements and attributes"
        if self.header is None and self._without_page > _HEAD_BYTES:
            return f"more than {_HEAD_BYTES:,} bytes before the first page"
        if self._without_page > max(4 * self._page_bytes, _LEAST_LIMIT):
            return "a page that does not end"
        if self._without_page > self._page_bytes and sum(map(len, self._text)) > self._page_bytes:
            self._page.too_large = True
            self._text.clear()
            self._parser.CharacterDataHandler = self._discard
        return ""

    def _break(self, what: str) -> None:
        # Now: expat itself goes on to the block's end, and only then gives back our error.
        raise _DamageError(what, self._parser.CurrentByteIndex if self._parser else 0)

    def _discard(self, _text: str) -> None:
        self._events += 1

    def _finish(self) -> None:
        if self._mender and (rest := self._mender.mend(b"", last=True)):
            self._read(rest, Part(self._good, self._at, rest))
        if self._parser is not None:
            try:
                self._parser.Parse(b"</mediawiki>" if self._ends_early else b"", True)
            except expat.ExpatError as error:
                if self._path != ["mediawiki"] or self._ends_early:
                    self._stop_at_xml(expat.ErrorString(error.code))
                else:
                    self._good = self._at
                    self._stop_at_xml("the dump ends before </mediawiki>; it is cut short")
        self._close_loss(self._at)

    def _stop_at_xml(self, what: str) -> None:
        """Stop because the XML is at fault.

        Raises:
            UserError: when strict.
        """
        reason = what if what.startswith("the dump") else f"the XML is damaged or cut short: {what}"
        if self._strict:
            raise UserError(f"{self.source}: {reason}; get the dump again")
        if self._open_loss is None:
            self._stop(self._good, reason)
        else:  # no whole page since the last time: it is one loss
            self._parser, self._tail, self._path = None, b"", []

    def _stop(self, start: int, reason: str) -> None:
        """Go over to looking for the next page; what is lost begins at the byte `start`."""
        self._close_loss(start)
        if self.header is None:
            reason += "; the head of the dump is lost with it, so the wiki's language or namespaces may be unknown"
            self._close_header()
        self._open_loss = start, reason, self._page if "page" in self._path else None
        self._parser, self._tail, self._path = None, b"", []
        self._stops += 1
        if self._stops > _MOST_STOPS:
            raise UserError(f"{self.source}: it is damaged in more than {_MOST_STOPS:,} places; get the dump again")

    def _close_loss(self, end: int) -> None:
        if self._open_loss is not None:
            start, reason, page = self._open_loss
            self._open_loss = None
            self._ready.append(
                loss(
                    self.source,
                    reason,
                    page=page.title if page else None,
                    id=page.id if page else None,
                    bytes=(start, max(start, end)),
                )
            )

    def _close_header(self) -> None:
        if self.header is None:
            self.header = Header(self._language, self._namespaces, self._encoding)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        depth = len(self._path)
        if depth == 0:
            if tag != "mediawiki":
                raise UserError(
                    f"{self.source}: this is XML but no MediaWiki dump: its root element is <{tag}>, not <mediawiki>"
                )
            if self.header is None:
                self._language = attributes.get("xml:lang", "")
                self._is_redirect = redirect_pattern(self._language)
        elif depth > _MOST_DEPTH:
            self._break("elements are nested too deeply")
        self._events += 1
        if tag == "page":
            if depth != 1:
                self._break("a page begins inside another element")
            self._close_header()
            self._page = Page()
        elif tag == "redirect":
            self._page.redirect = True
        elif tag == "namespace":
            key = attributes.get("key", "")
            self._namespace_key = int(key[:20]) if key.removeprefix("-").isdecimal() else 0
        elif tag == "revision":
            self._page.model, self._page.text, self._page.deleted = "wikitext", "", False
            self._page.too_large = False
        elif tag == "text" and "deleted" in attributes:
            self._page.deleted = True
        self._path.append(tag)
        self._text.clear()

    def _end(self, tag: str) -> None:
        self._path.pop()
        self._events += 1
        parent, text = (self._path[-1] if self._path else ""), "".join(self._text)
        self._text.clear()
        if parent == "revision":
            if tag == "text":
                self._end_text(text)
            elif tag == "model":
                self._page.model = text.strip()
        elif parent == "page":
            if tag == "title":
                self._page.title = text
            elif tag == "ns":
                self._page.namespace = text.strip()
            elif tag == "id":
                self._page.id = int(text[:20]) if text[:20].strip().isdecimal() else None
            elif tag == "revision":
                self._revision_ended = True
        elif tag == "namespace":
            if self.header is None:
                self._namespaces[self._namespace_key] = text
        elif tag == "siteinfo":
            self._close_header()
        elif tag == "page":
            # Old exports lack the element.
            if self._page.model == "wikitext" and self._is_redirect.match(self._page.text):
                self._page.redirect = True
            self._page_ended, self._fruitless = True, 0
            self._close_loss(self._at)
            self._ready.append(self._page)
            self._page = Page()  # what stands between two pages must not change the one before

    def _end_text(self, text: str) -> None:
        size = len(text)
        if self._page.too_large or size > self._page_bytes:
            text, self._page.too_large = "", True
        elif 4 * size > self._page_bytes:  # the bytes of few texts have to be counted
            self._page.too_large = len(text.encode()) > self._page_bytes
        self._page.text = "" if self._page.too_large else text
        if self._parser is not None:
            self._parser.CharacterDataHandler = self._text.append

    def _refuse_doctype(self, *_: object) -> None:
        raise UserError(
            f"{self.source}: the XML declares a document type or entities, which a MediaWiki dump never does; "
            "it is not read, because such declarations can be an attack"
        )

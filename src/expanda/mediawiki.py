"""A MediaWiki XML dump to pages, streaming and past damage: the siteinfo first, then one page after another."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from expanda.elements import DamageError, Elements, Header, Page
from expanda.streams import Part, read_parts
from expanda.tally import loss
from expanda.utils import UserError
from expanda.xmltext import Mender

# What an honest dump never comes near. Beyond them lies memory that has no end.
_HEAD_BYTES = _TAG_BYTES = 1 << 20
_LEAST_LIMIT = 1 << 22
_MOST_NAMES = 4096
_MOST_STOPS = 10_000
_MOST_FRUITLESS = 100  # broken pages without a whole one between them; then the rest of the block is given up
_TAIL_BYTES = 64  # of what was parsed, kept so that a tag which two blocks share is found again
_SLICE_BYTES = 1 << 16  # copies of so few stay in the processor's cache
_FRAME = b"<mediawiki>\n"
_NEXT = re.compile(rb"<page[\s>]|<!DOCTYPE|<!ENTITY")
_DECLARES = re.compile(rb".{0,10}<!(?:DOCTYPE|ENTITY)", re.DOTALL)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)""")


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
        self.source = source
        self._parts, self._ends_early, self._strict, self._page_bytes = parts, ends_early, strict, page_bytes
        self._elements = Elements(source, header=header, page_bytes=page_bytes, take=self._take)
        self._ready: deque[Page | dict[str, Any]] = deque()
        self._mender: Mender | None = Mender()
        self._parser: expat.XMLParserType | None = None  # None: looking for the next page
        self._open_loss: tuple[int, str, Page | None] | None = (
            None  # start, reason, page; ends with the next whole page
        )
        self._stops = self._fruitless = 0  # how often we looked for the next page; and since one was whole
        self._tail = b""
        self._fed = 0  # bytes that this parser was given
        self._progress = (0, 0)
        self._without_page = self._without_event = 0  # bytes since a page or a revision, or anything at all, was seen
        self._good = self._at = start  # bytes of the file: up to here all pages are whole; here we are
        if header is not None:
            self._begin(_FRAME)

    @property
    def header(self) -> Header | None:
        """What the head says, once it was read."""
        return self._elements.header

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
            self._elements.encoding = "utf-16"
        elif data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"<":
            raise UserError(
                f"{self.source}: its content is neither bz2, gzip or xz nor XML (nor zst); "
                "expanda.ext.wikipedia reads a MediaWiki XML dump (for plain text use --expanda.ext.text)"
            )
        elif declared := _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf")):
            self._elements.encoding = declared[1].decode("ascii", "replace").lower()
        if self._elements.encoding != "utf-8":
            self._mender = None

    def _begin(self, frame: bytes) -> None:
        """Begin a document; `frame` stands for what it lacks in front."""
        self._fed, self._tail = 0, b""
        self._without_page = self._without_event = 0
        known = self._elements.encoding not in ("utf-8", "utf-16")
        parser = self._parser = expat.ParserCreate(self._elements.encoding if known else None)
        self._elements.attend(parser)
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
                raise DamageError(limit, self._fed + len(data))
        except expat.ExpatError as error:
            what, at = expat.ErrorString(error.code), self._parser.ErrorByteIndex
        except DamageError as error:
            what, at = str(error), error.at
        else:
            self._fed += len(data)
            self._tail = (self._tail + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            return b""
        finally:
            if self._elements.page_ended:
                self._good, self._elements.page_ended = part.start, False
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
        elements = self._elements
        self._without_page = 0 if elements.page_ended or elements.revision_ended else self._without_page + size
        elements.revision_ended = False
        progress = elements.progress
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
        if self._without_page > self._page_bytes:
            elements.check_size()
        return ""

    def _finish(self) -> None:
        if self._mender and (rest := self._mender.mend(b"", last=True)):
            self._read(rest, Part(self._good, self._at, rest))
        if self._parser is not None:
            try:
                self._parser.Parse(b"</mediawiki>" if self._ends_early else b"", True)
            except expat.ExpatError as error:
                if self._elements.path != ["mediawiki"] or self._ends_early:
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
            self._look()

    def _stop(self, start: int, reason: str) -> None:
        """Go over to looking for the next page; what is lost begins at the byte `start`."""
        self._close_loss(start)
        if self.header is None:
            reason += "; the head of the dump is lost with it, so the wiki's language or namespaces may be unknown"
            self._elements.close_header()
        self._open_loss = start, reason, self._elements.page if "page" in self._elements.path else None
        self._look()
        self._stops += 1
        if self._stops > _MOST_STOPS:
            raise UserError(f"{self.source}: it is damaged in more than {_MOST_STOPS:,} places; get the dump again")

    def _look(self) -> None:
        """Begin to look for the next page."""
        self._parser, self._tail = None, b""
        self._elements.leave()

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

    def _take(self, page: Page) -> None:
        self._fruitless = 0
        self._close_loss(self._at)
        self._ready.append(page)

    def _refuse_doctype(self, *_: object) -> None:
        raise UserError(
            f"{self.source}: the XML declares a document type or entities, which a MediaWiki dump never does; "
            "it is not read, because such declarations can be an attack"
        )

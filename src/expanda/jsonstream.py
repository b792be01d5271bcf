"""One huge JSON array to its records, streaming: what is in memory is about one record."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from expanda.streams import Part
from expanda.utils import UserError
from expanda.xmltext import Decoder

_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_WORD = 16  # an error so near to the end may only mean that a word, a number or an escape goes on


class ArrayDamageError(UserError):
    """The array is damaged; from the byte `start` of the file on nothing of it was read."""

    def __init__(self, message: str, *, reason: str, start: int, records: int) -> None:
        super().__init__(message)
        self.reason, self.start, self.records = reason, start, records


def array_records(
    source: Path,
    parts: Iterable[Part] | Iterable[bytes],
    *,
    replaced: Counter[str] | None = None,
    record_characters: int = 1 << 26,
) -> Iterator[dict[str, Any]]:
    """Yield the objects of the JSON array that a file holds as UTF-8; bytes that are none become U+FFFD.

    Args:
        source: the path, for messages.
        parts: the file's content, as parts or plainly as bytes.
        replaced: counts what is no UTF-8.
        record_characters: a record that is longer is damage.

    Raises:
        ArrayDamageError: it is damaged, or was cut short.
        UserError: this is no array of objects.
    """
    text = _Text(source, parts, Counter() if replaced is None else replaced, record_characters)
    if text.take_mark() != "[":
        raise UserError(f"{source}: the content is no JSON array; a dump begins with [ and holds one object a page")
    mark = ","
    if text.next_mark() == "]":
        mark = text.take_mark()
    while mark == ",":
        yield text.take_object()
        mark = text.take_mark()
    if mark != "]":
        raise text.error(f"a comma or ] is missing, '{mark}' stands there" if mark else "the file was cut short")
    if text.next_mark():
        raise text.error("something follows the array")


class _Text:
    """The decoded text from where we stand on; grows as it must."""

    def __init__(
        self, source: Path, parts: Iterable[Part] | Iterable[bytes], replaced: Counter[str], record_characters: int
    ) -> None:
        self._source, self._most = source, record_characters
        self._parts: Iterator[Part | bytes] = iter(parts)
        self._decode = Decoder(replaced).decode
        self._scan = json.JSONDecoder(strict=False).raw_decode
        self._text, self._at = "", 0
        self._records = 0
        self._part = Part(0, 0, b"")  # the last one
        self._from = 0  # the byte of the file where the part begins that holds the first of our text

    def error(self, what: str) -> ArrayDamageError:
        part, reason = self._part, f"damaged JSON after {self._records:,} whole records: {what}"
        start = self._from
        if part.damage:
            start, reason = part.start, f"{part.damage}; {self._records:,} whole records before it were read"
        elif part.end - part.start == len(part.data):  # not packed, so what is left tells where we are
            start = max(start, part.end - len(self._text[self._at :].encode("utf-8", "surrogatepass")))
        message = f"{self._source}: {reason}; get the dump again"
        return ArrayDamageError(message, reason=reason, start=start, records=self._records)

    def next_mark(self) -> str:
        """Return the next character that is no space, without taking it; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it always matches
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow(1):
                return ""

    def take_mark(self) -> str:
        mark = self.next_mark()
        self._at += len(mark)
        return mark

    def take_object(self) -> dict[str, Any]:
        mark = self.next_mark()
        if mark != "{":
            raise self.error(f"an object must begin, '{mark}' stands there" if mark else "the file was cut short")
        while True:
            try:
                record, self._at = self._scan(self._text, self._at)
            except json.JSONDecodeError as error:
                goes_on = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD
                # Twice as much text for each new try: all tries together cost no more than the last one, twice.
                if goes_on and len(self._text) - self._at > self._most:
                    raise self.error(f"a record of more than {self._most:,} characters") from None
                if goes_on and self._grow(len(self._text) - self._at):
                    continue
                raise self.error("the file was cut short" if goes_on else error.msg) from None
            except RecursionError:
                raise self.error("the next record is nested too deeply") from None
            self._records += 1
            return dict(record)

    def _grow(self, characters: int) -> bool:
        """Read at least so many characters more, and forget what was taken; say whether there were any."""
        texts = [self._text[self._at :]]
        self._at = 0
        wanted, ended = characters, False
        while wanted > 0 and not ended:
            if not any(texts):
                self._from = self._part.end
            block = self._next_block()
            ended = not block
            texts.append(self._decode(block, last=ended))
            wanted -= len(texts[-1])
        self._text = "".join(texts)
        return wanted < characters

    def _next_block(self) -> bytes:
        """Return the next part's bytes; nothing at the end, and at damage, behind which no record begins surely."""
        if self._part.damage:
            return b""
        for given in self._parts:
            end = self._part.end
            self._part = given if isinstance(given, Part) else Part(end, end + len(given), given)
            return self._part.data
        return b""

"""One huge JSON array to its records, streaming: what is in memory is about one record."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from expanda.utils import UserError

_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_WORD = 16  # an error so near to the end may only mean that a word, a number or an escape goes on


def array_records(source: Path, blocks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the objects of the JSON array that `blocks` hold as UTF-8.

    Args:
        source: the path, for messages.

    Raises:
        UserError: this is no array of objects, it is damaged, or it was cut short.
    """
    text = _Text(source, blocks)
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

    def __init__(self, source: Path, blocks: Iterable[bytes]) -> None:
        self._source, self._blocks = source, iter(blocks)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder(strict=False).raw_decode
        self._text, self._at = "", 0
        self._records = 0

    def error(self, what: str) -> UserError:
        return UserError(
            f"{self._source}: damaged JSON after {self._records:,} whole records: {what}; get the dump again"
        )

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
                if goes_on and self._grow(len(self._text) - self._at):
                    continue
                raise self.error("the file was cut short" if goes_on else error.msg) from None
            except RecursionError:
                raise self.error("the next record is nested too deeply") from None
            self._records += 1
            return dict(record)

    def _grow(self, characters: int) -> bool:
        """Read at least so many characters more, and forget what was taken; say whether there were any."""
        parts = [self._text[self._at :]]
        self._at = 0
        wanted, ended = characters, False
        while wanted > 0 and not ended:
            block = next(self._blocks, b"")
            ended = not block
            try:
                parts.append(self._decode(block, ended))
            except UnicodeDecodeError as error:
                raise self.error(f"{error.reason}, so it is not UTF-8") from error
            wanted -= len(parts[-1])
        self._text = "".join(parts)
        return wanted < characters

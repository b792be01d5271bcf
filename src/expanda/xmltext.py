"""UTF-8 made fit for an XML parser: what XML forbids becomes U+FFFD and is counted, and nothing else changes."""

from __future__ import annotations

import re
from collections import Counter

REPLACEMENT = "\ufffd"
_BYTES = REPLACEMENT.encode()
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
_CONTROL = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_NONCHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
_REFERENCE = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_LONGEST_REFERENCE = 14
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Mender:
    """Mend one block after another; what a block's end cuts apart waits for the next one.

    `replaced` counts characters by kind: control character, surrogate, noncharacter, reference, invalid UTF-8.
    """

    def __init__(self) -> None:
        self.replaced: Counter[str] = Counter()
        self._waiting = b""

    def mend(self, block: bytes, *, last: bool = False) -> bytes:
        """Return the block as a parser may have it, but for what must wait."""
        block = self._waiting + block
        self._waiting = b""
        if not last and (end := _whole(block)) < len(block):
            block, self._waiting = block[:end], block[end:]
        # The tests of the usual case cost about a hundredth of what parsing does.
        if len(block.translate(None, _CONTROLS)) < len(block):
            block = self._replace("control character", _CONTROL, block)
        block = _REFERENCE.sub(self._reference, block)
        try:
            text = block.decode()
            if "\ufffe" not in text and "\uffff" not in text:  # far quicker than to look for their bytes
                return block
        except UnicodeDecodeError:
            block = self._replace("surrogate", _SURROGATE, block)
            there = block.count(_BYTES)
            block = block.decode(errors="replace").encode()
            self.replaced["invalid UTF-8"] += block.count(_BYTES) - there
            self.replaced += Counter()  # drops a zero
        return self._replace("noncharacter", _NONCHARACTER, block)

    def _replace(self, kind: str, pattern: re.Pattern[bytes], block: bytes) -> bytes:
        block, n = pattern.subn(_BYTES, block)
        if n:
            self.replaced[kind] += n
        return block

    def _reference(self, found: re.Match[bytes]) -> bytes:
        code = int(found[1], 16) if found[1] else int(found[2])
        if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)):
            return found[0]
        self.replaced["reference"] += 1
        return _BYTES


class Decoder:
    """UTF-8 to text, one block after another; bytes that are none become U+FFFD and are counted in `replaced`."""

    def __init__(self, replaced: Counter[str]) -> None:
        self._replaced = replaced
        self._waiting, self._begun = b"", False

    def decode(self, block: bytes, *, last: bool) -> str:
        """Return the block's text, but for a character that the next block must complete."""
        block = self._waiting + block
        end = len(block) if last else _whole_characters(block)
        block, self._waiting = block[:end], block[end:]
        if block and not self._begun:
            block, self._begun = block.removeprefix(b"\xef\xbb\xbf"), True
        try:
            return block.decode()
        except UnicodeDecodeError:
            text = block.decode(errors="replace")
            self._replaced["invalid UTF-8"] += text.count(REPLACEMENT) - block.count(_BYTES)
            return text


def mend_text(text: str, replaced: Counter[str]) -> str:
    """Return a text without what no XML and no text file can hold, and count what was replaced."""
    if not _FORBIDDEN.search(text):
        return text

    def replace(found: re.Match[str]) -> str:
        code = ord(found[0])
        replaced["control character" if code < 32 else "surrogate" if code < 0xE000 else "noncharacter"] += 1
        return REPLACEMENT

    return _FORBIDDEN.sub(replace, text)


def _whole(block: bytes) -> int:
    """Return up to where the block surely cuts no character and no numeric reference apart."""
    end = _whole_characters(block)
    reference = block.rfind(b"&", max(0, end - _LONGEST_REFERENCE), end)
    return end if reference < 0 or b";" in block[reference:end] else reference


def _whole_characters(block: bytes) -> int:
    end = len(block)
    for back in range(1, min(3, end) + 1):
        lead = block[end - back]
        if lead >= 0xC0:
            return end - back if back < (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) else end
        if lead < 0x80:
            return end
    return end

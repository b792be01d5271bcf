"""Make a larger dump from a small one: its pages many times, packed as Wikimedia packs its multistream dumps.

    python benchmarks/tile.py SOURCE TARGET --times 6

The first stream holds the siteinfo, each following one 100 pages, the last `</mediawiki>`. A tiled dump says the same
things again and again, so it flatters whatever remembers lines or words: say so beside a figure taken on one.
"""

from __future__ import annotations

import argparse
import bz2
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PAGES_PER_STREAM = 100
_ID_STEP = 10**9  # above every page id of a Wikipedia
_PAGE = re.compile(rb"[ \t]*<page>.*?</page>\s*?\n", re.DOTALL)
_TITLE = re.compile(rb"<title>(.*?)</title>")
_ID = re.compile(rb"<id>(\d+)</id>")


def tile(source: Path, target: Path, times: int, *, pages_per_stream: int = PAGES_PER_STREAM) -> int:
    """Write the pages of `source` `times` times, each copy but the first with new titles and page ids.

    Args:
        source: an XML dump, packed with bz2 or not; held in memory once.
        target: the multistream bz2 to write.

    Returns:
        The bytes of XML that `target` holds.

    Raises:
        ValueError: `source` holds no page, `</mediawiki>` is missing, or `times` is no positive number.
    """
    if times < 1:
        raise ValueError(f"--times {times}: at least one copy is needed")
    content = source.read_bytes()
    xml = bz2.decompress(content) if content.startswith(b"BZh") else content
    pages = _PAGE.findall(xml)
    if not pages or b"</mediawiki>" not in xml:
        raise ValueError(f"{source}: no complete MediaWiki dump: its pages or </mediawiki> are missing")
    head, tail = xml[: xml.index(pages[0])], xml[xml.rindex(b"</mediawiki>") :]
    copies = [_renamed(page, number) for number in range(times) for page in pages]
    size = 0
    with target.open("wb") as file:
        for stream in _streams(head, copies, tail, pages_per_stream):
            size += len(stream)
            file.write(bz2.compress(stream))
    return size


def _streams(head: bytes, pages: list[bytes], tail: bytes, pages_per_stream: int) -> Iterator[bytes]:
    yield head
    for start in range(0, len(pages), pages_per_stream):
        yield b"".join(pages[start : start + pages_per_stream])
    yield tail


def _renamed(page: bytes, number: int) -> bytes:
    if not number:
        return page
    page = _TITLE.sub(lambda found: b"<title>%b (copy %d)</title>" % (found[1], number), page, count=1)
    return _ID.sub(lambda found: b"<id>%d</id>" % (int(found[1]) + number * _ID_STEP), page, count=1)


def main() -> None:
    """Read the command line and tile."""
    parser = argparse.ArgumentParser(description="repeat the pages of a dump in a multistream bz2")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--times", type=int, default=6, help="copies of every page (default 6)")
    arguments = parser.parse_args()
    try:
        size = tile(arguments.source, arguments.target, arguments.times)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(f"{arguments.target}: {size / 1e6:.1f} MB of XML")


if __name__ == "__main__":
    main()

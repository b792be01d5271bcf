"""NamuWiki: its JSON dump, packed or not, to documents; one page is one document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from expanda.articles import QUARANTINED, Article, Item, Recipe, chunks, extract_articles
from expanda.inspectable import Inspectable, Span
from expanda.journal import JOURNAL, Journal
from expanda.jsonstream import ArrayDamageError, array_records
from expanda.namumark import NamuCleaner
from expanda.streams import read_parts
from expanda.tally import Report, loss
from expanda.utils import Progress, UserError
from expanda.wikioptions import ARGUMENTS, executor_of, rules_of
from expanda.xmltext import mend_text

_MAIN_NAMESPACES = ("0", "문서")  # dumps have numbers, as numbers or as text; newer ones the name
_REDIRECT = re.compile(r"\s*#(?:redirect|넘겨주기)\s+\S", re.IGNORECASE)


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the articles of a dump as documents; return what was read, kept and dropped.

    Raises:
        UserError: the file is no NamuWiki dump, or nothing of it can be read.
    """
    source, report = Path(input_file), Report()
    recipe = _recipe(source, args)
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Journal(Path(temporary) / JOURNAL, Path(output_file)) as output,
    ):
        tasks = chunks(_items(source, progress, args["page-bytes"]), recipe, Path(temporary))
        for _ in extract_articles(tasks, output, report, executor=executor_of(args)):
            pass
    if not report.pages.read:
        raise UserError(f"{source}: this dump holds no page; was it exported completely?")
    return report.as_record()


def inspect(input_file: str, args: dict[str, Any]) -> Inspectable:
    """Let `expanda inspect` show the pages of a dump."""
    source = Path(input_file)

    def read(_: Span | None) -> Iterator[Article]:
        with Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress:
            items = _items(source, progress, args["page-bytes"])
            yield from (item for item in items if isinstance(item, Article))

    return Inspectable(_recipe(source, args), read)


def _recipe(source: Path, args: dict[str, Any]) -> Recipe:
    return Recipe(NamuCleaner, rules_of(args, args["language"]), str(source), args["page-seconds"])


def _items(source: Path, progress: Progress, page_bytes: int) -> Iterator[Item]:
    """Yield the articles up to the end or the first damage, behind which no page begins surely."""
    replaced: Counter[str] = Counter()
    parts = read_parts(source, advance=progress.advance)
    try:
        for record in array_records(source, parts, replaced=replaced, record_characters=2 * page_bytes + (1 << 20)):
            article = _article(record)
            title, markup = mend_text(article.title, replaced), mend_text(article.markup, replaced)
            if article.dropped is None and 4 * len(markup) > page_bytes and len(markup.encode()) > page_bytes:
                yield Article(title, "", QUARANTINED, note=f"it is larger than page-bytes, {page_bytes:,}")
            else:
                yield article._replace(title=title, markup=markup)
    except ArrayDamageError as error:
        if not error.records:
            raise
        yield loss(source, error.reason, bytes=(error.start, source.stat().st_size))
    if replaced:
        yield {"replaced": dict(replaced)}


def _article(record: dict[str, Any]) -> Article:
    text = record.get("text")
    markup = text if isinstance(text, str) else ""
    dropped = None
    if str(record.get("namespace", "0")) not in _MAIN_NAMESPACES:
        dropped = "namespace"
    elif _REDIRECT.match(markup):
        dropped = "redirect"
    elif not markup.strip():
        dropped = "empty"
    return Article(str(record.get("title", "")), markup, dropped)


__extension__ = {
    "name": "NamuWiki dump",
    "version": "1.0",
    "description": "articles of NamuWiki's JSON dump (plain, bz2, gzip, xz or zst), cleaned and cut into sequences",
    "author": "the toolkit",
    "output": "documents",
    "resumes": True,
    "main": extract,
    "arguments": {**ARGUMENTS, "language": {"type": str, "default": "ko", "help": "language of the text"}},
}

"""NamuWiki: its JSON dump, packed or not, to documents; one page is one document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from expanda.articles import ARGUMENTS, Article, Recipe, chunks, extract_articles, rules_of
from expanda.jsonstream import array_records
from expanda.namumark import NamuCleaner
from expanda.streams import read_source
from expanda.tally import Report
from expanda.utils import Progress, UserError

_MAIN_NAMESPACES = ("0", "문서")  # dumps have numbers, as numbers or as text; newer ones the name
_REDIRECT = re.compile(r"\s*#(?:redirect|넘겨주기)\s+\S", re.IGNORECASE)


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the articles of a dump as documents; return what was read, kept and dropped.

    Raises:
        UserError: the file is no complete NamuWiki dump, or a page could not be cleaned.
    """
    source, report = Path(input_file), Report()
    recipe = Recipe(NamuCleaner, rules_of(args, args["language"]))
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Path(output_file).open("wb") as output,
    ):
        records = array_records(source, read_source(source, advance=progress.advance))
        tasks = chunks(map(_article, records), recipe, Path(temporary))
        for _ in extract_articles(tasks, output, report, workers=args["num-cores"]):
            pass
    if not report.pages.read:
        raise UserError(f"{source}: this dump holds no page; was it exported completely?")
    return report.as_record()


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
    "main": extract,
    "arguments": {**ARGUMENTS, "language": {"type": str, "default": "ko", "help": "language of the text"}},
}

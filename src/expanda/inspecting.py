"""`expanda inspect`: pages of the configuration's sources beside what becomes of them, and why."""

from __future__ import annotations

import heapq
import importlib
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.aligning import Piece, pieces
from expanda.articles import Article, Recipe
from expanda.config import Source, load_config
from expanda.inspectable import Inspectable
from expanda.marks import HOLE
from expanda.sequences import sequences_of
from expanda.tally import Report
from expanda.utils import UserError, did_you_mean

_DIM, _GREEN, _BOLD, _PLAIN = "\x1b[2m", "\x1b[32m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True)
class Request:
    """What the user asks for; see `expanda inspect --help`."""

    config: Path = Path("expanda.cfg")
    page: str | None = None
    count: int = 1
    seed: int = 0
    source: Path | None = None


def inspect(request: Request) -> None:
    """Print the pages that are asked for.

    Raises:
        UserError: there is no such page or source, or a source's extension does not show its pages.
    """
    color = sys.stdout.isatty()
    shown = 0
    for source in _sources(request):
        inspectable = _inspectable(source)
        if request.page is not None:
            found: Iterable[Article] = _named(inspectable, request.page)
        else:
            found = random_articles(inspectable, request.count, random.Random(f"{request.seed} {source.path}"))
        for article in found:
            print("\n".join(describe(article, inspectable.recipe, source.path, color=color)), flush=True)
            shown += 1
    if not shown:
        what = f"no page is called '{request.page}'" if request.page is not None else "there is no page to show"
        raise UserError(f"{what} in {', '.join(str(source.path) for source in _sources(request))}; titles are exact")


def _sources(request: Request) -> list[Source]:
    sources = list(load_config(request.config).sources)
    if request.source is None:
        shows = [source for source in sources if _function(source.extension.module) is not None]
        if not shows:
            _inspectable(sources[0])  # which says why not
        return shows
    wanted = [source for source in sources if source.path.resolve() == request.source.resolve()]
    if not wanted:
        near = did_you_mean(str(request.source), [str(source.path) for source in sources])
        raise UserError(f"--source {request.source}: {request.config} names no such input file{near}")
    return wanted


def _inspectable(source: Source) -> Inspectable:
    module = source.extension.module
    if (function := _function(module)) is None:
        raise UserError(
            f"{source.path}: {module} does not show its pages (it has no function inspect); look at corpus.raw.txt, or "
            "name another --source"
        )
    return function(str(source.path), dict(source.arguments))


def _function(module: str) -> Callable[[str, dict[str, Any]], Inspectable] | None:
    return getattr(importlib.import_module(module), "inspect", None)


def _named(inspectable: Inspectable, title: str) -> Iterator[Article]:
    for article in inspectable.read(None):
        if article.title == title:
            yield article
            return


def random_articles(inspectable: Inspectable, count: int, chooser: random.Random) -> list[Article]:
    """Return `count` pages that cleaning sees, or as many as there are; at most that many are in memory.

    Where a source can be read in spans, only as many spans are read as pages are wanted: a page of a span with few
    pages is then likelier than others. Otherwise every page is equally likely, and all are read.
    """
    spans = _sample(inspectable.spans(), count, chooser)
    try:
        found = [article for span in spans for article in _sample(_wanted(inspectable.read(span)), 1, chooser)]
    except UserError:  # a span that cannot stand alone
        found = []
    return found if len(found) == count else _sample(_wanted(inspectable.read(None)), count, chooser)


def _wanted(articles: Iterable[Article]) -> Iterator[Article]:
    return (article for article in articles if article.dropped is None)


def _sample(items: Iterable[Any], count: int, chooser: random.Random) -> list[Any]:
    """Return `count` of the items, in their order, each equally likely: those that draw the largest numbers."""
    drawn = heapq.nlargest(count, ((chooser.random(), number, item) for number, item in enumerate(items)))
    return [item for _, _, item in sorted(drawn, key=lambda draw: draw[1])]


class _Listing(Report):
    """A report that also keeps the sequences themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[tuple[str, str | None]] = []

    def read_sequence(self, text: str, reason: str | None) -> None:
        """Count and keep a sequence and why it is dropped."""
        super().read_sequence(text, reason)
        self.listed.append((text, reason))


def describe(article: Article, recipe: Recipe, source: Path, *, color: bool) -> Iterator[str]:
    """Yield the lines about one page: its source with what was taken out, its sequences, what could not be read."""

    def title(text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if color else text

    yield title(f"=== {_safe(article.title)} ({source}) ===")
    if article.dropped is not None:
        yield f"dropped before cleaning: {article.dropped}"
        return
    cleaner, listing = recipe.new_cleaner(), _Listing()
    text = cleaner.clean(article.markup)
    sequences_of(text, recipe.rules, listing)
    legend = "taken out is dim, put in is green" if color else "[-taken out-] {+put in+}"
    yield title(f"--- source: {len(article.markup):,} characters, {legend}")
    yield _marked(pieces(article.markup, text.replace(HOLE, "")), color=color)
    kept, read = listing.sequences.kept, listing.sequences.read
    yield title(f"--- sequences: {kept:,} of {read:,} kept")
    for sequence, reason in listing.listed:
        yield _sequence(sequence, reason, color=color)
    if not text:
        yield "no text: cleaning leaves nothing"
    yield from _counts(title("--- templates that nobody could read"), cleaner.unrendered)
    yield from _counts(title("--- opened and never closed"), cleaner.unclosed)
    yield ""


def _sequence(sequence: str, reason: str | None, *, color: bool) -> str:
    shown = _safe(sequence.replace(HOLE, "[…]").replace("\n", " ⏎ "))
    line = f"{'kept' if reason is None else 'dropped: ' + reason:24}{shown}"
    return f"{_DIM}{line}{_PLAIN}" if color and reason is not None else line


def _counts(title: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        yield title
        yield from (
            f"{n:8,}  {_safe(name)}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )


def _marked(found: Iterable[Piece], *, color: bool) -> str:
    marks = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
    if color:
        marks = {"=": ("", ""), "-": (_DIM, _PLAIN), "+": (_GREEN, _PLAIN)}
    # White space alone needs no mark: nobody would see what it says.
    return "".join(
        _safe(text) if not text.strip() else f"{marks[kind][0]}{_safe(text)}{marks[kind][1]}" for kind, text in found
    )


def _safe(text: str) -> str:
    """Show control characters, with which a page could paint over our words on a terminal, as their code."""
    return "".join(c if c.isprintable() or c in "\n\t\u3000\u00a0" else f"\\u{ord(c):04X}" for c in text)

"""Wikipedia and every other MediaWiki: an XML dump, packed or not, to documents; one page is one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from expanda.articles import QUARANTINED, Article, Item, Recipe, chunks, extract_articles
from expanda.elements import Header, Page
from expanda.inspectable import Inspectable, Span
from expanda.journal import JOURNAL, Journal
from expanda.mediawiki import Dump, read_header
from expanda.options import boolean, existing_file, one_of
from expanda.streams import cut_source, read_parts
from expanda.tally import Report
from expanda.utils import Progress, UserError
from expanda.wikioptions import ARGUMENTS, executor_of, rules_of
from expanda.wikitext import Cleaner


class PieceError(Exception):
    """A piece of a dump does not consist of whole pages: it was cut in a wrong place, or its XML is damaged."""


@dataclass(frozen=True)
class PieceTask:
    """The articles between two bytes of a dump, which the worker reads for itself."""

    stem: Path
    recipe: Recipe
    source: Path
    header: Header
    start: int
    end: int
    is_last: bool
    page_bytes: int
    skip: Mapping[int, str] = field(default_factory=dict)

    def size(self) -> int:
        """Return the bytes of the piece."""
        return self.end - self.start

    def articles(self) -> Iterator[Item]:
        """Yield the articles of the piece, and what is lost of it where packed streams are damaged.

        Raises:
            PieceError: the bytes are not whole pages but for such damage; who reads on without cuts will see why.
        """
        dump = Dump(
            self.source,
            read_parts(self.source, start=self.start, end=self.end),
            header=self.header if self.start else None,
            start=self.start,
            ends_early=not self.is_last,
            strict=True,
            page_bytes=self.page_bytes,
        )
        try:
            yield from _items(dump, self.page_bytes)
        except UserError as error:
            raise PieceError(str(error)) from error


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the articles of a dump as documents; return what was read, kept and dropped.

    Raises:
        UserError: the file is no MediaWiki dump, or nothing of it can be read.
    """
    source, report, executor = Path(input_file), Report(), executor_of(args)
    header = read_header(source)
    recipe = _recipe(source, header, args)
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Journal(Path(temporary) / JOURNAL, Path(output_file)) as output,
    ):
        pieces = _pieces(source, header, recipe, Path(temporary), args["page-bytes"])
        start = _extract_pieces(pieces, output, report, executor, progress)
        if start < source.stat().st_size:
            parts = read_parts(source, start=start, advance=progress.advance)
            before = header if start else None
            dump = Dump(source, parts, header=before, start=start, page_bytes=args["page-bytes"])
            tasks = chunks(_items(dump, args["page-bytes"]), recipe, Path(temporary))
            for _ in extract_articles(tasks, output, report, executor=executor):
                pass
    if not report.pages.read:
        raise UserError(f"{source}: {_why_nothing(report)}")
    return report.as_record()


def inspect(input_file: str, args: dict[str, Any]) -> Inspectable:
    """Let `expanda inspect` show the pages of a dump."""
    source, page_bytes = Path(input_file), args["page-bytes"]
    header, size = read_header(source), source.stat().st_size

    def read(span: Span | None) -> Iterator[Article]:
        start, end = span or (0, size)
        dump = Dump(
            source,
            read_parts(source, start=start, end=end),
            header=header if start else None,
            start=start,
            ends_early=end < size,
            strict=span is not None,
            page_bytes=page_bytes,
        )
        return (item for item in _items(dump, page_bytes) if isinstance(item, Article))

    return Inspectable(_recipe(source, header, args), read, partial(cut_source, source))


def _recipe(source: Path, header: Header, args: dict[str, Any]) -> Recipe:
    language = args["language"] or header.language
    cleaning = {key: args[key] for key in ("cleaner", "math", "templates")}
    new_cleaner = partial(_new_cleaner, header.namespaces, language, **cleaning)
    return Recipe(new_cleaner, rules_of(args, language), str(source), args["page-seconds"])


def _why_nothing(report: Report) -> str:
    if report.lost:
        return f"no page of this dump can be read: {report.lost[0]['reason']}; get it again"
    return "this dump holds no page; was it exported completely?"


def _new_cleaner(
    namespaces: Mapping[int, str], language: str, *, cleaner: str, math: str, templates: Path | None
) -> Cleaner:
    kind: type[Cleaner] = Cleaner
    if cleaner == "mwparserfromhell":
        from expanda.parsing import ParsingCleaner  # loads a parser that others do not need

        kind = ParsingCleaner
    return kind(namespaces, language, keep_math=math == "source", templates=templates)


def _items(dump: Dump, page_bytes: int) -> Iterator[Item]:
    for item in dump.items():
        if isinstance(item, Page):
            dropped = item.drop_reason()
            note = f"it is larger than page-bytes, {page_bytes:,}" if dropped == QUARANTINED else ""
            yield Article(item.title, item.text, dropped, item.id, note)
        else:
            yield item


def _pieces(source: Path, header: Header, recipe: Recipe, temporary: Path, page_bytes: int) -> Iterator[PieceTask]:
    """Yield tasks that together read the whole dump, or none when it cannot be cut."""
    size = source.stat().st_size
    for number, (start, end) in enumerate(cut_source(source)):
        if (start, end) == (0, size) or header.encoding != "utf-8":
            return
        stem = temporary / f"piece-{number:06d}"
        yield PieceTask(stem, recipe, source, header, start, end, end == size, page_bytes)


def _extract_pieces(
    pieces: Iterator[PieceTask], output: Journal, report: Report, executor: str, progress: Progress
) -> int:
    """Do the pieces in order, up to the first that cannot stand alone; return the byte where what is left begins.

    Every piece before that byte began and ended between two packed streams and between two pages. So reading on from
    there loses nothing and doubles nothing, copes with pages that go on from stream to stream, and names what is
    broken.
    """
    done = 0
    try:
        for piece in extract_articles(pieces, output, report, executor=executor, weight=PieceTask.size):
            done = piece.end
            progress.advance(piece.size())
    except PieceError:
        pass
    return done


__extension__ = {
    "name": "MediaWiki dump",
    "version": "1.0",
    "description": "articles of a MediaWiki XML dump (plain, bz2, gzip, xz or zst), cleaned and cut into sequences",
    "author": "the toolkit",
    "output": "documents",
    "resumes": True,
    "main": extract,
    "arguments": {
        **ARGUMENTS,
        "language": {"type": str, "default": None, "help": "language of the text; default: what the dump says"},
        "keep-holes": {
            "type": boolean,
            "default": False,
            "help": "keep a sentence that lost the words of a template, its hole closed; false drops it",
        },
        "templates": {
            "type": existing_file,
            "default": None,
            "help": "a file that says how more templates read, written like src/expanda/templates.cfg",
        },
        "math": {
            "type": one_of("source", "drop"),
            "default": "source",
            "help": "what a formula becomes: its source, or a hole in its sentence",
        },
        "cleaner": {
            "type": one_of("expanda", "mwparserfromhell"),
            "default": "expanda",
            "help": "who reads the wikitext: ours, or mwparserfromhell, some ten times slower",
        },
    },
}

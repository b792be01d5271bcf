"""Wikipedia and every other MediaWiki: an XML dump, packed or not, to documents; one page is one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from expanda.articles import ARGUMENTS, Article, Recipe, chunks, extract_articles, rules_of
from expanda.mediawiki import Dump, Header, read_header
from expanda.options import boolean, existing_file, one_of
from expanda.streams import cut_source, read_source
from expanda.tally import Report
from expanda.utils import Progress, UserError
from expanda.wikitext import Cleaner


class PieceError(Exception):
    """A piece of a dump does not consist of whole pages: it was cut in a wrong place, or it is damaged."""


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

    def size(self) -> int:
        """Return the bytes of the piece."""
        return self.end - self.start

    def articles(self) -> Iterator[Article]:
        """Yield the articles of the piece.

        Raises:
            PieceError: the bytes are not whole packed streams that hold whole pages.
        """
        header = self.header if self.start else None
        blocks = read_source(self.source, start=self.start, end=self.end)
        try:
            yield from _articles(Dump(self.source, blocks, header=header, ends_early=not self.is_last))
        except UserError as error:
            raise PieceError(str(error)) from error


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the articles of a dump as documents; return what was read, kept and dropped.

    Raises:
        UserError: the file is no complete MediaWiki dump, or a page could not be cleaned.
    """
    source, report, workers = Path(input_file), Report(), args["num-cores"]
    header = read_header(source)
    language = args["language"] or header.language
    cleaning = {key: args[key] for key in ("cleaner", "math", "templates")}
    recipe = Recipe(partial(_new_cleaner, header.namespaces, language, **cleaning), rules_of(args, language))
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Path(output_file).open("wb") as output,
    ):
        pieces = _pieces(source, header, recipe, Path(temporary))
        start = _extract_pieces(pieces, output, report, workers, progress)
        if start < source.stat().st_size:
            blocks = read_source(source, start=start, advance=progress.advance)
            dump = Dump(source, blocks, header=header if start else None, start=start)
            for _ in extract_articles(
                chunks(_articles(dump), recipe, Path(temporary)), output, report, workers=workers
            ):
                pass
    if not report.pages.read:
        raise UserError(f"{source}: this dump holds no page; was it exported completely?")
    return report.as_record()


def _new_cleaner(
    namespaces: Mapping[int, str], language: str, *, cleaner: str, math: str, templates: Path | None
) -> Cleaner:
    kind: type[Cleaner] = Cleaner
    if cleaner == "mwparserfromhell":
        from expanda.parsing import ParsingCleaner  # loads a parser that others do not need

        kind = ParsingCleaner
    return kind(namespaces, language, keep_math=math == "source", templates=templates)


def _articles(dump: Dump) -> Iterator[Article]:
    return (Article(page.title, page.text, page.drop_reason()) for page in dump.pages())


def _pieces(source: Path, header: Header, recipe: Recipe, temporary: Path) -> Iterator[PieceTask]:
    """Yield tasks that together read the whole dump, or none when it cannot be cut."""
    size = source.stat().st_size
    for number, (start, end) in enumerate(cut_source(source)):
        if (start, end) == (0, size) or header.encoding != "utf-8":
            return
        yield PieceTask(temporary / f"piece-{number:06d}", recipe, source, header, start, end, end == size)


def _extract_pieces(
    pieces: Iterator[PieceTask], output: BinaryIO, report: Report, workers: int, progress: Progress
) -> int:
    """Do the pieces in order, up to the first that cannot stand alone; return the byte where what is left begins.

    Every piece before that byte began and ended between two packed streams and between two pages. So reading on from
    there loses nothing and doubles nothing, copes with pages that go on from stream to stream, and names what is
    broken.
    """
    done = 0
    try:
        for piece in extract_articles(pieces, output, report, workers=workers, weight=PieceTask.size):
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

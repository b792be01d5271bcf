"""Wikipedia and every other MediaWiki: an XML dump, packed or not, to documents; one page is one document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.executors import run_tasks
from expanda.files import read_source
from expanda.lines import documents_text
from expanda.mediawiki import Dump
from expanda.options import at_least, boolean, one_of
from expanda.sequences import SENTENCE_MAX_LENGTH, Rules, sequences_of
from expanda.tally import Report
from expanda.utils import Progress, UserError
from expanda.wikitext import clean

CHUNK_CHARACTERS = 1 << 22


@dataclass(frozen=True)
class CleanTask:
    """Files in and files out: `<stem>.pages` becomes `<stem>.documents` and `<stem>.counts`."""

    stem: Path
    namespaces: dict[int, str]
    language: str
    rules: Rules

    def file(self, kind: str) -> Path:
        """Return the path of the task's pages, documents or counts."""
        return self.stem.with_suffix(f".{kind}")


def extract(input_file: str, output_file: str, temporary: str, args: dict[str, Any]) -> dict[str, Any]:
    """Write the articles of a dump as documents; return what was read, kept and dropped.

    Raises:
        UserError: the file is no complete MediaWiki dump, or a page could not be cleaned.
    """
    source, report = Path(input_file), Report()
    with (
        Progress(f"reading {source}", source.stat().st_size, unit="bytes") as progress,
        Path(output_file).open("wb") as output,
    ):
        dump = Dump(source, read_source(source, advance=progress.advance))
        tasks = _tasks(dump, Path(temporary), args, report)
        for task in run_tasks(clean_pages, tasks, workers=args["num-cores"]):
            with task.file("documents").open("rb") as documents:
                shutil.copyfileobj(documents, output)
            report.add_record(json.loads(task.file("counts").read_text(encoding="utf-8")))
            for kind in ("pages", "documents", "counts"):
                task.file(kind).unlink()
    return report.as_record()


def clean_pages(task: CleanTask) -> CleanTask:
    """Clean and cut the pages of one chunk; runs in a worker process.

    Raises:
        UserError: naming the page that could not be cleaned.
    """
    report = Report()
    with (
        task.file("pages").open(encoding="utf-8") as pages,
        task.file("documents").open("w", encoding="utf-8", newline="\n") as output,
    ):
        for line in pages:
            title, markup = json.loads(line)
            try:
                text = clean(markup, task.namespaces, task.language)
                document = sequences_of(text, task.rules, report)
            except Exception as error:
                raise UserError(f"the page '{title}' cannot be cleaned: {type(error).__name__}: {error}") from error
            report.pages.settle(None if text else "no text")
            output.writelines(documents_text([document]))
    task.file("counts").write_text(json.dumps(report.as_record()), encoding="utf-8")
    return task


def _tasks(dump: Dump, temporary: Path, args: dict[str, Any], report: Report) -> Iterator[CleanTask]:
    """Count and drop what is no article, gather the rest into chunk files."""
    chunk: list[str] = []
    size = number = 0

    def flush() -> CleanTask:
        language = args["language"] or dump.language
        stem = temporary / f"chunk-{number:06d}"
        task = CleanTask(stem, dump.namespaces, language, _rules(args, language))
        task.file("pages").write_text("".join(chunk), encoding="utf-8")
        return task

    for page in dump.pages():
        report.pages.read += 1
        if reason := page.drop_reason():
            report.pages.settle(reason)
            continue
        chunk.append(json.dumps([page.title, page.text]) + "\n")
        size += len(page.text)
        if size >= CHUNK_CHARACTERS:
            yield flush()
            chunk, size, number = [], 0, number + 1
    if chunk:
        yield flush()


def _rules(args: dict[str, Any], language: str) -> Rules:
    unit = args["unit"] or ("sentence" if args["split-sent"] else "filled")
    longest = args["max-length"] or (SENTENCE_MAX_LENGTH if unit in ("sentence", "filled") else None)
    return Rules(unit, args["min-length"], longest, language)


__extension__ = {
    "name": "MediaWiki dump",
    "version": "1.0",
    "description": "articles of a MediaWiki XML dump (plain, bz2, gzip or xz), cleaned and cut into sequences",
    "author": "the toolkit",
    "output": "documents",
    "main": extract,
    "arguments": {
        "num-cores": {"type": at_least(1), "default": 1, "help": "worker processes; the output never depends on it"},
        "min-length": {"type": at_least(0), "default": 50, "help": "drop sequences of at most so many characters"},
        "max-length": {
            "type": at_least(1),
            "default": None,
            "help": f"drop sequences of at least so many characters; default {SENTENCE_MAX_LENGTH} for sentences only",
        },
        "split-sent": {"type": boolean, "default": True, "help": "false: join sentences as long as max-length allows"},
        "unit": {
            "type": one_of("sentence", "paragraph", "article"),
            "default": None,
            "help": "what a sequence is; wins over split-sent; default sentence",
        },
        "language": {"type": str, "default": None, "help": "language of the text; default: what the dump says"},
    },
}

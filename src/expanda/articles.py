"""The pages of a wiki to documents, in tasks that worker processes can do: what the wikis' extensions share."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TypeVar

from expanda.executors import run_tasks
from expanda.lines import documents_text
from expanda.options import at_least, boolean, one_of
from expanda.sentences import describe_language
from expanda.sequences import SENTENCE_MAX_LENGTH, Rules, sequences_of
from expanda.splitters import load_splitter
from expanda.tally import Report
from expanda.utils import UserError, say

CHUNK_CHARACTERS = 1 << 20


class Article(NamedTuple):
    """A page as its source has it; `dropped` is the reason why it is not wanted, or None."""

    title: str
    markup: str
    dropped: str | None


class PageCleaner(Protocol):
    """What cleans pages, and counts templates that it cannot read and constructs that nothing closes."""

    unrendered: Counter[str]
    unclosed: Counter[str]

    def clean(self, markup: str) -> str:
        """Return the text of one page."""
        ...


@dataclass(frozen=True)
class Recipe:
    """What happens to each page. `new_cleaner` goes to other processes: a function of a module, or a partial of one."""

    new_cleaner: Callable[[], PageCleaner]
    rules: Rules


class Task(Protocol):
    """Files in and files out: articles from somewhere become `<stem>.documents` and `<stem>.counts`."""

    @property
    def stem(self) -> Path: ...

    @property
    def recipe(self) -> Recipe: ...

    def articles(self) -> Iterator[Article]:
        """Yield the articles; runs in the worker."""
        ...


AnyTask = TypeVar("AnyTask", bound=Task)


@dataclass(frozen=True)
class ChunkTask:
    """Articles that lie in `<stem>.pages`."""

    stem: Path
    recipe: Recipe

    def articles(self) -> Iterator[Article]:
        """Yield the articles of the file."""
        with self.stem.with_suffix(".pages").open(encoding="utf-8") as pages:
            for line in pages:
                yield Article(*json.loads(line))


def chunks(articles: Iterable[Article], recipe: Recipe, temporary: Path) -> Iterator[ChunkTask]:
    """Write articles, as they come, into files of about `CHUNK_CHARACTERS` each, and yield a task for each file."""
    chunk: list[str] = []
    size = number = 0

    def flush() -> ChunkTask:
        task = ChunkTask(temporary / f"chunk-{number:06d}", recipe)
        task.stem.with_suffix(".pages").write_text("".join(chunk), encoding="utf-8")
        return task

    for article in articles:
        chunk.append(json.dumps(article if article.dropped is None else (article.title, "", article.dropped)) + "\n")
        size += len(chunk[-1])
        if size >= CHUNK_CHARACTERS:
            yield flush()
            chunk, size, number = [], 0, number + 1
    if chunk:
        yield flush()


def extract_articles(
    tasks: Iterable[AnyTask],
    output: BinaryIO,
    report: Report,
    *,
    workers: int,
    weight: Callable[[AnyTask], int] | None = None,
) -> Iterator[AnyTask]:
    """Do the tasks; append what they make to `output` and their counts to `report`, in order; yield each done task.

    Args:
        weight: as for `run_tasks`.

    Raises:
        UserError: a page could not be cleaned, or a worker process died.
    """
    for task in run_tasks(do_task, tasks, workers=workers, weight=weight):
        with task.stem.with_suffix(".documents").open("rb") as documents:
            shutil.copyfileobj(documents, output)
        report.add_record(json.loads(task.stem.with_suffix(".counts").read_text(encoding="utf-8")))
        for suffix in (".pages", ".documents", ".counts"):
            task.stem.with_suffix(suffix).unlink(missing_ok=True)
        yield task


def do_task(task: AnyTask) -> AnyTask:
    """Clean and cut the articles of one task; runs in a worker process.

    Raises:
        UserError: naming the page that could not be cleaned.
    """
    report, cleaner = Report(), task.recipe.new_cleaner()
    with task.stem.with_suffix(".documents").open("w", encoding="utf-8", newline="\n") as output:
        for title, markup, dropped in task.articles():
            report.pages.read += 1
            if dropped is not None:
                report.pages.settle(dropped)
                continue
            try:
                text = cleaner.clean(markup)
                document = sequences_of(text, task.recipe.rules, report)
            except UserError:  # the splitter's, and it names the line
                raise
            except Exception as error:
                raise UserError(f"the page '{title}' cannot be cleaned: {type(error).__name__}: {error}") from error
            report.pages.settle(None if text else "no text")
            output.writelines(documents_text([document]))
    report.unrendered.update(cleaner.unrendered)
    report.unclosed.update(cleaner.unclosed)
    task.stem.with_suffix(".counts").write_text(json.dumps(report.as_record()), encoding="utf-8")
    return task


def rules_of(args: dict[str, Any], language: str) -> Rules:
    """Return how a text is cut, from the values of `ARGUMENTS`; say when nobody has rules for the language.

    Raises:
        UserError: the splitter cannot be used here.
    """
    unit = args["unit"] or ("sentence" if args["split-sent"] else "filled")
    longest = args["max-length"] or (SENTENCE_MAX_LENGTH if unit in ("sentence", "filled") else None)
    load_splitter(args["splitter"], language)  # better to fail now than in every worker
    note = describe_language(language)
    if note and unit in ("sentence", "filled") and args["splitter"] in (None, "sentencex"):
        say(f"note: {note}")
    return Rules(unit, args["min-length"], longest, language, bool(args.get("keep-holes")), args["splitter"])


ARGUMENTS: dict[str, dict[str, Any]] = {
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
    "splitter": {
        "type": str,
        "default": None,
        "help": "who cuts sentences: sentencex, nltk, kss, or module:function; default sentencex with rules of ours",
    },
}

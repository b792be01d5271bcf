"""The pages of a wiki to documents, in tasks that worker processes can do."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from expanda.executors import Watch, run_tasks
from expanda.journal import Journal
from expanda.lines import documents_text
from expanda.patience import Patience, TookTooLongError
from expanda.sequences import Rules, sequences_of
from expanda.tally import Report, loss
from expanda.utils import UserError, say

CHUNK_CHARACTERS = 1 << 20
_REASON_CHARACTERS = 500


class Article(NamedTuple):
    """A page as its source has it; `dropped` is the reason why it is not wanted, or None.

    Args:
        note: for the dropped reason QUARANTINED, what is wrong with it.
    """

    title: str
    markup: str
    dropped: str | None
    id: int | None = None
    note: str = ""


Item = Article | dict[str, Any]  # or a record for `Report.add_record`: what was lost or replaced at this place
QUARANTINED = "quarantined"


class PageCleaner(Protocol):
    """What cleans pages, and counts templates that it cannot read and constructs that nothing closes."""

    unrendered: Counter[str]
    unclosed: Counter[str]

    def clean(self, markup: str) -> str:
        """Return the text of one page."""
        ...


@dataclass(frozen=True)
class Recipe:
    """What happens to each page. `new_cleaner` goes to other processes: a function of a module, or a partial of one.

    Args:
        source: the path, for the ledger.
        page_seconds: a page that takes longer to clean and cut is quarantined; None for no limit.
    """

    new_cleaner: Callable[[], PageCleaner]
    rules: Rules
    source: str = ""
    page_seconds: int | None = None


class Task(Protocol):
    """Files in and files out: articles from somewhere become `<stem>.documents` and `<stem>.counts`."""

    @property
    def stem(self) -> Path: ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def skip(self) -> Mapping[int, str]:
        """Numbers of articles that are not touched, because they kill whoever does, and what they did."""
        ...

    def articles(self) -> Iterator[Item]:
        """Yield the articles; runs in the worker."""
        ...


AnyTask = TypeVar("AnyTask", bound=Task)


@dataclass(frozen=True)
class ChunkTask:
    """Articles that lie in `<stem>.pages`."""

    stem: Path
    recipe: Recipe
    skip: Mapping[int, str] = field(default_factory=dict)

    def articles(self) -> Iterator[Item]:
        """Yield the articles of the file."""
        with self.stem.with_suffix(".pages").open(encoding="utf-8") as pages:
            for line in pages:
                item = json.loads(line)
                yield item if isinstance(item, dict) else Article(*item)


def chunks(items: Iterable[Item], recipe: Recipe, temporary: Path) -> Iterator[ChunkTask]:
    """Write articles, as they come, into files of about `CHUNK_CHARACTERS` each, and yield a task for each file."""
    chunk: list[str] = []
    size = number = 0

    def flush() -> ChunkTask:
        task = ChunkTask(temporary / f"chunk-{number:06d}", recipe)
        task.stem.with_suffix(".pages").write_text("".join(chunk), encoding="utf-8")
        return task

    for item in items:
        if isinstance(item, Article) and item.dropped is not None:
            item = item._replace(markup="")
        chunk.append(json.dumps(item) + "\n")
        size += len(chunk[-1])
        if size >= CHUNK_CHARACTERS:
            yield flush()
            chunk, size, number = [], 0, number + 1
    if chunk:
        yield flush()


def extract_articles(
    tasks: Iterable[AnyTask],
    output: Journal,
    report: Report,
    *,
    executor: str,
    weight: Callable[[AnyTask], int] | None = None,
) -> Iterator[AnyTask]:
    """Do the tasks; append what they make to `output` and their counts to `report`, in order; yield each done task.

    What `output` knows as done by a killed run is not done again; tasks must come with the same names as then.

    Args:
        executor, weight: as for `run_tasks`.

    Raises:
        UserError: a splitter failed, or workers keep dying.
    """
    watch: Watch[AnyTask] = Watch(_place_of_number, _without, _deadline)
    if output.done:
        say(f"{len(output.done):,} pieces done by an earlier run")
    tasks = iter(tasks)
    for task in tasks:
        if task.stem.name not in output.done:
            tasks = itertools.chain([task], tasks)
            break
        report.add_record(output.done[task.stem.name])
        _remove_files(task)
        yield task
    for task in run_tasks(do_task, tasks, executor=executor, weight=weight, watch=watch):
        counts = json.loads(task.stem.with_suffix(".counts").read_text(encoding="utf-8"))
        output.add(task.stem.name, task.stem.with_suffix(".documents"), counts)
        report.add_record(counts)
        _remove_files(task)
        yield task


def _remove_files(task: Task) -> None:
    for suffix in (".pages", ".documents", ".counts", ".at"):
        task.stem.with_suffix(suffix).unlink(missing_ok=True)


def _place_of_number(task: Task) -> Path:
    return task.stem.with_suffix(".at")


def _deadline(task: Task) -> float:
    """The clock within a worker is the first to stop a page; ours stops what does not hear it."""
    return 2 * task.recipe.page_seconds + 5 if task.recipe.page_seconds else math.inf


def _without(task: AnyTask, number: int, reason: str) -> AnyTask:
    return dataclasses.replace(task, skip={**task.skip, number: reason})  # type: ignore[type-var]


def do_task(task: AnyTask) -> AnyTask:
    """Clean and cut the articles of one task; runs in a worker process. A page that cannot be is quarantined.

    Nothing is done when a killed run has done it. Files appear whole: a worker whose parent was killed may still write.

    Raises:
        UserError: the source is not what it should be, or the splitter is not.
    """
    counts_place = task.stem.with_suffix(".counts")
    if counts_place.exists():
        return task
    aside = task.stem.with_suffix(f".{secrets.token_hex(4)}.part")
    report, recipe = Report(), task.recipe
    cleaner = recipe.new_cleaner()
    with (
        aside.open("wb") as output,
        _place_of_number(task).open("wb", buffering=0) as place,
        Patience(recipe.page_seconds) as patience,
    ):
        for number, item in enumerate(task.articles()):
            if isinstance(item, dict):
                report.add_record(item)
                continue
            report.pages.read += 1
            dropped, note = (QUARANTINED, task.skip[number]) if number in task.skip else (item.dropped, item.note)
            if dropped is not None:
                report.pages.settle(dropped)
                if dropped == QUARANTINED:
                    report.add_record(loss(recipe.source, note, page=item.title, id=item.id))
                continue
            place.seek(0)
            place.write(b"%012d" % number)
            counts = Report()  # of this page alone: one that fails half-way must leave no counts behind
            try:
                patience.begin()
                text = cleaner.clean(item.markup)
                document = "".join(documents_text([sequences_of(text, recipe.rules, counts)])).encode()
                patience.end()
            except UserError:  # the splitter's, and it names the line
                raise
            except (Exception, TookTooLongError) as error:
                patience.end()
                report.pages.settle(QUARANTINED)
                report.add_record(loss(recipe.source, _reason(error, recipe), page=item.title, id=item.id))
                _add_counts(cleaner, report)
                cleaner = recipe.new_cleaner()  # the old one may have stopped anywhere
                continue
            report.add(counts)
            report.pages.settle(None if text else "no text")
            output.write(document)
    _add_counts(cleaner, report)
    aside.replace(task.stem.with_suffix(".documents"))
    aside.write_text(json.dumps(report.as_record()), encoding="utf-8")
    aside.replace(counts_place)  # the last: it says that the task is done
    return task


def _reason(error: BaseException, recipe: Recipe) -> str:
    if isinstance(error, TookTooLongError):
        return f"it takes longer than page-seconds, {recipe.page_seconds}"
    return f"it cannot be cleaned: {type(error).__name__}: {error}"[:_REASON_CHARACTERS]


def _add_counts(cleaner: PageCleaner, report: Report) -> None:
    report.unrendered.update(cleaner.unrendered)
    report.unclosed.update(cleaner.unclosed)

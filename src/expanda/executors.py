"""Run tasks that are files in and files out, here or in worker processes; the results come back in order."""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from expanda.utils import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")
PENDING_PER_WORKER = 8


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    weight: Callable[[Task], int] | None = None,
) -> Iterator[Result]:
    """Yield `function(task)` for each task, in the tasks' order.

    `function` must be importable and tasks picklable. With one worker everything runs in this process. Otherwise at
    most eight tasks a worker are under way, so that the task files waiting on disk stay few.

    Args:
        weight: how long a task will take, in any unit; give it only when tasks cost nothing to make. The first tasks
            are then begun with the heaviest: where there are only a few, the workers end together.

    Raises:
        UserError: a worker process died (its exceptions come through as they are).
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_ignore_interrupts)
    most = PENDING_PER_WORKER * workers
    tasks = iter(tasks)
    pending: deque[Future[Result]] = deque()
    try:
        if weight is not None:
            first = list(itertools.islice(tasks, most))
            heaviest = sorted(range(len(first)), key=lambda number: -weight(first[number]))
            futures = {number: pool.submit(function, first[number]) for number in heaviest}
            pending.extend(futures[number] for number in range(len(first)))
        for task in tasks:
            pending.append(pool.submit(function, task))
            if len(pending) >= most:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died (killed, or out of memory?), so nothing was written; "
            "run again, with a smaller num-cores if memory was short"
        ) from error
    finally:
        # When every result is there, the processes may end while we go on.
        pool.shutdown(wait=bool(pending), cancel_futures=True)


def _ignore_interrupts() -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides and shuts the pool down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

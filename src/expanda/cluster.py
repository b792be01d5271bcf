"""Run tasks on a dask cluster whose workers see the same files: `executor = dask://host:port`."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from expanda.utils import UserError

if TYPE_CHECKING:
    from expanda.executors import Watch

Task = TypeVar("Task")
Result = TypeVar("Result")
_PENDING_PER_THREAD = 4
_CONNECT_SECONDS = 20
# dask itself gives a task to so many workers that die before it gives up.
_DEATHS = "it killed every worker that tried it"


@dataclass(frozen=True)
class _InWorkspace(Generic[Task, Result]):
    """A function that finds relative paths, and the workspace's own modules, wherever the worker was started."""

    function: Callable[[Task], Result]
    workspace: str

    def __call__(self, task: Task) -> Result:
        os.chdir(self.workspace)
        if self.workspace not in sys.path:
            sys.path.insert(0, self.workspace)
        return self.function(task)


def run_on_cluster(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, address: str, watch: Watch[Task] | None
) -> Iterator[Result]:
    """Yield `function(task)` for each task, in the tasks' order; arguments as for `expanda.executors.run_tasks`.

    A task whose worker dies is given to another by dask. The deadline of `watch` is not enforced: there is no process
    of ours to kill.

    Args:
        address: host:port of the scheduler.

    Raises:
        UserError: dask is not installed, nobody answers there, or tasks keep dying.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise UserError(
            "executor = dask://… needs dask's scheduler; install it with: pip install 'gpt2-pretraining[dask]'"
        ) from None
    try:
        client = Client(f"tcp://{address}", timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"no dask scheduler answers at {address} ({error}); start one with 'dask scheduler', and workers that see "
            "this workspace under the same path with 'dask worker'"
        ) from error
    there = _InWorkspace(function, str(Path.cwd()))
    with client, client.get_executor(pure=False) as executor:
        most = _PENDING_PER_THREAD * max(1, sum(client.nthreads().values()))

        def result(task: Task, future: object) -> Result:
            while True:
                try:
                    answer: Result = future.result()  # type: ignore[attr-defined]
                    return answer
                except KilledWorker as error:
                    task = _survivor(task, watch, error)
                    future = executor.submit(there, task)

        pending: deque[tuple[Task, object]] = deque()
        for task in tasks:
            pending.append((task, executor.submit(there, task)))
            if len(pending) >= most:
                yield result(*pending.popleft())
        while pending:
            yield result(*pending.popleft())


def _survivor(task: Task, watch: Watch[Task] | None, error: Exception) -> Task:
    """Return the task without the item at which its workers died."""
    item = watch.item(task) if watch else None
    if watch is None or item is None:
        raise UserError(f"the cluster gave up a task: {error}; run again: what is done is kept") from error
    return watch.without(task, item, _DEATHS)

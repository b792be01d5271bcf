"""Run tasks that are files in and files out, here, in worker processes or on a cluster; results come in order.

A worker that dies (killed, out of memory, a crash in a library) costs the item it was at, and only when that item has
killed three: everything else is done again by another worker. A worker that is silent for too long is killed.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from expanda.cluster import run_on_cluster
from expanda.utils import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")
PENDING_PER_WORKER = 8
_POLL_SECONDS = 1.0
_DEATHS_OF_AN_ITEM = 3
_DEATHS_IN_A_ROW = 50  # without any result between them: then it is not the items


@dataclass(frozen=True)
class Watch(Generic[Task]):
    """How to see what a task is doing, and how to leave out what kills it.

    Args:
        place: the file into which the worker writes the number of each item of the task as it begins it.
        without: return the task without this item; the text is the reason.
        seconds: return the longest that a worker may stay at one item of the task.
    """

    place: Callable[[Task], Path]
    without: Callable[[Task, int, str], Task]
    seconds: Callable[[Task], float]

    def item(self, task: Task) -> int | None:
        """Return the number of the item that the task's worker was at, if it had begun one."""
        try:
            return int(self.place(task).read_text())
        except (OSError, ValueError):
            return None


@dataclass
class _Slot(Generic[Task]):
    """A task on its way: what came of it, and how often it killed a worker at which item."""

    task: Task
    result: Any = None
    is_done: bool = False
    deaths: Counter[int] = field(default_factory=Counter)


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    executor: str,
    weight: Callable[[Task], int] | None = None,
    watch: Watch[Task] | None = None,
) -> Iterator[Result]:
    """Yield `function(task)` for each task, in the tasks' order.

    `function` must be importable and tasks picklable. With `local:1` everything runs in this process. Otherwise at
    most eight tasks a worker are under way, so that the task files waiting on disk stay few.

    Args:
        executor: `local:N` for N worker processes, or `dask://host:port`.
        weight: how long a task will take, in any unit; give it only when tasks cost nothing to make. The first tasks
            are then begun with the heaviest: where there are only a few, the workers end together.
        watch: without it a worker's death ends everything.

    Raises:
        UserError: workers keep dying (the exceptions of `function` come through as they are).
    """
    kind, _, where = executor.partition(":")
    if kind == "dask":
        yield from run_on_cluster(function, tasks, address=where.removeprefix("//"), watch=watch)
        return
    workers = int(where)
    if workers == 1:
        yield from map(function, tasks)
        return
    pool = _Pool(function, workers, watch)
    slots: deque[_Slot[Task]] = deque()
    tasks = iter(tasks)
    try:
        if weight is not None:
            slots.extend(map(_Slot, itertools.islice(tasks, pool.most)))
            pool.queue.extend(sorted(slots, key=lambda slot: -weight(slot.task)))
        for task in tasks:
            slots.append(_Slot(task))
            pool.queue.append(slots[-1])
            while len(slots) >= pool.most:
                yield pool.result(slots.popleft())
            pool.step(0)
        while slots:
            yield pool.result(slots.popleft())
    finally:
        pool.close()


class _Worker:
    """A process that does one task after another."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.slot: _Slot[Any] | None = None
        self.asked_at = 0.0


class _Pool(Generic[Task]):
    """Workers and the queue of what they shall do; nothing runs but within `step` and `result`."""

    def __init__(self, function: Callable[[Task], Any], workers: int, watch: Watch[Task] | None) -> None:
        self.queue: deque[_Slot[Task]] = deque()
        self.most = PENDING_PER_WORKER * workers
        self._function = function
        self._watch = watch
        self._size = workers
        self._workers: list[_Worker] = []
        self._deaths_in_a_row = 0

    def result(self, slot: _Slot[Task]) -> Any:
        """Wait for a slot's result."""
        while not slot.is_done:
            self.step(_POLL_SECONDS)
        return slot.result

    def step(self, seconds: float) -> None:
        """Give out tasks, then take what comes within `seconds`: results and deaths."""
        for worker in self._workers:
            if worker.slot is None and self.queue:
                self._ask(worker)
        while self.queue and len(self._workers) < self._size:
            self._workers.append(_Worker())
            self._ask(self._workers[-1])
        busy = {worker.connection: worker for worker in self._workers if worker.slot is not None}
        # A process's end closes its connection, so a death is something to receive, too.
        for connection in multiprocessing.connection.wait(list(busy), seconds):
            self._receive(busy[connection])  # type: ignore[index]
        if self._watch is not None:
            for worker in list(self._workers):
                self._stop_if_stuck(worker, self._watch)

    def close(self) -> None:
        """Stop all workers; what they are doing is lost."""
        for worker in self._workers:
            worker.connection.close()
            if worker.slot is not None:
                worker.process.terminate()
        self._workers.clear()

    def _ask(self, worker: _Worker) -> None:
        worker.slot = self.queue.popleft()
        worker.asked_at = time.time()
        with contextlib.suppress(OSError):  # it is dead; we hear of that when we receive
            worker.connection.send((self._function, worker.slot.task))

    def _receive(self, worker: _Worker) -> None:
        slot = worker.slot
        assert slot is not None
        try:
            went_well, result = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker, slot)
            return
        worker.slot = None
        if not went_well:
            raise result
        slot.result, slot.is_done = result, True
        self._deaths_in_a_row = 0

    def _bury(self, worker: _Worker, slot: _Slot[Task], reason: str | None = None) -> None:
        """Let another worker do what a dead one did, without the item at which it died if that is to blame."""
        self._workers.remove(worker)
        worker.process.join()
        self._deaths_in_a_row += 1
        item = self._watch.item(slot.task) if self._watch else None
        if self._watch is None or (item is None and self._deaths_in_a_row > _DEATHS_OF_AN_ITEM):
            raise UserError(
                "a worker process died (killed, or out of memory?); run again, with a smaller num-cores if memory was "
                "short: what is done is kept"
            )
        if self._deaths_in_a_row > _DEATHS_IN_A_ROW:
            raise UserError(
                f"{_DEATHS_IN_A_ROW} worker processes died one after another; run again: what is done is kept"
            )
        if item is not None:
            slot.deaths[item] += 1
            if reason or slot.deaths[item] == _DEATHS_OF_AN_ITEM:
                exit_code = worker.process.exitcode or 0
                died = f"signal {-exit_code}" if exit_code < 0 else f"status {exit_code}"
                reason = reason or f"it killed {_DEATHS_OF_AN_ITEM} workers ({died}; out of memory?)"
                slot.task = self._watch.without(slot.task, item, reason)
            self._watch.place(slot.task).unlink(missing_ok=True)
        self.queue.appendleft(slot)

    def _stop_if_stuck(self, worker: _Worker, watch: Watch[Task]) -> None:
        slot = worker.slot
        if slot is None or time.time() - worker.asked_at <= (seconds := watch.seconds(slot.task)):
            return
        with contextlib.suppress(FileNotFoundError):
            if time.time() - watch.place(slot.task).stat().st_mtime > seconds:
                worker.process.kill()
                self._bury(worker, slot, f"it took longer than {seconds:g} seconds")


def _work(connection: multiprocessing.connection.Connection) -> None:
    """Do what comes until nobody is there any more; runs in the worker process."""
    # Ctrl-C reaches the whole process group; the parent alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, task = connection.recv()
            try:
                answer = True, function(task)
            except BaseException as error:
                answer = False, error
            connection.send(answer)


def _end_with_parent() -> None:
    """A parent that was killed cannot stop its workers, and a next build will do what they are doing."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)

"""Tasks are done exactly once and come back in order, whatever happens to the workers."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from expanda.executors import Watch, run_tasks
from expanda.options import executor_name
from expanda.utils import UserError

TASKS = """
import os, signal, time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Items:
    number: int
    folder: Path
    kills: tuple = ()
    hangs: tuple = ()
    skip: dict = field(default_factory=dict)


def place(items):
    return items.folder / f"{items.number}.at"


def do(items):
    done = []
    for item in range(4):
        if item in items.skip:
            continue
        place(items).write_text(str(item))
        if item in items.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        if item in items.hangs:
            time.sleep(600)
        if item == 3 and items.number == 13:
            raise ValueError("thirteen")
        done.append(item)
    return items.number, done


def die_once(items):
    mark = items.folder / f"{items.number}.died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return do(items)


def orphan(items):
    (items.folder / "pid").write_text(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """A module of tasks that worker processes can import."""
    (tmp_path / "tasks_for_test.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    import tasks_for_test

    yield tasks_for_test
    del sys.modules["tasks_for_test"]


def watch(tasks, *, seconds=60.0):
    def without(items, item, reason):
        return replace(items, skip={**items.skip, item: reason})

    return Watch(tasks.place, without, lambda _: seconds)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_tasks(tasks, tmp_path, workers):
    given = [tasks.Items(number, tmp_path) for number in range(12)]
    found = list(
        run_tasks(tasks.do, given, executor=f"local:{workers}", weight=lambda items: items.number, watch=watch(tasks))
    )
    assert found == [(number, [0, 1, 2, 3]) for number in range(12)]


def test_what_dying_workers_did_is_done_by_others(tasks, tmp_path):
    given = [tasks.Items(number, tmp_path) for number in range(6)]
    found = list(run_tasks(tasks.die_once, given, executor="local:2", watch=watch(tasks)))
    assert found == [(number, [0, 1, 2, 3]) for number in range(6)]


def test_an_item_that_kills_three_workers_is_left_out_and_nothing_else(tasks, tmp_path):
    given = [tasks.Items(number, tmp_path, kills=(2,) if number == 1 else ()) for number in range(4)]
    found = list(run_tasks(tasks.do, given, executor="local:2", watch=watch(tasks)))
    assert found == [(number, [0, 1, 3] if number == 1 else [0, 1, 2, 3]) for number in range(4)]


def test_an_item_that_hangs_is_left_out_when_its_time_is_over(tasks, tmp_path):
    given = [tasks.Items(number, tmp_path, hangs=(0,) if number == 1 else ()) for number in range(4)]
    found = list(run_tasks(tasks.do, given, executor="local:2", watch=watch(tasks, seconds=1.5)))
    assert found == [(number, [1, 2, 3] if number == 1 else [0, 1, 2, 3]) for number in range(4)]


def test_without_a_watch_a_dead_worker_is_an_error_that_says_what_to_do(tasks, tmp_path):
    with pytest.raises(UserError, match="a worker process died .* what is done is kept"):
        list(run_tasks(tasks.do, [tasks.Items(0, tmp_path, kills=(0,))] * 3, executor="local:2"))


def test_a_tasks_own_exception_comes_through(tasks, tmp_path):
    with pytest.raises(ValueError, match="thirteen"):
        list(
            run_tasks(
                tasks.do, [tasks.Items(number, tmp_path) for number in (12, 13)], executor="local:2", watch=watch(tasks)
            )
        )


PARENT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import tasks_for_test as tasks
from expanda.executors import run_tasks
if __name__ == "__main__":
    list(run_tasks(tasks.orphan, [tasks.Items(0, Path({folder!r}))], executor="local:2"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks at processes as Unix shows them")
def test_workers_end_with_a_killed_parent(tasks, tmp_path):
    import subprocess

    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(path=sys.path, folder=str(tmp_path)))
    with subprocess.Popen([sys.executable, str(script)]) as parent:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        parent.send_signal(signal.SIGKILL)
    worker = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(worker))


def is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z" if status.parent.parent.exists() else True
    except FileNotFoundError:
        return False


def wait_for(holds, seconds=20.0):
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["local:1", "local:16", "dask://host:8786", "dask://10.0.0.1:1"])
def test_executors_that_there_are(name):
    assert executor_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "local", "local:0", "local:x", "dask:", "dask://host", "ray://host:1", "dask://:1"]
)
def test_executors_that_there_are_not(name):
    with pytest.raises(ValueError, match="local:N or dask://host:port"):
        executor_name(name)

"""A build on a cluster makes the same bytes, also when a worker of it is killed on the way."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

distributed = pytest.importorskip("distributed", reason="pip install 'gpt2-pretraining[dask]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills processes")]

CONFIG = """\
[expanda.ext.wikipedia]
min-length = 20
[tokenization]
tokenizer = char
[build]
input-files = --expanda.ext.wikipedia src/wiki.xml.bz2
"""


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each a process of its own, on the loopback; yields (address, workers)."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    log = (tmp_path / "dask.log").open("w")

    def start(*command):
        arguments = [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]]
        return subprocess.Popen(arguments, cwd=place, env=environment, stdout=log, stderr=log)

    file = tmp_path / "scheduler.json"
    scheduler = start(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
    )
    options = ("--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1")
    workers = [start("dask_worker", *options) for _ in range(2)]
    try:
        with distributed.Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address.removeprefix("tcp://")
        yield address, workers
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
        log.close()


@pytest.fixture
def streams(workspace, shared_data):
    """A workspace with a dump of many streams, and the outputs of a build here."""
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).parents[2] / "benchmarks"))
    try:
        from tile import tile
    finally:
        sys.path.pop(0)
    workspace.write("src/x", "")
    tile(shared_data / "enwiki-sample.xml.bz2", workspace.path / "src/wiki.xml.bz2", 3, pages_per_stream=12)
    workspace.write("expanda.cfg", CONFIG)
    done = workspace.expanda("build")
    assert done.returncode == 0, done.stderr
    return workspace, outputs(workspace)


def outputs(workspace):
    found = {
        path.name: path.read_bytes() for path in workspace.build.iterdir() if path.name.startswith(("corpus", "v"))
    }
    for path in workspace.build.iterdir():
        path.unlink()
    return found


@pytest.mark.parametrize("kill", [False, True])
def test_a_cluster_makes_the_same_bytes(streams, cluster, kill):
    workspace, here = streams
    address, workers = cluster
    command = [sys.executable, "-m", "expanda", "build", "--executor", f"dask://{address}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, cwd=workspace.path, env=environment, stderr=subprocess.PIPE, text=True) as build:
        if kill:
            journal = wait_for_journal(workspace)
            workers[random.Random(0).randrange(2)].send_signal(signal.SIGKILL)
            assert journal.exists(), "the extraction was over before the worker was killed"
        _, said = build.communicate(timeout=200)
    assert build.returncode == 0, said
    assert outputs(workspace) == here


def wait_for_journal(workspace):
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        for path in workspace.path.glob("tmp/*/source-00000.work/journal"):
            if path.stat().st_size:
                return path
        time.sleep(0.005)
    raise AssertionError("nothing was extracted")


def test_a_scheduler_that_is_not_there_is_named(workspace, streams):
    done = workspace.expanda("build", "--executor", "dask://127.0.0.1:9")
    assert done.returncode == 1
    assert "no dask scheduler answers at 127.0.0.1:9" in done.stderr

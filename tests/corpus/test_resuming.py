"""A build that is killed, whenever and whoever dies, goes on where it was and ends with the same bytes."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
CONFIG = """\
[expanda.ext.wikipedia]
num-cores    = {workers}
min-length   = 20
[tokenization]
tokenizer    = {tokenizer}
vocab-size   = 600
control-tokens = <s>
                 </s>
[build]
input-files  = --expanda.ext.wikipedia src/wiki.xml.bz2
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is kept or removed without locks")


@pytest.fixture(scope="session")
def streams(shared_data, tmp_path_factory):
    """A real dump of many streams."""
    sys.path.insert(0, str(SOURCES.parent / "benchmarks"))
    try:
        from tile import tile
    finally:
        sys.path.pop(0)
    place = tmp_path_factory.mktemp("streams") / "wiki.xml.bz2"
    tile(shared_data / "enwiki-sample.xml.bz2", place, 1, pages_per_stream=12)
    return place


@pytest.fixture(scope="session")
def undisturbed(streams, tmp_path_factory, workspace_at):
    """The hashes of what a build makes that nobody disturbs, and the seconds that it took."""
    place = prepare(workspace_at(tmp_path_factory.mktemp("undisturbed")), streams)
    started_at = time.monotonic()
    finish(place)
    return hashes(place), time.monotonic() - started_at


@pytest.fixture
def killable(workspace, streams):
    """A workspace to build in."""
    return prepare(workspace, streams)


def prepare(workspace, streams):
    workspace.write("src/wiki.xml.bz2", streams.read_bytes())
    workspace.write("expanda.cfg", CONFIG.format(workers=2, tokenizer="bpe"))
    return workspace


def start(workspace):
    return subprocess.Popen(
        [sys.executable, "-m", "expanda", "build"],
        cwd=workspace.path,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def hashes(workspace):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in workspace.build.iterdir()
        if path.name not in ("manifest.json", "report.html")
    }


def finish(workspace):
    process = start(workspace)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert not (workspace.path / "tmp").exists(), "unfinished work was left"
    return output


def children(process: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == process:
            found.append(int(status.parent.name))
    return found


def disturb(killable, undisturbed, moments, seed):
    wanted, seconds = undisturbed
    chance = random.Random(seed)
    ended = 0
    for _ in range(moments):
        process = start(killable)
        time.sleep(chance.uniform(0.05, 1.1) * seconds)
        victims = [process.pid, *children(process.pid)]
        victim = process.pid if chance.random() < 0.6 else chance.choice(victims)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            ended += 1
        process.communicate(timeout=120)
        finish(killable)
        assert hashes(killable) == wanted
        for path in killable.build.iterdir():
            path.unlink()
    assert ended < moments, "no process was alive to be killed"


def test_a_killed_build_ends_with_the_same_bytes(killable, undisturbed):
    disturb(killable, undisturbed, 3, seed=1)


@pytest.mark.slow
def test_a_build_killed_at_fifty_moments_ends_with_the_same_bytes(killable, undisturbed):
    disturb(killable, undisturbed, 50, seed=2)


def kill_at(workspace, line):
    """Kill a build when it says a line that begins so; return all that it said."""
    process = start(workspace)
    said = []
    for text in process.stdout:
        said.append(text)
        if text.startswith(line):
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.communicate()
    return said


@pytest.mark.parametrize(
    ("line", "done"),
    [
        ("split …", ["extract-00000"]),
        ("tokenizer …", ["extract-00000", "split", "shuffle-train", "shuffle-test"]),
        ("encode …", ["extract-00000", "split", "shuffle-train", "shuffle-test", "tokenizer"]),
    ],
)
def test_stages_that_are_done_are_not_done_again(killable, line, done):
    kill_at(killable, line)
    output = finish(killable)
    assert sorted(text.split(":")[0] for text in output.splitlines() if "done by an earlier run" in text) == sorted(
        done
    )


def test_pieces_that_are_done_are_not_done_again(killable, undisturbed):
    process = start(killable)
    journal = wait_for_file(killable.path, "tmp/*/source-00000.work/journal", lines=1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    known = journal.read_bytes().count(b"\n")
    assert f"{known} pieces done by an earlier run" in finish(killable)
    assert hashes(killable) == undisturbed[0]


def wait_for_file(folder, pattern, *, lines):
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        for path in folder.glob(pattern):
            if path.read_bytes().count(b"\n") >= lines:
                return path
        time.sleep(0.01)
    raise AssertionError(f"{pattern} did not come")


def test_another_configuration_or_input_begins_anew(killable):
    kill_at(killable, "encode …")
    (left,) = (killable.path / "tmp").iterdir()
    killable.write("expanda.cfg", CONFIG.format(workers=1, tokenizer="char"))
    output = finish(killable)
    assert "done by an earlier run" not in output
    assert not left.exists()


def test_the_number_of_workers_may_change_on_the_way(killable, undisturbed):
    kill_at(killable, "split …")
    killable.write("expanda.cfg", CONFIG.format(workers=1, tokenizer="bpe"))
    assert "extract-00000: done by an earlier run" in finish(killable)
    assert hashes(killable) == undisturbed[0]


def test_a_second_build_in_the_workspace_is_refused(killable):
    process = start(killable)
    try:
        wait_for_file(killable.path, "tmp/*/.expanda-build", lines=1)
        second = killable.expanda("build")
    finally:
        process.communicate(timeout=120)
    assert second.returncode == 1
    assert f"another 'expanda build' is running in {killable.path}" in second.stderr
    assert process.returncode == 0

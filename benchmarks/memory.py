"""The memory of a build, process by process, for a dump and one ten times as large: it must not grow with the dump."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tile import tile

SOURCES = Path(__file__).resolve().parents[1] / "src"
CONFIG = """\
[expanda.ext.wikipedia]
num-cores   = 2
[tokenization]
tokenizer   = bpe
vocab-size  = 8000
control-tokens = <s>
                 </s>
[build]
input-files = --expanda.ext.wikipedia wiki.xml.bz2
{vocabulary}
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(__file__).resolve().parents[2] / "shared/data/enwiki-sample.xml.bz2"
    parser.add_argument("--dump", type=Path, default=shared, help="an XML dump, packed with bz2 (default: %(default)s)")
    parser.add_argument("--times", type=int, nargs="+", default=[6, 60], help="how often to tile it (default: 6 60)")
    options = parser.parse_args()
    print("| XML | seconds | parent | workers, each | all together |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        trained = prepare(Path(folder) / "trained", options.dump, 1, CONFIG.format(vocabulary=""))[0]
        peaks_of(trained)
        for times in options.times:
            # With a vocabulary that is there: training holds the different words of its sample, whatever the dump.
            config = CONFIG.format(vocabulary=f"input-vocab = {trained}/build/tokenizer.json")
            workspace, size = prepare(Path(folder) / f"times-{times}", options.dump, times, config)
            seconds, parent, workers = peaks_of(workspace)
            together = parent + sum(workers)
            each = ", ".join(f"{peak:.0f}" for peak in sorted(workers))
            print(
                f"| {size / 1e6:.1f} MB | {seconds:.1f} | {parent:.0f} MB | {each} MB | {together:.0f} MB |", flush=True
            )


def prepare(workspace: Path, dump: Path, times: int, config: str) -> tuple[Path, int]:
    """Make a workspace with the tiled dump; return it and the bytes of XML."""
    workspace.mkdir()
    (workspace / "expanda.cfg").write_text(config)
    return workspace, tile(dump, workspace / "wiki.xml.bz2", times)


def peaks_of(workspace: Path) -> tuple[float, float, list[float]]:
    """Build; return the seconds and the largest resident size, in MB, of the parent and of each worker.

    Linux alone tells this of other processes. A helper process of Python's own, which does no work, is left out.
    """
    started_at = time.monotonic()
    build = subprocess.Popen(
        [sys.executable, "-m", "expanda", "build"],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    peaks: dict[int, float] = {}
    while build.poll() is None:
        for process in session(build.pid):
            try:
                lines = Path(f"/proc/{process}/status").read_text().splitlines()
            except OSError:
                continue
            found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
            peaks[process] = max([peaks.get(process, 0.0), *found])
        time.sleep(0.05)
    if build.returncode:
        sys.exit(build.stderr.read() if build.stderr else "the build failed")
    workers = [peak for process, peak in peaks.items() if process != build.pid and peak > 20]
    return time.monotonic() - started_at, peaks[build.pid], workers


def session(leader: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(status.parent.name))
    return found


if __name__ == "__main__":
    main()

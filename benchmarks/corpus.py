"""Measure the corpus pipeline and print one table: speed, what reaches the corpus, and what should not.

    python benchmarks/corpus.py [--dump DUMP] [--times 6] [--runs 3] [--only build residue …]

Needs Linux or macOS. Speeds are taken on the dump tiled `--times` times, everything else on the dump as it is. Each
figure of speed is the median of `--runs` runs; one process, one core and one thread unless the row says otherwise.
"""

from __future__ import annotations

import argparse
import bz2
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from coverage import KINDS, Corpus, count_residue, find_uses, read_articles
from tile import tile

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
LIBRARIES = ("mwparserfromhell", "sentencex", "tokenizers", "numpy")
# The user's configuration; {options} belong to the extension, {build} and {tokens} to the other two sections.
CONFIG = """\
[expanda.ext.wikipedia]
num-cores           = 1
{options}
[tokenization]
unk-token           = <unk>
control-tokens      = <s>
                      </s>
                      <pad>
{tokens}
[build]
{build}
input-files         =
    --expanda.ext.wikipedia     {dump}
"""
EXTRACT = """\
import sys
from expanda.extension import load_extension
extension = load_extension("expanda.ext.wikipedia")
source, target, workers = sys.argv[1:]
given = {name: one.get("default") for name, one in extension.main.__globals__["__extension__"]["arguments"].items()}
extension.main(source, target, ".", {**given, "num-cores": int(workers)})
"""


@dataclass(frozen=True)
class Bench:
    """What the rows share: the dump as it is, the tiled one, its size in bytes of XML, a place for files."""

    dump: Path
    tiled: Path
    xml_bytes: int
    runs: int
    place: Path


@dataclass(frozen=True)
class Spent:
    """What a command took, in seconds; `cpu` holds its children too."""

    wall: float
    cpu: float


def run_alone(command: list[str], place: Path, *, cores: int = 1) -> Spent:
    """Run a command on so many cores, one thread a process; raise RuntimeError with its output when it fails."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    before, started_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if allowed:
        os.sched_setaffinity(0, sorted(allowed)[-cores:])
    try:
        done = subprocess.run(
            command,
            cwd=place,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
        )
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    wall, after = time.monotonic() - started_at, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def build(bench: Bench, name: str, dump: Path, *, options: str = "", tokens: str = "", keys: str = "") -> list[Spent]:
    """Build a corpus `bench.runs` times in the workspace `name` and return what each took."""
    workspace = bench.place / name
    workspace.mkdir(exist_ok=True)
    config = CONFIG.format(options=options, tokens=tokens, build=keys, dump=dump)
    (workspace / "expanda.cfg").write_text(config, encoding="utf-8")
    return [run_alone([sys.executable, "-m", "expanda", "build", "--force"], workspace) for _ in range(bench.runs)]


def raw_corpus(bench: Bench, name: str, options: str) -> Path:
    """Build the dump as it is, once, and return its raw text; the tokenizer is the cheapest, it does not matter."""
    once = Bench(bench.dump, bench.tiled, bench.xml_bytes, 1, bench.place)
    build(once, name, bench.dump, options=options, tokens="tokenizer = char")
    return bench.place / name / "build/corpus.raw.txt"


def _speed(bench: Bench, spent: list[Spent]) -> str:
    wall, cpu = (statistics.median(getattr(one, kind) for one in spent) for kind in ("wall", "cpu"))
    size = bench.xml_bytes / 1e6
    return f"{size / wall:.2f} MB XML/s wall, {size / cpu:.2f} MB XML/s CPU ({wall:.1f} s, {cpu:.1f} s CPU)"


def row_build(bench: Bench) -> str:
    """The whole build with the user's configuration, the tokenizer's training included."""
    speed = _speed(bench, build(bench, "wordpiece", bench.tiled))
    manifest = json.loads((bench.place / "wordpiece/build/manifest.json").read_text(encoding="utf-8"))
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in manifest["seconds"].items() if seconds >= 0.1)
    return f"{speed}; seconds of the last run: {stages}"


def row_vocab(bench: Bench) -> str:
    """The whole build with a vocabulary made before, so that nothing is trained."""
    tokens = "tokenizer = bpe\nvocab-size = 8000"
    once = Bench(bench.dump, bench.tiled, bench.xml_bytes, 1, bench.place)
    build(once, "bpe", bench.tiled, tokens=tokens)
    vocabulary = bench.place / "bpe/build/tokenizer.json"
    return _speed(bench, build(bench, "given", bench.tiled, tokens=tokens, keys=f"input-vocab = {vocabulary}"))


def row_cleaning(bench: Bench) -> str:
    """Cleaning alone, page by page in this process, and the other parser's plain text of the same pages."""
    import mwparserfromhell

    sys.path.insert(0, str(ROOT / "src"))
    from expanda.wikitext import clean

    pages = list(read_articles(bench.dump))
    size = sum(len(page.encode()) for page in pages) / 1e6
    ways: dict[str, Callable[[str], object]] = {
        "ours": lambda page: clean(page, {6: "File", 14: "Category"}, "en"),
        "theirs": lambda page: mwparserfromhell.parse(page).strip_code(),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(bench.runs):
        for way, read in ways.items():  # by turns, so that both meet the same machine
            started_at = time.process_time()
            for page in pages:
                read(page)
            seconds[way].append(time.process_time() - started_at)
    ours, theirs = (size / statistics.median(seconds[way]) for way in ways)
    return f"{ours:.2f} MB wikitext/s against {theirs:.2f}: {ours / theirs:.2f} times as fast"


def row_workers(bench: Bench) -> str:
    """The extension alone, with two workers on two cores and one on one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        return "not measured: this process may use one core only"
    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(bench.runs):
        for workers, taken in walls.items():
            command = [sys.executable, "-c", EXTRACT, str(bench.tiled), f"documents-{workers}", str(workers)]
            taken.append(run_alone(command, bench.place, cores=workers).wall)
    if (bench.place / "documents-1").read_bytes() != (bench.place / "documents-2").read_bytes():
        raise RuntimeError("one worker and two wrote different documents")
    one, two = (statistics.median(taken) for taken in walls.values())
    return f"{one / two:.2f} times as fast ({one:.1f} s, {two:.1f} s); the same bytes"


def row_residue(bench: Bench) -> str:
    """Markup that reached the corpus of the user's configuration."""
    text = raw_corpus(bench, "sentences", "").read_text(encoding="utf-8")
    counts, excused = count_residue(text, list(read_articles(bench.dump)))
    shown = ", ".join(f"`{kind}` {count}" for kind, count in counts.items() if count) or "none of any kind"
    shown = shown.replace("|", "\\|")  # a bar would end the cell
    size = len(text) / 1e6
    return f"{sum(counts.values()) / size:.2f} ({shown} in {size:.2f} M characters; {excused} inside kept text)"


def row_uses(bench: Bench) -> str:
    """For each template: the share of its uses in prose whose words reach the corpus.

    A use that the default build lacks and a build without limits of length has was dropped for its length; one whose
    sentence has no end was dropped as a label. Both are counted apart: cleaning did not lose them.
    """
    whole = Corpus(raw_corpus(bench, "articles", "unit = article\nmin-length = 0"))
    default = Corpus(raw_corpus(bench, "sentences", ""))
    unlimited = Corpus(raw_corpus(bench, "unlimited", "min-length = 0\nmax-length = 1000000000"))
    found = {kind: {"uses": 0, "whole": 0, "default": 0, "dropped": 0} for kind in KINDS}
    for page in read_articles(bench.dump):
        for use in find_uses(page):
            counts = found[use.kind]
            counts["uses"] += 1
            if not whole.has(use):
                continue
            counts["whole"] += 1
            if default.has(use):
                counts["default"] += 1
            elif not use.ends or unlimited.has(use):
                counts["dropped"] += 1
    cells = []
    for kind, counts in found.items():
        if uses := counts["uses"]:
            share, standing = counts["whole"] / uses, counts["default"] / uses
            cells.append(
                f"{kind} {share:.1%} of {uses} (default build {standing:.1%}; {counts['dropped']} more dropped for "
                "length or as no sentence)"
            )
    return "; ".join(cells)


def row_bz2(bench: Bench) -> str:
    """Unpacking alone, with the standard library."""
    seconds = []
    for _ in range(bench.runs):
        started_at = time.process_time()
        with bz2.open(bench.tiled) as file:
            while file.read(1 << 20):
                pass
        seconds.append(time.process_time() - started_at)
    return f"{bench.xml_bytes / 1e6 / statistics.median(seconds):.1f} MB XML/s"


ROWS: dict[str, tuple[str, Callable[[Bench], str]]] = {
    "build": ("whole build, the user's configuration (WordPiece, 8,000), num-cores 1", row_build),
    "vocab": ("whole build with an input-vocab (BPE, 8,000, trained before on the same corpus)", row_vocab),
    "cleaning": ("cleaning, against mwparserfromhell's `strip_code` in the same run", row_cleaning),
    "workers": ("extraction (read, clean, split), two workers against one", row_workers),
    "residue": ("markup outside kept math and nowiki, per million characters of corpus.raw.txt", row_residue),
    "uses": ("uses of a template in prose whose words stand in corpus.raw.txt", row_uses),
    "bz2": ("bz2 decompression alone", row_bz2),
}


def describe_machine() -> str:
    """Return the processor, the cores and the versions that decide a figure."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").split("\n") if cpuinfo.is_file() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{processor or platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {libraries}"
    )


def main() -> None:
    """Measure the chosen rows and print the table."""
    parser = argparse.ArgumentParser(description="measure the corpus pipeline; prints a markdown table")
    parser.add_argument("--dump", type=Path, default=ROOT / "../shared/data/enwiki-sample.xml.bz2", help="bz2 of XML")
    parser.add_argument("--times", type=int, default=6, help="how often the dump is tiled for speed (default 6)")
    parser.add_argument("--runs", type=int, default=3, help="runs a speed is the median of (default 3)")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    arguments = parser.parse_args()
    if not arguments.dump.is_file():
        sys.exit(f"{arguments.dump}: no such dump; name one with --dump")
    if min(arguments.runs, arguments.times) < 1:
        sys.exit("--runs and --times must be at least 1")
    with tempfile.TemporaryDirectory(prefix="corpus-benchmark-") as place:
        tiled = Path(place) / "tiled.xml.bz2"
        size = tile(arguments.dump, tiled, arguments.times)
        bench = Bench(arguments.dump.resolve(), tiled, size, arguments.runs, Path(place))
        print(f"{describe_machine()}\n")
        print(
            f"Speeds: the median of {bench.runs} run(s) on {arguments.dump.name} tiled {arguments.times} times, "
            f"{size / 1e6:.1f} MB of XML.\nA tiled dump repeats itself and so flatters caches of lines and words.\n"
        )
        print("| what | measured |\n| --- | --- |")
        for name in arguments.only:
            title, measure = ROWS[name]
            print(f"{name} …", file=sys.stderr)
            print(f"| {title} | {measure(bench)} |", flush=True)


if __name__ == "__main__":
    main()

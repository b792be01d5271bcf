"""`expanda verify` passes what a build made, and names every kind of damage to it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from expanda.main import main
from expanda.verifying import checks, manifest_at

BOOK = "".join(f"Line {n} of a book about {'trees ' * (n % 5)}and rain.\n" for n in range(200))
CONFIG = """\
[build]
input-files = --expanda.ext.text book.txt
split-by = line
[expanda.ext.text]
unit = line
[tokenization]
vocab-size = 120
control-tokens = <s>
                 </s>
"""


@pytest.fixture
def made(workspace, build):
    """A small finished build."""
    workspace.write("book.txt", BOOK)
    return build(CONFIG)


def failures(place: Path) -> list[str]:
    """What the checks of a build find wrong."""
    return [f"{check.what}: {check.problem}" for check in checks(manifest_at(place)) if check.problem is not None]


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "more", ["", "text-corpora = false\n", "split-by = tail\n", "shuffle = false\nsplit-ratio = 0\n"]
)
def test_a_fresh_build_passes_and_the_status_is_0(workspace, build, capsys, more):
    workspace.write("book.txt", BOOK)
    build(CONFIG.replace("split-by = line\n", more if "split-by" in more else f"split-by = line\n{more}"))
    capsys.readouterr()
    assert main(["verify"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert {line[:4] for line in out[:-1]} == {"ok  "}
    assert out[-1] == f"{len(out) - 1} checks passed, 0 failed, 0 skipped"


def test_a_real_dump_passes_from_anywhere_and_says_what_it_could_not_look_at(wiki, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["verify", str(wiki.build / "manifest.json")]) == 0
    out = capsys.readouterr().out
    assert "skip  src/wiki.xml.bz2: unchanged since the build (not here, not looked at)" in out
    assert "0 failed, 1 skipped" in out


def test_bpe_with_balancing_passes(workspace, build):
    workspace.write("book.txt", BOOK)
    workspace.write("other.txt", "A line.\n" * 20)
    build(
        CONFIG.replace("book.txt", "*.txt\nbalancing = true").replace(
            "vocab-size = 120", "vocab-size = 300\ntokenizer = bpe"
        )
    )
    assert failures(workspace.build) == []


def test_ids_in_shards_are_all_counted(made):
    ids = np.fromfile(made.build / "corpus.train.bin", "<u2", offset=1024)
    half = len(ids) // 2
    for number, part in enumerate((ids[:half], ids[half:])):
        header = np.zeros(256, "<i4")
        header[:3] = 20240520, 1, len(part)
        made.write(f"build/corpus.train.{number:05d}.bin", header.tobytes() + part.tobytes())
    (made.build / "corpus.train.bin").unlink()
    names = ["corpus.train.00000.bin", "corpus.train.00001.bin"]

    def shards(manifest: dict[str, Any]) -> None:
        del manifest["outputs"]["corpus.train.bin"]
        manifest["outputs"].update({name: {"bytes": 0, "sha256": ""} for name in names})

    rewrite(made.build / "manifest.json", shards)
    assert [problem.split(":")[0] for problem in failures(made.build)] == names  # the invented sums alone


@pytest.mark.parametrize(
    "name", ["corpus.raw.txt", "corpus.train.txt", "corpus.test.bin", "vocab.txt", "tokenizer.json"]
)
def test_a_missing_and_a_flipped_byte_are_found_in_every_output(made, name):
    file = made.build / name
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    assert any(problem.startswith(f"{name}: size and sha256: its sha256 is ") for problem in failures(made.build))
    file.unlink()
    assert f"{name}: size and sha256: the file is missing" in failures(made.build)


def agree(made: Any, name: str) -> None:
    """Let the manifest agree with a changed output, so that only looking into it tells."""
    from expanda.files import sha256_of

    file = made.build / name
    said = {"bytes": file.stat().st_size, "sha256": sha256_of(file)}
    rewrite(made.build / "manifest.json", lambda manifest: manifest["outputs"].update({name: said}))


def test_an_id_beyond_the_vocabulary_is_found(made):
    content = (made.build / "corpus.train.bin").read_bytes()
    size = len(made.lines("vocab.txt"))
    made.write("build/corpus.train.bin", content[:-2] + size.to_bytes(2, "little"))
    agree(made, "corpus.train.bin")
    (problem,) = failures(made.build)
    assert f"there is an id {size}, the vocabulary has {size} tokens" in problem


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-2], "the header says"),
        (lambda content: b"\0" * 4 + content[4:], "does not begin with the header"),
        (lambda content: content[:100], "does not begin with the header"),
        (lambda content: np.array([20240801, 7], "<i4").tobytes() + content[8:], "ids of 4 bytes do not fit"),
    ],
)
def test_a_wrong_header_is_found_and_the_rest_is_still_checked(made, damage, message):
    made.write("build/corpus.train.bin", damage((made.build / "corpus.train.bin").read_bytes()))
    agree(made, "corpus.train.bin")
    header, total = failures(made.build)
    assert message in header
    assert total.startswith("train: ")
    assert "the files hold 0, the manifest says" in total


@pytest.mark.parametrize(
    ("name", "change", "messages"),
    [
        ("corpus.raw.txt", lambda lines: [*lines, "more"], ["nothing follows: 1 more lines"]),
        ("corpus.raw.txt", lambda lines: lines[:-1], ["lines of train", "text_bytes of train"]),
        ("corpus.raw.txt", lambda lines: [lines[0] + "!", *lines[1:]], ["text_bytes of test"]),
        ("corpus.train.txt", lambda lines: lines[1:], ["corpus.train.txt: lines"]),
        ("vocab.txt", lambda lines: [lines[1], lines[0], *lines[2:]], ["they differ from id 0 on"]),
    ],
)
def test_texts_are_counted(made, name, change, messages):
    made.write(f"build/{name}", "".join(f"{line}\n" for line in change(made.lines(name))))
    agree(made, name)
    found = failures(made.build)
    assert len(found) == len(messages)
    assert all(message in problem for message, problem in zip(messages, found, strict=True))


@pytest.mark.parametrize("kind", ["pages", "sequences", "characters"])
def test_counts_that_do_not_balance_are_found(made, kind):
    rewrite(made.build / "manifest.json", lambda manifest: manifest["sources"][0][kind].update(read=10**6))
    (problem,) = failures(made.build)
    assert f"book.txt: {kind} read = kept + dropped" in problem
    assert "but the manifest says 1,000,000" in problem


def test_more_kept_than_written_is_found(made):
    counts = {"read": 201, "kept": 201, "dropped": {}}
    rewrite(made.build / "manifest.json", lambda manifest: manifest["sources"][0].update(sequences=counts))
    assert failures(made.build) == ["lines of text are the sequences that were kept: 200, but the manifest says 201"]


def test_a_changed_source_is_found_and_the_status_is_1(made, capsys):
    made.write("book.txt", BOOK + "x")
    assert main(["verify", "build"]) == 1
    assert "FAIL  book.txt: unchanged since the build: it has" in capsys.readouterr().out


def test_the_ledger_must_name_what_was_quarantined_within_the_file(made):
    def lose(manifest: dict[str, Any]) -> None:
        source = manifest["sources"][0]
        source["pages"] = {"read": 3, "kept": 1, "dropped": {"quarantined": 2}}
        page = {"source": "book.txt", "page": "A", "id": 7, "bytes": None, "reason": "too slow"}
        source["lost"] = [page, {**page, "page": None, "id": None, "bytes": [0, source["bytes"] + 1]}]

    rewrite(made.build / "manifest.json", lose)
    ledger, pages = failures(made.build)
    assert "the ledger, 2 losses: 1 entries without a reason or with impossible bytes" in ledger
    assert "2 pages were quarantined, the ledger names 1" in pages


def test_a_damaged_manifest_does_not_hide_other_failures(made):
    rewrite(made.build / "manifest.json", lambda manifest: manifest["splits"]["train"].pop("tokens"))
    (made.build / "vocab.txt").unlink()
    found = "\n".join(failures(made.build))
    assert "ids of the build: cannot be checked: KeyError: 'tokens'" in found
    assert "vocab.txt: size and sha256: the file is missing" in found


@pytest.mark.parametrize("content", [None, "", "[1]", '{"config": {}}'])
def test_what_is_no_build_is_told(workspace, content, capsys):
    if content is not None:
        workspace.write("build/manifest.json", content)
    assert main(["verify"]) == 1
    error = capsys.readouterr().err
    assert "manifest" in error
    assert "Traceback" not in error


def test_a_moved_build_passes(made, tmp_path):
    shutil.copytree(made.build, tmp_path / "elsewhere/corpus")
    assert failures(tmp_path / "elsewhere/corpus") == []

"""`expanda-shuffling` and `expanda-tokenization` take what they took in Expanda, and do what a build does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = """\
[build]
input-files = --expanda.ext.text book.txt
split-ratio = 0
seed = 7
[expanda.ext.text]
unit = line
[tokenization]
vocab-size = 300
control-tokens = <s>
                 </s>
"""
BOOK = [f"Line {n} of the café's book, which says: don't {'read' * (n % 3)}\\write it." for n in range(300)]


def command(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run what a console script of ours runs, in a process of its own."""
    module, function = re.findall(rf'^{script} = "(.+):(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    return subprocess.run(
        [sys.executable, "-c", f"import sys; from {module} import {function}; sys.exit({function}())", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_step_by_step_the_commands_make_what_a_build_makes(workspace, build):
    workspace.write("book.txt", "".join(line + "\n" for line in BOOK))
    build(BUILD)
    for script, *arguments in (
        ("expanda-shuffling", "book.txt", "shuffled.txt", "--tmp", "temporary", "--seed", "7"),
        ("expanda-tokenization", "train", "shuffled.txt", "made/vocab.txt", "--tmp", "tmp", "--subset_size", "1000000",
         "--vocab_size", "300", "--unk_token", "<unk>", "--control_tokens", "<s>", "</s>"),
        ("expanda-tokenization", "tokenize", "shuffled.txt", "tokens.txt", "made/vocab.txt", "--unk_token", "<unk>",
         "--control_tokens", "<s>", "</s>"),
    ):  # fmt: skip
        done = command(script, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
    assert sorted(workspace.path.glob("temp*")) == []
    for name, made in (("raw", "shuffled.txt"), ("train", "tokens.txt")):
        assert (workspace.build / f"corpus.{name}.txt").read_bytes() == (workspace.path / made).read_bytes()
    assert (workspace.build / "vocab.txt").read_bytes() == (workspace.path / "made/vocab.txt").read_bytes()


def test_tokenize_takes_any_vocabulary_of_a_build(workspace, build):
    workspace.write("book.txt", "".join(line + "\n" for line in BOOK))
    build(BUILD.replace("vocab-size = 300", "tokenizer = bpe\nvocab-size = 400"))
    done = command("expanda-tokenization", "tokenize", "build/corpus.raw.txt", "tokens.txt", "build/vocab.txt")
    assert done.returncode == 0, done.stderr
    assert (workspace.path / "tokens.txt").read_bytes() == (workspace.build / "corpus.train.txt").read_bytes()


def test_another_seed_is_another_order_and_a_last_line_without_end_stays_a_line(workspace):
    workspace.write("in", "\n".join(BOOK))
    for seed in ("0", "0", "1"):
        assert command("expanda-shuffling", "in", f"out{seed}", "--seed", seed).returncode == 0
    orders = [(workspace.path / f"out{seed}").read_text().split("\n")[:-1] for seed in "01"]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(BOOK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["expanda-shuffling", "in", "in"], "in is an input"),
        (["expanda-shuffling", "in", "./in"], "in is an input"),
        (["expanda-shuffling", "absent", "out"], "absent: there is no such file"),
        (["expanda-tokenization", "train", "in", "in"], "in is an input"),
        (["expanda-tokenization", "train", "latin", "out"], "latin is not UTF-8"),
        (["expanda-tokenization", "train", "in", "out", "--control_tokens", "a b"], "'a b' contains a space"),
        (["expanda-tokenization", "train", "in", "whole/vocab.txt"], "whole/tokenizer.json belongs to another"),
        (["expanda-tokenization", "tokenize", "in", "vocab", "vocab"], "vocab is an input"),
        (["expanda-tokenization", "tokenize", "in", "out", "vocab", "--unk_token", "[UNK]"], "'[UNK]' is not in it"),
    ],
)
def test_mistakes_are_told_and_nothing_is_touched(workspace, arguments, message):
    files = {"in": "some words\n", "vocab": "<unk>\nsome\n", "latin": b"caf\xe9\n", "whole/tokenizer.json": "{}"}
    for name, content in files.items():
        workspace.write(name, content)
    before = {path: path.read_bytes() for path in workspace.path.rglob("*") if path.is_file()}
    done = command(*arguments)
    assert done.returncode == 1
    assert f"{arguments[0]}: error: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in workspace.path.rglob("*") if path.is_file()} == before


def test_without_text_corpora_only_the_ids_are_written_and_the_old_text_goes(workspace, build):
    workspace.write("book.txt", "".join(line + "\n" for line in BOOK))
    config = BUILD.replace("split-ratio = 0", "split-by = line\nsplit-ratio = 0.2")
    build(config)
    ids = {side: (workspace.build / f"corpus.{side}.bin").read_bytes() for side in ("train", "test")}
    workspace.write("build/corpus.txt", "a stranger's")
    build(config.replace("seed = 7", "seed = 7\ntext-corpora = false"))
    names = {"corpus.raw.txt", "corpus.train.bin", "corpus.test.bin", "vocab.txt", "tokenizer.json"}
    assert set(workspace.manifest["outputs"]) == names
    assert {path.name for path in workspace.build.iterdir()} == {*names, "manifest.json", "report.html", "corpus.txt"}
    assert {side: (workspace.build / f"corpus.{side}.bin").read_bytes() for side in ids} == ids


def test_without_text_corpora_a_second_build_is_up_to_date_until_they_are_wanted(workspace, build, capsys):
    workspace.write("book.txt", "".join(line + "\n" for line in BOOK))
    without = BUILD.replace("seed = 7", "seed = 7\ntext-corpora = false")
    build(without)
    capsys.readouterr()
    build(without)
    assert "is up to date" in capsys.readouterr().out
    build(BUILD)
    assert len(workspace.lines("corpus.train.txt")) == len(BOOK)

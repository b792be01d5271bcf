"""A build destroys nothing but its own earlier outputs, leaves nothing, and is skipped only when nothing changed."""

import shutil
import subprocess
import sys

import pytest

from expanda import manifest
from expanda.binary import IdWriter
from expanda.files import Outputs, temporary_directory
from expanda.main import main

TEXT = "[build]\ninput-files = --expanda.ext.text a.txt\nsplit-by = line\n"


@pytest.fixture(autouse=True)
def source(workspace):
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("key", ["train", "test", "raw"])
@pytest.mark.parametrize("arguments", [[], ["--force"]])
def test_a_configuration_with_other_outputs_leaves_an_earlier_build_alone(workspace, build, capsys, key, arguments):
    build(TEXT)
    before = contents(workspace.build)
    workspace.write("expanda.cfg", f"{TEXT}output-{key}-corpus = build/other.{key}.txt\n")
    assert main(["build", *arguments]) == 1
    message = capsys.readouterr().err
    assert "build/tokenizer.json and build/manifest.json belong to another configuration" in message
    assert f"build/corpus.{key}.txt" in message
    assert "output-vocab = build-2/vocab.txt" in message
    assert contents(workspace.build) == before


def test_two_configurations_live_beside_each_other_in_two_directories(workspace, build):
    build(TEXT)
    before = contents(workspace.build)
    places = "".join(f"output-{side}-corpus = build-2/{side}.txt\n" for side in ("train", "test", "raw"))
    build(TEXT + places + "output-vocab = build-2/vocab.txt\n")
    assert contents(workspace.build) == before
    assert "train.bin" in contents(workspace.path / "build-2")


def test_when_an_earlier_build_was_removed_its_manifest_is_in_nobodys_way(workspace, build):
    build(TEXT)
    for path in workspace.build.glob("corpus.*"):
        path.unlink()
    build(TEXT + "".join(f"output-{side}-corpus = build/other.{side}.txt\n" for side in ("train", "test", "raw")))


def test_ids_cut_in_another_way_replace_the_old_ones_and_a_strangers_file_stays(workspace, build, monkeypatch):
    build(TEXT)
    workspace.write("build/corpus.train.00007.bin", "a stranger's: no manifest names it")
    with monkeypatch.context() as patch:
        patch.setattr("expanda.pipeline.IdWriter", lambda *given: IdWriter(*given, shard_tokens=2))
        assert main(["build", "--force"]) == 0
    cut = set(workspace.manifest["outputs"])
    assert {"corpus.train.00000.bin", "corpus.train.00001.bin"} <= cut
    assert not (workspace.build / "corpus.train.bin").exists()
    assert main(["build", "--force"]) == 0
    numbered = {path.name for path in workspace.build.glob("corpus.*.0*.bin")}
    assert numbered == {"corpus.train.00007.bin"}


def test_a_changed_vocabulary_is_built_with_again(workspace, build, capsys):
    config = TEXT + "input-vocab = mine/vocab.txt\n"
    workspace.write("mine/vocab.txt", "<unk>\none\ntwo\n")
    build(config)
    build(config)
    assert "up to date" in capsys.readouterr().out
    workspace.write("mine/vocab.txt", "<unk>\nthree\ntwo\n")
    build(config)
    assert workspace.lines("vocab.txt") == ["<unk>", "three", "two"]
    shutil.copy(workspace.build / "tokenizer.json", workspace.path / "mine")
    build(config)
    assert [file["path"] for file in workspace.manifest["vocabulary"]] == ["mine/vocab.txt", "mine/tokenizer.json"]


@pytest.mark.parametrize("package", [*manifest.versions()])
def test_another_version_of_anything_that_decides_the_outputs_builds_again(build, monkeypatch, capsys, package):
    build(TEXT)
    versions = manifest.versions()
    monkeypatch.setattr(manifest, "versions", lambda: {**versions, package: "another"})
    build(TEXT)
    assert "up to date" not in capsys.readouterr().out
    build(TEXT)
    assert "up to date" in capsys.readouterr().out


def test_the_recorded_version_changes_with_a_line_of_our_own_source(tmp_path):
    copy = tmp_path / "src"
    shutil.copytree(manifest.__file__.removesuffix("manifest.py"), copy / "expanda")

    def version() -> str:
        show = "from expanda.manifest import versions; print(versions()['expanda'])"
        return subprocess.run(
            [sys.executable, "-c", show], env={"PYTHONPATH": str(copy)}, capture_output=True, text=True, check=True
        ).stdout

    before = version()
    assert before == version()
    with (copy / "expanda/templates.py").open("a") as file:
        file.write("# one more template\n")
    assert version() != before


KILLED = """
import os, signal
from pathlib import Path

def main(input_file, output_file, temporary, args):
    Path("build").mkdir()
    from expanda.files import Outputs
    Outputs().stage(Path("build/corpus.train.txt"))
    Outputs().stage(Path("build/corpus.train.00003.bin"))
    os.kill(os.getpid(), signal.SIGKILL)

__extension__ = {"main": main}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is removed without locks")
def test_what_a_killed_build_left_goes_with_the_next_one_and_nothing_else(workspace, build):
    workspace.write("killed.py", KILLED)
    workspace.write("expanda.cfg", "[build]\ninput-files = --killed a.txt\n")
    assert workspace.expanda("build").returncode < 0
    assert len(list(workspace.build.iterdir())) == 2
    (left,) = (workspace.path / "tmp").iterdir()
    strangers = [
        workspace.write("tmp/expanda-notes/words.txt", "no marker"),
        workspace.write("tmp/other/.expanda-build", "another name"),
        workspace.write("build/.mine.txt.0123abcd.part", "no output of ours"),
        workspace.write("build/.corpus.train.txt.part", "not named as we do"),
    ]
    build(TEXT)
    assert not left.exists()
    assert [path.is_file() for path in strangers] == [True] * 4
    assert {path.name for path in workspace.build.glob(".*")} == {path.name for path in strangers[2:]}


def test_what_a_running_build_holds_is_left_alone(workspace, build):
    outputs = Outputs()
    with temporary_directory(workspace.path / "tmp") as running:
        staged = outputs.stage(workspace.build / "corpus.train.txt")
        build(TEXT)
        assert running.is_dir()
        assert staged.is_file()
    outputs.discard()


def test_every_stage_says_when_it_begins_and_how_long_it_took(build, capsys):
    manifest_ = build(TEXT).manifest
    lines = [line for line in capsys.readouterr().out.splitlines() if line.endswith((" …", " s"))]
    stages = ["check", "extract", "split", "shuffle", "tokenizer", "encode", "publish"]
    assert [line.split(":")[0].removesuffix(" …") for line in lines] == [stage for stage in stages for _ in range(2)]
    assert list(manifest_["seconds"]) == stages[:-1]

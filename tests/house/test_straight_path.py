"""From a dump to a model that talks, as a user walks it: through the commands, in a copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README, README_KO = ROOT / "README.md", ROOT / "docs" / "README.ko.md"
SHORT = {"GPT2_TOTAL_STEPS": "4", "OMP_NUM_THREADS": "2"}


def commands(page: Path) -> list[str]:
    """The lines of a page's ```bash blocks, comments and continuations resolved."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(line.split("  #")[0].split()) for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds, with this test's own Python first on the path."""
    target = tmp_path_factory.mktemp("checkout") / "gpt2"
    skipped = shutil.ignore_patterns(
        ".git", ".venv", "runs", "build", "tmp", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info"
    )
    shutil.copytree(ROOT, target, ignore=skipped)
    binaries = target.parent / "bin"
    binaries.mkdir()
    for name, module in (("gpt2", "gpt2"), ("expanda", "expanda")):
        (binaries / name).write_text(f'#!/bin/sh\nPYTHONPATH="{target}/src" exec "{sys.executable}" -m {module} "$@"\n')
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for script in binaries.iterdir():
        script.chmod(0o755)
    return target


def shell(checkout: Path, command: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **SHORT,
        "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}",
    }
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        ["bash", "-c", command], cwd=checkout, env=environment, capture_output=True, text=True, input=stdin, timeout=300
    )


def test_every_command_of_the_readme_runs_in_its_order(checkout: Path) -> None:
    listed = [line for line in commands(README) if not line.startswith(("git clone", "conda", "bash run_tests.sh"))]
    assert listed[0] == "bash run_train.sh"
    assert any(line.startswith("bash run_eval.sh") for line in listed)
    assert any("generate" in line for line in listed)
    for line in listed:
        result = shell(checkout, line, stdin="The sea\n")
        assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"


def test_the_korean_readme_has_the_same_commands() -> None:
    assert commands(README_KO) == commands(README)


def test_the_quick_start_makes_what_it_promises_and_reuses_the_corpus(checkout: Path) -> None:
    first = shell(checkout, "bash run_train.sh")
    built_at = (checkout / "workspace" / "build" / "manifest.json").stat().st_mtime_ns
    second = shell(checkout, "bash run_train.sh")
    for result in (first, second):
        assert result.returncode == 0, result.stderr
        assert "before training:" in result.stdout
        assert "after training:" in result.stdout
        made = result.stdout.strip().splitlines()[-3:]
        assert [line.split(":")[0] for line in made] == ["model", "figure", "try"]
    assert (checkout / "workspace" / "build" / "manifest.json").stat().st_mtime_ns == built_at
    runs = sorted((checkout / "runs").glob("quickstart-*"))
    assert len(runs) >= 2
    assert all((run / "figure.png").read_bytes().startswith(b"\x89PNG") for run in runs)
    manifest = json.loads((checkout / "workspace" / "build" / "manifest.json").read_text(encoding="utf-8"))
    kept = [source["pages"]["kept"] for source in manifest["sources"]]
    assert kept[0] >= 60
    assert kept[1] >= 30
    proposed = second.stdout.strip().splitlines()[-1].removeprefix("try:").strip()
    assert shell(checkout, f"{proposed} --prompt 'The sea' --max_new_tokens 5").returncode == 0


def test_evaluation_without_arguments_takes_the_newest_run(checkout: Path) -> None:
    result = shell(checkout, "bash run_eval.sh")
    assert result.returncode == 0, result.stderr
    assert "runs/" in result.stdout
    assert "bits per byte" in result.stdout


def test_evaluation_without_a_run_says_what_to_do(checkout: Path, tmp_path: Path) -> None:
    for name in ("scripts", "src"):
        shutil.copytree(checkout / name, tmp_path / name)
    for name in ("run_eval.sh", "pyproject.toml"):
        shutil.copy(checkout / name, tmp_path)
    result = shell(checkout, f"bash {tmp_path}/run_eval.sh")
    assert result.returncode == 1
    assert "no finished run" in result.stderr


def test_the_users_configuration_on_a_real_dump(checkout: Path, shared_data: Path, tmp_path: Path) -> None:
    """The documented commands with the user's expanda.cfg, from the dump to scores and samples."""
    design = (checkout / "docs" / "corpus.md").read_text(encoding="utf-8")
    config = re.search(r"```ini\n(\[expanda\.ext\.wikipedia\].*?)```", design, re.S)
    assert config is not None
    (tmp_path / "src").mkdir()
    (tmp_path / "expanda.cfg").write_text(config[1], encoding="utf-8")
    shutil.copy(shared_data / "enwiki-sample.xml.bz2", tmp_path / "src" / "wiki.xml.bz2")
    build = f"{tmp_path}/build"
    sizes = "--layers 4 --heads 4 --dims 128 --seq_len 128 --batch_train 8 --batch_eval 32 --eval_batches 2"
    corpora = f"--train_corpus {build}/corpus.train.txt --eval_corpus {build}/corpus.test.txt"
    out = f"{tmp_path}/out"
    for command in (
        f"cd {tmp_path} && PYTHONPATH={checkout}/src python -m expanda build",
        f"bash run_train.sh {corpora} --vocab_path {build}/vocab.txt {sizes} --total_steps 300 --output_dir {out}",
        f"bash run_eval.sh --model_path {out}/model --eval_corpus {build}/corpus.test.txt",
        f"python src/gpt2/main.py generate --model_path {out}/model --prompt 'the sea' --num_samples 3 --json",
        f"gpt2 visualize --model_path {out}/model --figure {out}/again.png",
    ):
        result = shell(checkout, command)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text(encoding="utf-8"))
    pages = manifest["sources"][0]["pages"]
    assert (pages["read"], pages["kept"], sum(pages["dropped"].values())) == (206, 106, 100)
    assert (tmp_path / "out" / "again.png").read_bytes().startswith(b"\x89PNG")

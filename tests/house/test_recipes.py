"""The recipes of docs/model.md are applied to a copy of the code, as written, and the copy keeps the laws."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
RECIPES = {
    title: (file, change)
    for title, file, change in re.findall(r"### (.+?)\n.*?```diff\n--- (\S+)\n(.*?)```", PAGE, re.S)
}

TRAIN_AND_TALK = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from model.conftest import tiny_config, tiny_run, write_corpus
from gpt2.saved_model import load_model
import json, torch
directory = write_corpus(Path(sys.argv[1]) / "corpus")
run = tiny_run(tiny_config(directory, Path(sys.argv[1]) / "run", total_steps=4))
run.execute()
model = load_model(Path(sys.argv[1]) / "run").model
ids = torch.arange(10)[None]
assert torch.equal(model(ids), run.trainer.model.eval()(ids))
print(json.loads((Path(sys.argv[1]) / "run" / "model" / "config.json").read_text())["toolkit"]["layout"])
"""


def applied(text: str, change: str) -> str:
    """The text with the removed and context lines of a change replaced by its added and context lines."""
    lines = change.rstrip("\n").split("\n")
    before = "\n".join(line[1:] for line in lines if line[:1] in " -")
    after = "\n".join(line[1:] for line in lines if line[:1] in " +")
    assert text.count(before) == 1, f"the recipe's lines stand {text.count(before)} times in the file"
    return text.replace(before, after)


def test_there_are_three_recipes() -> None:
    assert len(RECIPES) == 3


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_keeps_the_laws_and_trains(title: str, tmp_path: Path) -> None:
    file, change = RECIPES[title]
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    edited = tmp_path / file
    edited.write_text(applied(edited.read_text(encoding="utf-8"), change), encoding="utf-8")

    environment = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}
    laws = [sys.executable, "-m", "pytest", "-q", "tests/model/test_modeling.py", "-k", "not gpt2"]
    result = subprocess.run(laws, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    command = [sys.executable, "-c", TRAIN_AND_TALK, str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "ours"

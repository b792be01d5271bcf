"""The environments that are promised are the environment that is declared."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def declared(name: str) -> list[str]:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from missing_packages import requirements
    finally:
        sys.path.pop(0)
    return requirements(name)


def test_gpt_yaml_agrees_with_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "gpt.yaml").read_text(encoding="utf-8"))
    assert environment["name"] == "gpt"
    *conda, pip = environment["dependencies"]
    assert pip["pip"] == [*declared("dependencies"), "-e ."]
    wanted = re.search(r'requires-python = "(.*?)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert wanted is not None
    assert f"python{wanted[1]}" in conda


def test_every_direct_requirement_has_a_pinned_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    pinned = {line.split("==")[0].replace("_", "-") for line in lines if "==" in line}
    for group in ("dependencies", "hf", "dask", "nltk", "zst", "dev"):
        for requirement in declared(group):
            assert re.split(r"[>=]", requirement)[0].lower() in pinned, requirement


def test_missing_packages_are_named() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "missing_packages.py")]
    assert subprocess.run(command, capture_output=True).returncode == 0
    bare = subprocess.run([sys.executable, "-S", *command[1:]], capture_output=True, text=True)
    assert bare.returncode == 1
    assert bare.stdout.splitlines() == declared("dependencies")


def test_both_packages_carry_one_version() -> None:
    import expanda
    import gpt2

    assert expanda.__version__ == gpt2.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changes, re.M)[1] == gpt2.__version__

"""Imports run downward; `expanda` and `gpt2` meet only in files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
# Rooms of gpt2, from the ground up: a room may import those of the levels below it and itself.
LEVELS = [
    {"suggestions", "progress"},
    {"config", "files"},
    {"metrics"},
    {"modeling", "data", "interop"},
    {"checkpoint", "saved_model"},
    {"evaluation", "generation"},
    {"training", "visualize"},
    {"commands"},
    {"main"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(package: str) -> list[Path]:
    return sorted((SRC / package).rglob("*.py"))


@pytest.mark.parametrize("path", files("gpt2"), ids=lambda path: str(path.relative_to(SRC)))
def test_imports_run_downward(path: Path) -> None:
    room = path.relative_to(SRC / "gpt2").parts[0].removesuffix(".py")
    if room == "__init__":
        assert not [name for name in imports(path) if name.startswith("gpt2")]
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "gpt2" or parts[1] in (room, "__version__"):
            continue
        assert parts[1] in LEVEL or parts[1] == "commands", f"{path.name} imports {name}, which is no room"
        assert LEVEL[parts[1]] < LEVEL[room], f"{path.name} imports {name}, which is not below it"


def test_the_two_packages_never_import_each_other() -> None:
    for package, other in (("gpt2", "expanda"), ("expanda", "gpt2")):
        for path in files(package):
            assert not [name for name in imports(path) if name.split(".")[0] == other], path


def test_no_module_imports_its_own_package_init() -> None:
    for path in [*files("gpt2"), *files("expanda")]:
        packages = {".".join(parent.relative_to(SRC).parts) for parent in path.parents if SRC in parent.parents}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in packages:
                names = {alias.name for alias in node.names}
                submodules = {p.stem for p in (SRC / node.module.replace(".", "/")).iterdir()}
                assert names <= submodules | {"__version__"}, f"{path}: from {node.module} import {names}"


def test_architecture_files_know_nothing_of_what_is_wrapped_around_them() -> None:
    for path in files("gpt2/modeling"):
        text = path.read_text(encoding="utf-8")
        for word in ("autocast", "torch.compile", "DistributedDataParallel", "fully_shard", "torch.utils.checkpoint"):
            assert word not in text, f"{path.name} speaks of {word}"

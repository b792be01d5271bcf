"""Checkpoints of a running training: step directories of safetensors and JSON, each file with its hash.

    <directory>/step-00001000/  model.safetensors optimizer.safetensors random.safetensors state.json sha256.json

Written aside, synced, renamed: a kill leaves the older ones valid. Nothing is a pickle.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from gpt2.config import UserError
from gpt2.files import new_directory, sha256, sync

STEP_NAME = re.compile(r"step-(\d{8,})")
HASH_FILE, STATE_FILE = "sha256.json", "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """`tensors`: group (model, optimizer, random) → name → tensor. `state`: everything else, as plain data."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def save_checkpoint(directory: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write one step directory; then remove the older ones but for `keep` in all, never one of a later step: that
    is either damaged, and passed over, or another's."""
    path = directory / f"step-{checkpoint.step:08d}"
    with new_directory(path) as partial:
        for group, tensors in checkpoint.tensors.items():
            save_file(
                {name: t.detach().cpu().contiguous() for name, t in tensors.items()}, partial / f"{group}.safetensors"
            )
        (partial / STATE_FILE).write_text(json.dumps(checkpoint.state, indent=2) + "\n", encoding="utf-8")
        hashes = {file.name: sha256(file) for file in sorted(partial.iterdir())}
        (partial / HASH_FILE).write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")
    not_later = [old for old in _step_directories(directory) if _step_of(old) <= checkpoint.step]
    for old in not_later[keep:]:
        shutil.rmtree(old)
    sync(directory)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one step directory.

    Raises:
        UserError: it is damaged; the message names the file.
    """
    if problem := find_damage(path):
        raise UserError(f"{path}: damaged checkpoint: {problem}; name the directory above it to use the one before")
    tensors = {file.stem: load_file(file) for file in path.glob("*.safetensors")}
    state = json.loads((path / STATE_FILE).read_text(encoding="utf-8"))
    return Checkpoint(int(state["step"]), tensors, state)


def find_checkpoint(path: Path) -> tuple[Path | None, list[str]]:
    """The newest valid step directory in `path` (or `path` itself, if it is one), and a line for each damaged newer
    one that was passed over."""
    if (path / STATE_FILE).is_file() or STEP_NAME.fullmatch(path.name):
        return path, []
    passed_over: list[str] = []
    for candidate in _step_directories(path):
        problem = find_damage(candidate)
        if problem is None:
            return candidate, passed_over
        passed_over.append(f"{candidate}: damaged, passed over: {problem}")
    return None, passed_over


def find_newer(directory: Path, step: int) -> Path | None:
    """The newest valid step directory of a later step than this one, if there is one."""
    later = [path for path in _step_directories(directory) if _step_of(path) > step]
    return next((path for path in later if find_damage(path) is None), None)


def find_damage(path: Path) -> str | None:
    """What is wrong with a step directory, by file name; None when every hash agrees."""
    try:
        hashes = json.loads((path / HASH_FILE).read_text(encoding="utf-8"))
        if not isinstance(hashes, dict) or STATE_FILE not in hashes:
            return f"{HASH_FILE} is incomplete"
    except (OSError, ValueError):
        return f"{HASH_FILE} is missing or unreadable"
    for name, expected in hashes.items():
        file = path / Path(name).name
        if not file.is_file():
            return f"{name} is missing"
        if sha256(file) != expected:
            return f"{name} has changed since it was written"
    return None


def holds_checkpoint(directory: Path) -> bool:
    return bool(_step_directories(directory))


def _step_directories(directory: Path) -> list[Path]:
    """Newest first."""
    if not directory.is_dir():
        return []
    return sorted((p for p in directory.iterdir() if STEP_NAME.fullmatch(p.name)), key=_step_of, reverse=True)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("step-"))

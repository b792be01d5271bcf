"""The manifest: what a build was made from, what came out, and whether that is still so."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from expanda.config import Config
from expanda.files import sha256_of
from expanda.utils import VERSION

# Neither changes a byte of the outputs.
_IRRELEVANT = ("num-cores", "temporary-path")


def versions() -> dict[str, str]:
    """Return the versions of everything whose change may change the outputs."""
    found = {"expanda": VERSION, "python": platform.python_version()}
    for package in ("tokenizers", "mwparserfromhell", "sentencex", "numpy"):
        found[package] = metadata.version(package)
    return found


def describe_inputs(config: Config) -> list[dict[str, Any]]:
    """Return path, extension, size and hash of every input."""
    return [
        {
            "path": source.path.as_posix(),
            "extension": source.extension.module,
            "bytes": source.path.stat().st_size,
            "sha256": sha256_of(source.path),
        }
        for source in config.sources
    ]


def output_name(place: Path, manifest: Path) -> str:
    """Return how the manifest names an output: relative to its own directory."""
    return Path(os.path.relpath(place, manifest.parent)).as_posix()


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return what is written there, or None when there is no manifest that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def is_up_to_date(config: Config, inputs: list[dict[str, Any]]) -> bool:
    """Whether a manifest of the same configuration, inputs and version is there, and its outputs are unchanged."""
    path = config.build.manifest
    old = read_manifest(path)
    if old is None or old.get("versions", {}).get("expanda") != VERSION:
        return False
    if _relevant(old.get("config", {})) != _relevant(config.as_record()):
        return False
    old_inputs = [{key: source.get(key) for key in inputs[0]} for source in old.get("sources", [])]
    if old_inputs != inputs:
        return False
    for name, described in old.get("outputs", {}).items():
        place = path.parent / name
        if not place.is_file() or place.stat().st_size != described["bytes"] or sha256_of(place) != described["sha256"]:
            return False
    return bool(old.get("outputs"))


def _relevant(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in section.items() if key not in _IRRELEVANT}
        for name, section in json.loads(json.dumps(record)).items()
    }

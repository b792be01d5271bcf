"""The manifest: what a build was made from, what came out, and whether that is still so."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any

from expanda.config import Config
from expanda.files import sha256_of
from expanda.keys import BuildConfig
from expanda.tally import Report
from expanda.utils import VERSION, UserError

_COUNTS = Report().as_record().keys()
# Neither changes a byte of the outputs.
_IRRELEVANT = ("num-cores", "executor", "temporary-path")


def versions() -> dict[str, str]:
    """Return the versions of everything whose change may change the outputs."""
    found = {"expanda": f"{VERSION}+{_hash_of_our_source()}", "python": platform.python_version()}
    for package in ("tokenizers", "tiktoken", "regex", "mwparserfromhell", "sentencex", "numpy"):
        found[package] = metadata.version(package)
    return found


def _hash_of_our_source() -> str:
    # One may teach expanda a template or a prefix by a line in its own files, and no version number tells.
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def recipe(config: Config) -> dict[str, Any]:
    """Return everything that decides what a build makes, as the manifest records it."""
    return {
        "config": config.as_record(),
        "seed": config.build.seed,
        "versions": versions(),
        "vocabulary": [_describe(file) for file in config.build.vocabulary_files.values() if file.is_file()],
        "files": [_describe(file) for file in _named_files(config)],
        "sources": [{**_describe(source.path), "extension": source.extension.module} for source in config.sources],
    }


def _named_files(config: Config) -> list[Path]:
    """Return the files that options of the extensions name, such as `templates`."""
    values = (value for source in config.sources for value in source.arguments.values())
    return sorted({value for value in values if isinstance(value, Path)})


def _describe(file: Path) -> dict[str, Any]:
    return {"path": file.as_posix(), "bytes": file.stat().st_size, "sha256": sha256_of(file)}


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


def is_up_to_date(path: Path, wanted: dict[str, Any]) -> bool:
    """Whether the manifest at `path` tells of a build by the recipe `wanted`, and its outputs are unchanged."""
    old = read_manifest(path)
    if old is None or not old.get("outputs") or deciding_part(old, of=wanted) != deciding_part(wanted):
        return False
    for name, described in old["outputs"].items():
        place = path.parent / name
        if not place.is_file() or place.stat().st_size != described["bytes"] or sha256_of(place) != described["sha256"]:
            return False
    return True


def deciding_part(record: dict[str, Any], *, of: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the part of a recipe, or of a manifest, that decides the outputs: no counts, no irrelevant keys.

    Args:
        of: a recipe whose keys to take; default: all of `record`.
    """
    part: dict[str, Any] = json.loads(json.dumps({key: record.get(key) for key in (of or record)}))
    for section in (part["config"] or {}).values():
        for key in _IRRELEVANT:
            section.pop(key, None)
    for source in part["sources"] or []:
        for key in _COUNTS:
            source.pop(key, None)
    return part


def ledger_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a build lost, source by source: pages by title and id, or bytes of the file, each with its reason."""
    return [entry for source in manifest.get("sources", []) for entry in source.get("lost", [])]


def refuse_foreign_outputs(build: BuildConfig) -> None:
    """Raise when the manifest in our place describes a build to other places, which we would tear apart.

    Raises:
        UserError: naming what is there and what to do.
    """
    files = [build.manifest.parent / name for name in (read_manifest(build.manifest) or {}).get("outputs", {})]
    foreign = [file.as_posix() for file in files if file.is_file() and not build.is_place(file)]
    if foreign:
        raise UserError(
            f"{build.tokenizer_json} and {build.manifest} belong to another configuration, which made "
            f"{', '.join(foreign)}; write the outputs of this one into another directory, for example "
            f"output-vocab = {build.manifest.parent.as_posix()}-2/{build.output_vocab.name} in [build], "
            "or remove the old build"
        )


def remove_old_ids_and_texts(old: dict[str, Any], build: BuildConfig, made: Collection[str]) -> None:
    """Delete what an earlier build wrote in our places and this one did not: other shards, texts now switched off."""
    for name in old.get("outputs", {}):
        file = build.manifest.parent / name
        if name not in made and build.is_place(file):
            file.unlink(missing_ok=True)

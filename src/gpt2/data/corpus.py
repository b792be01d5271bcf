"""A tokenized corpus: the ids on disk, made anew from the text when they are missing or stale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gpt2.config import UserError
from gpt2.data.tokenfile import TokenFile, shards_of, write_token_file
from gpt2.data.tokenizer import VOCAB_FILE, Tokenizer
from gpt2.files import sha256, write_text
from gpt2.progress import Progress

CHUNK_TOKENS = 1 << 20


@dataclass(frozen=True)
class Corpus:
    """Ids of one split. `text_bytes`: UTF-8 bytes of its raw text with one newline a sequence, if known."""

    path: Path
    ids: TokenFile
    tokenizer: Tokenizer
    text_bytes: int | None


def open_corpus(path: str | Path, tokenizer: Tokenizer) -> Corpus:
    """Open a corpus by its `.txt` or `.bin` path.

    The `.bin` beside a `.txt` is used when it provably holds the same text: expanda's manifest, or the note that
    this function leaves beside a `.bin` of its own, agrees on the hashes of both. Otherwise it is made anew.
    A missing `.txt` whose `.bin` is there means the `.bin`.

    Raises:
        UserError: nothing there, another vocabulary, a damaged `.bin`, or a token that is not in the vocabulary.
    """
    path = Path(path)
    text_path, bin_path = path.with_suffix(".txt"), path.with_suffix(".bin")
    manifest = _read_json(path.parent / "manifest.json")
    ids = shards_of(bin_path)
    if path.suffix == ".bin" or (not text_path.is_file() and ids):
        if not ids:
            raise UserError(f"{path}: no such corpus")
        _check_vocabulary(path, manifest, tokenizer)
    elif not path.is_file():
        raise UserError(f"{path}: no such corpus; 'expanda build' makes one, or name yours with --train_corpus")
    elif not _manifest_agrees(manifest, text_path, ids):
        _refresh(text_path, bin_path, tokenizer)
        return Corpus(path, TokenFile([bin_path]), tokenizer, text_bytes=None)
    else:
        _check_vocabulary(path, manifest, tokenizer)
    return Corpus(path, TokenFile(ids), tokenizer, _text_bytes(manifest, path))


def _check_vocabulary(path: Path, manifest: dict[str, Any], tokenizer: Tokenizer) -> None:
    """A manifest names the vocabulary that the ids mean."""
    for name, output in manifest.get("outputs", {}).items():
        if Path(name).name == VOCAB_FILE and output["sha256"] != tokenizer.vocab_sha256:
            raise UserError(
                f"{path}: these ids were built with another vocabulary than the one given; "
                f"use the {VOCAB_FILE} beside the corpus, or build the corpus with this vocabulary"
            )


def _manifest_agrees(manifest: dict[str, Any], text_path: Path, ids: list[Path]) -> bool:
    outputs = manifest.get("outputs", {})
    files = [text_path, *ids]
    return bool(ids) and all(path.name in outputs and outputs[path.name]["sha256"] == sha256(path) for path in files)


def _text_bytes(manifest: dict[str, Any], path: Path) -> int | None:
    build = manifest.get("config", {}).get("build", {})
    for split in ("train", "test"):
        output = build.get(f"output-{split}-corpus")
        if output and Path(output).stem == path.stem:
            return int(manifest["splits"][split]["text_bytes"])
    return None


def _refresh(text_path: Path, bin_path: Path, tokenizer: Tokenizer) -> None:
    """Make the `.bin` of a text corpus, unless the note beside it says that it is of this text and vocabulary."""
    note_path = bin_path.with_name(bin_path.name + ".json")
    wanted = {"text_sha256": sha256(text_path), "vocab_sha256": tokenizer.vocab_sha256}
    if bin_path.is_file() and _read_json(note_path) == {**wanted, "bin_sha256": sha256(bin_path)}:
        return
    write_token_file(bin_path, _ids_of_text(text_path, tokenizer), tokenizer.vocab_size)
    write_text(note_path, json.dumps({**wanted, "bin_sha256": sha256(bin_path)}, indent=2) + "\n")


def _ids_of_text(path: Path, tokenizer: Tokenizer) -> Iterator[npt.NDArray[np.int64]]:
    """Chunks of ids of a text corpus: each line is one sequence, written as begin mark, its tokens, end mark."""
    before = [] if tokenizer.bos is None else [tokenizer.bos]
    after = [] if tokenizer.eos is None else [tokenizer.eos]
    chunk: list[int] = []
    with path.open("rb") as file, Progress(path.stat().st_size, f"reading {path.name}", "B") as progress:
        for number, line in enumerate(file, start=1):
            try:
                words = line.decode("utf-8").rstrip("\n").split(" ")
                chunk += [*before, *(tokenizer.ids[word] for word in words if word), *after]
            except KeyError as error:
                raise UserError(
                    f"{path}:{number}: token {error} is not in the vocabulary; rebuild with 'expanda build', "
                    "or name the vocabulary of this corpus with --vocab_path"
                ) from error
            except UnicodeDecodeError as error:
                raise UserError(f"{path}:{number}: not UTF-8 text") from error
            progress.advance(len(line))
            if len(chunk) >= CHUNK_TOKENS:
                yield np.array(chunk, dtype=np.int64)
                chunk = []
    yield np.array(chunk, dtype=np.int64)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

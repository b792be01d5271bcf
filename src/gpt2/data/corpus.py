"""A tokenized corpus: the ids on disk, made anew from the text when they are missing or stale."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gpt2.config import UserError
from gpt2.data.tokenfile import TokenFile, shards_of, write_token_file
from gpt2.data.tokenizer import Tokenizer
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


def open_corpus(path: str | Path, tokenizer: Tokenizer, vocab_path: str | Path | None = None) -> Corpus:
    """Open a corpus by its text or `.bin` path.

    The `.bin` beside a text is used when it provably holds the same: expanda's manifest (beside the corpus or beside
    `vocab_path`), or the note that this function leaves beside a `.bin` of its own, agrees on the hashes of both.
    Otherwise it is made anew. A missing text whose `.bin` is there means the `.bin`.

    Raises:
        UserError: nothing there, another vocabulary, a damaged `.bin`, or a token that is not in the vocabulary.
    """
    path = Path(path)
    bin_path = path if path.suffix == ".bin" else bin_path_of(path)
    manifest = _find_manifest(path, vocab_path)
    ids = shards_of(bin_path)
    if path == bin_path or (not path.is_file() and ids):
        if not ids:
            raise UserError(f"{path}: no such corpus")
        manifest.check_vocabulary(path, tokenizer)
    elif not path.is_file():
        raise UserError(
            f"{path}: no such corpus; 'expanda build' makes one, or name yours with --train_corpus and --eval_corpus"
        )
    elif not (ids and manifest.vouches_for([path, *ids])):
        _refresh(path, bin_path, tokenizer)
        return Corpus(path, TokenFile([bin_path]), tokenizer, text_bytes=None)
    else:
        manifest.check_vocabulary(path, tokenizer)
    return Corpus(path, TokenFile(ids), tokenizer, manifest.text_bytes(bin_path))


def bin_path_of(text_path: Path) -> Path:
    """Where expanda puts the ids of a text: `corpus.train.txt` and `corpus.train` → `corpus.train.bin`."""
    return text_path.with_name(text_path.name.removesuffix(".txt") + ".bin")


@dataclass(frozen=True)
class Manifest:
    """What expanda says of the files beside it; without one, it vouches for nothing."""

    directory: Path
    content: dict[str, Any]

    def _sha256_of(self, path: Path) -> str | None:
        for name, output in self.content.get("outputs", {}).items():
            if (self.directory / name).resolve() == path.resolve():
                return str(output["sha256"])
        return None

    def vouches_for(self, paths: list[Path]) -> bool:
        """Whether every file is one of the build's and has not changed."""
        return all(self._sha256_of(path) == sha256(path) for path in paths)

    def check_vocabulary(self, corpus: Path, tokenizer: Tokenizer) -> None:
        """The ids of a build mean its own vocabulary.

        Raises:
            UserError: the tokenizer has another one.
        """
        if not self.content:
            return
        name = Path(self.content["config"]["build"]["output-vocab"]).name
        if self.content["outputs"][name]["sha256"] != tokenizer.vocab_sha256:
            raise UserError(
                f"{corpus}: these ids were built with another vocabulary than the one given; "
                f"use the {name} in {self.directory}, or build the corpus with this vocabulary"
            )

    def text_bytes(self, bin_path: Path) -> int | None:
        """UTF-8 bytes of the raw text of the split whose ids these are."""
        build = self.content.get("config", {}).get("build", {})
        for split in self.content.get("splits", {}):
            # Both are named from the workspace; the manifest lies beside the vocabulary.
            relative = os.path.relpath(build[f"output-{split}-corpus"], Path(build["output-vocab"]).parent)
            if bin_path_of(self.directory / relative).resolve() == bin_path.resolve():
                return int(self.content["splits"][split]["text_bytes"])
        return None


def _find_manifest(corpus: Path, vocab_path: str | Path | None) -> Manifest:
    for directory in (corpus.parent, *([Path(vocab_path).parent] if vocab_path else [])):
        content = _read_json(directory / "manifest.json")
        if {"config", "splits", "outputs"} <= content.keys():
            return Manifest(directory, content)
    return Manifest(corpus.parent, {})


def _refresh(text_path: Path, bin_path: Path, tokenizer: Tokenizer) -> None:
    """Make the `.bin` of a text corpus, unless the note beside it says that it is of this text and vocabulary."""
    note_path = bin_path.with_name(bin_path.name + ".json")
    wanted = {"text_sha256": sha256(text_path), "vocab_sha256": tokenizer.vocab_sha256}
    if bin_path.is_file() and _read_json(note_path) == {**wanted, "bin_sha256": sha256(bin_path)}:
        return
    try:
        write_token_file(bin_path, _ids_of_text(text_path, tokenizer), tokenizer.vocab_size)
    except PermissionError as error:
        raise UserError(
            f"{bin_path}: the ids of this corpus must be written, and its directory is not writable; "
            "copy the corpus to a directory that is"
        ) from error
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

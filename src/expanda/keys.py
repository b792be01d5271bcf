"""Every key of [build] and [tokenization], with its default, its help and how its text is read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expanda.options import at_least, boolean, one_of


def _about(help_text: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    return {"help": help_text, "parse": parse}


def _ratio(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError("must be at least 0 and below 1")
    return value


def tokens(text: str) -> tuple[str, ...]:
    """Read one token a line.

    Raises:
        ValueError: a token contains a space, or stands there twice.
    """
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if broken := [token for token in found if len(token.split()) > 1]:
        raise ValueError(f"'{broken[0]}' contains a space; write one token a line")
    if len(set(found)) < len(found):
        raise ValueError("a token stands there twice")
    return found


def _input_lines(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = re.fullmatch(r"--(\S+)\s+(.+)", line)
        if not parts:
            raise ValueError(f"cannot read '{line}'; write '--module path', for example '--expanda.ext.text book.txt'")
        pairs.append((parts[1], parts[2]))
    return tuple(pairs)


def _path(text: str) -> Path:
    if not text.strip():
        raise ValueError("must name a file")
    return Path(text.strip())


@dataclass(frozen=True)
class BuildConfig:
    """Section [build]: what goes in, how it is divided, where it goes."""

    input_files: tuple[tuple[str, str], ...] = field(
        default=(),
        metadata=_about("the sources, one a line: --module path; * ? [ ] and ** in a path expand", _input_lines),
    )
    input_vocab: Path | None = field(
        default=None,
        metadata=_about(
            "use this vocabulary (vocab.txt of WordPiece, or a tokenizer.json) instead of training one", _path
        ),
    )
    balancing: bool = field(
        default=False,
        metadata=_about("repeat the smaller sources' train text as often as they fit into the largest source", boolean),
    )
    split_ratio: float = field(
        default=0.1, metadata=_about("the part of the text that goes into the test corpus", _ratio)
    )
    split_by: str = field(
        default="document",
        metadata=_about(
            "what stays whole: document; line (each sequence by itself); tail (test is the end of the text)",
            one_of("document", "line", "tail"),
        ),
    )
    shuffle: bool = field(default=True, metadata=_about("shuffle the sequences of each side", boolean))
    seed: int = field(default=0, metadata=_about("decides the split and the order", int))
    temporary_path: Path = field(
        default=Path("tmp"), metadata=_about("where temporary files go; only our own are deleted", _path)
    )
    output_vocab: Path = field(
        default=Path("build/vocab.txt"),
        metadata=_about("the vocabulary; tokenizer.json and manifest.json are written beside it", _path),
    )
    output_train_corpus: Path = field(
        default=Path("build/corpus.train.txt"), metadata=_about("train's tokens, and as .bin its ids", _path)
    )
    output_test_corpus: Path = field(
        default=Path("build/corpus.test.txt"), metadata=_about("test's tokens, and as .bin its ids", _path)
    )
    text_corpora: bool = field(
        default=True,
        metadata=_about("write train's and test's tokens as text too; false leaves only their ids", boolean),
    )
    output_raw_corpus: Path = field(
        default=Path("build/corpus.raw.txt"), metadata=_about("the text of both, test first", _path)
    )

    @property
    def manifest(self) -> Path:
        """Where the manifest lies: beside the vocabulary."""
        return self.output_vocab.with_name("manifest.json")

    @property
    def tokenizer_json(self) -> Path:
        """Where the whole tokenizer lies: beside the vocabulary."""
        return self.output_vocab.with_name("tokenizer.json")

    def ids(self, side: str) -> Path:
        """Where the ids of train or test lie: beside the side's tokens."""
        place: Path = getattr(self, f"output_{side}_corpus")
        return place.with_suffix(".bin") if place.suffix == ".txt" else place.with_name(place.name + ".bin")

    @property
    def places(self) -> dict[str, Path]:
        """Every file that a build writes, by what a message calls it; ids may be cut into shards beside theirs."""
        return {
            "output-vocab": self.output_vocab,
            "output-train-corpus": self.output_train_corpus,
            "output-test-corpus": self.output_test_corpus,
            "output-raw-corpus": self.output_raw_corpus,
            "the ids beside output-train-corpus": self.ids("train"),
            "the ids beside output-test-corpus": self.ids("test"),
            "tokenizer.json beside output-vocab": self.tokenizer_json,
            "manifest.json beside output-vocab": self.manifest,
        }

    def is_place(self, file: Path) -> bool:
        """Whether a build of this configuration may write `file`: it is one of the places, or a shard of ids."""
        unnumbered = file.with_name(re.sub(r"\.\d{5}\.bin$", ".bin", file.name))
        return not {file.resolve(), unnumbered.resolve()}.isdisjoint(place.resolve() for place in self.places.values())

    @property
    def vocabulary_files(self) -> dict[str, Path]:
        """What is read for input-vocab, by what a message calls it; a tokenizer.json beside it may be absent."""
        if self.input_vocab is None:
            return {}
        whole = self.input_vocab.with_name("tokenizer.json")
        beside = {"tokenizer.json beside input-vocab": whole} if self.input_vocab.suffix != ".json" else {}
        return {"input-vocab": self.input_vocab, **beside}


@dataclass(frozen=True)
class TokenizationConfig:
    """Section [tokenization]: which tokenizer, and how it is trained."""

    tokenizer: str = field(
        default="wordpiece", metadata=_about("wordpiece, bpe (byte-level) or char", one_of("wordpiece", "bpe", "char"))
    )
    vocab_size: int = field(
        default=8000, metadata=_about("the most tokens a vocabulary may have (char takes what it needs)", at_least(1))
    )
    limit_alphabet: int = field(default=1000, metadata=_about("wordpiece: the most different characters", at_least(1)))
    subset_size: int = field(
        default=128_000_000, metadata=_about("train the tokenizer on this many bytes of the train text", at_least(1))
    )
    unk_token: str | None = field(
        default=None, metadata=_about("the unknown token; default <unk> for wordpiece, none for the others", str.strip)
    )
    control_tokens: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "tokens that stand for no text, one a line; <s> and </s> are put around each sequence of ids", tokens
        ),
    )
    lowercase: bool | None = field(
        default=None, metadata=_about("lower-case the text; default true for wordpiece, false for the others", boolean)
    )

    @property
    def unknown(self) -> str | None:
        """The unknown token, or None when this tokenizer needs none."""
        return self.unk_token or ("<unk>" if self.tokenizer == "wordpiece" else None)

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The unknown token, if any, and the control tokens: the first ids of a trained vocabulary."""
        return tuple(dict.fromkeys(([self.unknown] if self.unknown else []) + list(self.control_tokens)))

    @property
    def lowers(self) -> bool:
        """Whether text is lower-cased."""
        return self.tokenizer == "wordpiece" if self.lowercase is None else self.lowercase


def key_name(item: dataclasses.Field[Any]) -> str:
    """Return how a field is written in a configuration file."""
    return item.name.replace("_", "-")

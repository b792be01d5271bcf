"""A small corpus with its vocabulary, made in a moment, and tiny models: what most laws are stated on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from gpt2.config import Config, ModelConfig, build
from gpt2.data.tokenizer import Tokenizer, load_tokenizer
from gpt2.modeling.transformer import Transformer
from gpt2.training.placement import make_plan
from gpt2.training.run import Run

CONTROL = ["<unk>", "<s>", "</s>", "<pad>"]


def sentences(count: int, seed: int) -> list[str]:
    """Sentences of a toy grammar, English and Korean: enough structure for a tiny model to learn something."""
    draw = random.Random(seed)
    english = (
        ["The", "A"],
        ["river", "small bird", "teacher"],
        ["sees", "likes"],
        ["the sea.", "old trees.", "bread."],
    )
    korean = (["강은", "작은 새는", "선생님은"], ["바다를", "나무를", "빵을"], ["본다.", "좋아한다."])
    return [" ".join(draw.choice(words) for words in draw.choice((english, korean))) for _ in range(count)]


def write_corpus(directory: Path, *, train: int = 300, test: int = 60) -> Path:
    """corpus.{train,test}.txt, vocab.txt and tokenizer.json, byte-level BPE, as expanda writes them."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=CONTROL, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(sentences(200, seed=0), trainer)
    directory.mkdir(parents=True, exist_ok=True)
    backend.save(str(directory / "tokenizer.json"))
    words = [backend.id_to_token(index) for index in range(backend.get_vocab_size())]
    (directory / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    for name, count, seed in (("train", train, 1), ("test", test, 2)):
        lines = [" ".join(backend.encode(text).tokens) + "\n" for text in sentences(count, seed)]
        (directory / f"corpus.{name}.txt").write_text("".join(lines), encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def tokenizer(corpus_dir: Path) -> Tokenizer:
    return load_tokenizer(corpus_dir / "vocab.txt")


def tiny_config(corpus_dir: Path, output: Path, **train: Any) -> Config:
    """A whole configuration that trains in a second."""
    model = {"layers": 2, "heads": 2, "dims": 32, "seq_len": 16, "dropout": train.pop("dropout", 0.1)}
    data = {
        "train_corpus": str(corpus_dir / "corpus.train.txt"),
        "eval_corpus": str(corpus_dir / "corpus.test.txt"),
        "vocab_path": str(corpus_dir / "vocab.txt"),
        "pack": train.pop("pack", True),
    }
    rhythm = {"batch_train": 8, "batch_eval": 8, "total_steps": 6, "warmup_steps": 2, "log_steps": 2, "eval_steps": 3}
    return build(
        {"model": model, "data": data, "train": {**rhythm, "output_dir": str(output), "device": "cpu", **train}}
    )


def tiny_run(config: Config) -> Run:
    """The run that `gpt2 train` would make of a configuration."""
    return Run(make_plan(config.to_dict(), name="test"))


def tiny_model(seed: int = 0, **sizes: int | float) -> Transformer:
    """An initialised model in evaluation mode, dropout 0."""
    defaults: dict[str, Any] = {"layers": 2, "heads": 2, "dims": 32, "seq_len": 16, "dropout": 0.0, "vocab_size": 101}
    model = Transformer(ModelConfig(**{**defaults, **sizes}))
    model.initialize(seed)
    return model.eval()


@pytest.fixture(autouse=True)
def _few_threads() -> None:
    torch.set_num_threads(1)

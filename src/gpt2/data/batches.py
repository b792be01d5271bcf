"""Rows of a corpus, and the order in which training takes them: a pure function of (seed, epoch, step)."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gpt2.config import IGNORE, UserError
from gpt2.data.corpus import Corpus

Ints = npt.NDArray[np.int64]
SCAN_TOKENS = 1 << 24


class Rows(Protocol):
    """Inputs and targets of a corpus, T positions a row; targets are the inputs' successors or IGNORE.

    Begin marks are never targets: each follows from the end mark before it. `training_rows` counts the rows that
    training draws from, `all_rows` those in which every target of the corpus stands exactly once.
    """

    seq_len: int
    training_rows: int
    all_rows: int

    def fetch(self, indices: Ints, seed: int = 0, epoch: int | None = None) -> tuple[Ints, Ints]:
        """(inputs, targets), int64, (len(indices), T) each. An epoch may shift where rows are cut."""
        ...


class PackedRows:
    """Row i is the tokens i·T … i·T + T of the corpus: no padding, no token left out.

    What does not fill the last row is the slack. Each epoch of training cuts its rows a little later, by a seeded
    part of the slack, so that the left-out tokens differ; without an epoch the last row is padded instead.
    """

    def __init__(self, corpus: Corpus, seq_len: int) -> None:
        self.ids, self.seq_len, self.bos = corpus.ids, seq_len, corpus.tokenizer.bos
        targets = max(len(self.ids) - 1, 0)
        self.training_rows, self.slack = divmod(targets, seq_len)
        self.all_rows = -(-targets // seq_len)

    def fetch(self, indices: Ints, seed: int = 0, epoch: int | None = None) -> tuple[Ints, Ints]:
        T = self.seq_len
        shift = 0 if epoch is None else int(np.random.default_rng([seed, epoch, 1]).integers(self.slack + 1))
        tokens = np.full((len(indices), T + 1), IGNORE, dtype=np.int64)
        for row, index in zip(tokens, indices, strict=True):
            start = shift + int(index) * T
            part = self.ids.slice(start, min(start + T + 1, len(self.ids)))
            row[: len(part)] = part
        return _inputs_and_targets(tokens, padding=0, bos=self.bos)


class PaddedRows:
    """One sequence a row, padded; a sequence of more than T + 1 tokens is cut into several rows, none dropped."""

    def __init__(self, corpus: Corpus, seq_len: int) -> None:
        self.ids, self.seq_len, self.bos = corpus.ids, seq_len, corpus.tokenizer.bos
        self.padding = corpus.tokenizer.pad or 0
        bounds = _sequence_bounds(corpus)
        lengths = np.diff(bounds)
        # A sequence of n tokens has n - 1 targets: its rows start T apart and share one token.
        pieces = -(-np.maximum(lengths - 1, 0) // seq_len)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        self.starts = np.repeat(bounds[:-1], pieces) + (np.arange(int(pieces.sum())) - first) * seq_len
        self.stops = np.minimum(np.repeat(bounds[1:], pieces), self.starts + seq_len + 1)
        self.training_rows = self.all_rows = len(self.starts)

    def fetch(self, indices: Ints, seed: int = 0, epoch: int | None = None) -> tuple[Ints, Ints]:
        tokens = np.full((len(indices), self.seq_len + 1), IGNORE, dtype=np.int64)
        for row, index in zip(tokens, indices, strict=True):
            part = self.ids.slice(int(self.starts[index]), int(self.stops[index]))
            row[: len(part)] = part
        return _inputs_and_targets(tokens, padding=self.padding, bos=self.bos)


def make_rows(corpus: Corpus, seq_len: int, *, pack: bool) -> Rows:
    return PackedRows(corpus, seq_len) if pack else PaddedRows(corpus, seq_len)


class TrainingOrder:
    """Which rows make up a step: epochs of seeded permutations, one behind the other, cut into batches.

    The global order is the same for any number of ranks: rank r of R takes the r-th part of each batch.
    """

    def __init__(self, rows: Rows, *, batch: int, seed: int, source: str) -> None:
        if rows.training_rows < 1:
            raise UserError(
                f"{source}: the corpus is shorter than one row of {rows.seq_len} + 1 tokens; "
                "take a smaller --seq_len or more text"
            )
        self.rows, self.batch, self.seed = rows, batch, seed

    def fetch(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[Ints, Ints]:
        """The rank's rows of the batch that leads from `step` finished updates to the next: (batch / ranks, T)."""
        share = self.batch // ranks
        position = step * self.batch + rank * share
        parts = []
        while share:
            epoch, index = divmod(position, self.rows.training_rows)
            indices = permutation(self.seed, epoch, self.rows.training_rows)[index : index + share]
            parts.append(self.rows.fetch(indices, self.seed, epoch))
            position, share = position + len(indices), share - len(indices)
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


@lru_cache(maxsize=4)
def permutation(seed: int, epoch: int, count: int) -> Ints:
    """A seeded order of 0 … count - 1 for one epoch."""
    return np.random.default_rng([seed, epoch, 0]).permutation(count)


def _inputs_and_targets(tokens: Ints, *, padding: int, bos: int | None) -> tuple[Ints, Ints]:
    """(B, T + 1) tokens, IGNORE where there are none, as inputs and targets of (B, T)."""
    inputs, targets = tokens[:, :-1].copy(), tokens[:, 1:].copy()
    inputs[inputs == IGNORE] = padding
    if bos is not None:
        targets[targets == bos] = IGNORE
    return inputs, targets


def _sequence_bounds(corpus: Corpus) -> Ints:
    """Where sequences begin, and the end of the corpus: (sequences + 1,)."""
    ids, tokenizer = corpus.ids, corpus.tokenizer
    mark, shift = (tokenizer.bos, 0) if tokenizer.bos is not None else (tokenizer.eos, 1)
    if mark is None:
        raise UserError(f"{corpus.path}: --no_pack needs <s> or </s> in the vocabulary, to see where sequences begin")
    found = [
        start + shift + np.flatnonzero(ids.slice(start, min(start + SCAN_TOKENS, len(ids))) == mark)
        for start in range(0, len(ids), SCAN_TOKENS)
    ]
    return np.unique(np.concatenate([[0], *found, [len(ids)]]))


def sequence_beginnings(corpus: Corpus, *, count: int, tokens: int) -> list[str]:
    """The whole words among the first `tokens` tokens of the first `count` sequences: prompts for samples."""
    marks = {corpus.tokenizer.bos, corpus.tokenizer.eos}
    beginnings: list[list[int]] = [[]]
    for token in corpus.ids.slice(0, min(len(corpus.ids), SCAN_TOKENS >> 8)).tolist():
        if token not in marks:
            beginnings[-1].append(token)
        elif beginnings[-1]:
            beginnings.append([])
    texts = [corpus.tokenizer.decode(ids[:tokens]) for ids in beginnings[:count]]
    whole_words = [text[: text.rfind(" ")] if " " in text.strip() else text for text in texts]
    return [text for words in whole_words if (text := words.rstrip("\ufffd").strip())]

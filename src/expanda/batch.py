"""The ids of several sequences in one array, and the way of the `tokenizers` library to make them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from expanda.utils import UserError

Ids = np.ndarray[Any, np.dtype[np.uint32]]
MARK = 0xFFFFFFFF  # stands for no token: where a sequence ends


class Batch(NamedTuple):
    """The ids of sequences, one sequence after another.

    | field | type | shape |
    | --- | --- | --- |
    | `ids` | uint32 | (tokens of all sequences) |
    | `lengths` | int64 | (sequences): how many tokens each has |
    """

    ids: Ids
    lengths: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> Batch:
        """Return a batch of lists of ids."""
        lengths = np.array([len(ids) for ids in sequences], np.int64)
        return cls(np.fromiter(itertools.chain.from_iterable(sequences), np.uint32, int(lengths.sum())), lengths)

    @classmethod
    def cut_at_marks(cls, ids: Ids) -> Batch:
        """Return a batch of ids where `MARK` stands behind each sequence."""
        is_mark = ids == MARK
        return cls(ids[~is_mark], np.diff(np.flatnonzero(is_mark), prepend=-1) - 1)

    @property
    def ends(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where each sequence ends: shape (sequences)."""
        return np.cumsum(self.lengths)

    def split(self) -> list[Ids]:
        """Return the ids of each sequence."""
        return np.split(self.ids, self.ends[:-1]) if len(self.lengths) else []


def encode_with_library(tokenizer: Tokenizer, sequences: Sequence[str]) -> Batch:
    """Return the ids that the `tokenizers` library gives.

    Raises:
        UserError: the library cannot encode a sequence.
    """
    try:
        encodings = tokenizer.encode_batch_fast(sequences, add_special_tokens=False)
    except Exception as error:  # the library raises plain Exception
        raise UserError(f"the tokenizer of input-vocab cannot encode this text: {error}") from error
    return Batch.of([encoding.ids for encoding in encodings])

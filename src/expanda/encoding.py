"""Sequences to ids as fast as Python can: one batch at a time, as arrays, exactly as `tokenizers` gives them.

Each kind of tokenizer has an encoder of its own (`bytepair`, `wordpiece`, and here characters). What they do not know
well, such as a foreign tokenizer.json with another way to divide words, is left to the library.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from expanda.batch import MARK, Batch, Ids, encode_with_library
from expanda.bytepair import byte_pair_encoder
from expanda.tokenization import shown_tokens
from expanda.utils import UserError
from expanda.wordpiece import wordpiece_encoder

BEGIN, END, GPT2_END = "<s>", "</s>", "<|endoftext|>"
Encode = Callable[[Sequence[str]], Batch]


class Encoder:
    """Sequences to ids, and the begin and end tokens to put around each; a literal `<s>` in a text stays text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.encode_special_tokens = True
        self.tokens = shown_tokens(tokenizer)
        self.begin = [number for number in [tokenizer.token_to_id(BEGIN)] if number is not None]
        ends = [number for token in (END, GPT2_END) if (number := tokenizer.token_to_id(token)) is not None]
        self.end = ends[:1]
        self._shown = np.array(self.tokens, dtype=object)
        self._encode = _encoder(tokenizer)

    def encode_batch(self, sequences: Sequence[str]) -> Batch:
        """Return the ids of the sequences, begin and end left out.

        Raises:
            UserError: a character has no id and the vocabulary has no unknown token.
        """
        return self._encode(sequences) if sequences else Batch.of([])

    def encode(self, sequences: Sequence[str]) -> list[list[int]]:
        """Return the ids of each sequence as a list of its own; raises as `encode_batch` does."""
        return [ids.tolist() for ids in self.encode_batch(sequences).split()]

    def framed(self, batch: Batch) -> Ids:
        """Return the ids with begin and end around each sequence, as a `.bin` holds them."""
        edges = np.stack([batch.ends - batch.lengths, batch.ends], axis=1)  # (sequences, 2)
        places = edges[:, [bool(self.begin), bool(self.end)]]  # (sequences, 0, 1 or 2)
        frame = np.array([*self.begin, *self.end], np.uint32)
        return np.insert(batch.ids, places.ravel(), np.tile(frame, len(edges)))

    def show(self, batch: Batch) -> str:
        """Return the lines of the tokenized text: the tokens of each sequence with one space between two."""
        shown = self._shown[batch.ids].tolist()
        edges = itertools.pairwise([0, *batch.ends.tolist()])
        return "".join([" ".join(shown[start:end]) + "\n" for start, end in edges])


def _encoder(tokenizer: Tokenizer) -> Encode:
    state = json.loads(tokenizer.to_str())
    if all(added["special"] for added in state["added_tokens"]):  # others are found in texts before anything else
        for known in (wordpiece_encoder, byte_pair_encoder, _character_encoder):
            if encode := known(tokenizer, state):
                return encode
    return lambda sequences: encode_with_library(tokenizer, sequences)


def _character_encoder(tokenizer: Tokenizer, state: dict[str, Any]) -> Encode | None:
    """Return how to look up each character of a sequence, when `tokenizer` is of the kind `char`; else None."""
    normalizer, model = state["normalizer"], state["model"]
    cuts = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    if (
        model["type"] != "WordLevel"
        or state["pre_tokenizer"] != cuts
        or normalizer not in (None, {"type": "Lowercase"})
    ):
        return None
    number_of = np.full(0x110000, model["vocab"].get(model["unk_token"], MARK), np.uint32)  # by code point
    for token, number in model["vocab"].items():
        if len(token) == 1:
            number_of[ord(token)] = number

    def encode(sequences: Sequence[str]) -> Batch:
        if normalizer:
            sequences = [tokenizer.normalizer.normalize_str(sequence) for sequence in sequences]
        points = np.frombuffer("".join(sequences).encode("utf-32-le"), "<u4")
        ids = number_of[points]
        if lost := set(points[ids == MARK].tolist()):
            raise UserError(
                f"the character {chr(min(lost))!r} is not in the vocabulary; set unk-token, or train a new one"
            )
        return Batch(ids, np.array([len(sequence) for sequence in sequences]))

    return encode

"""Byte-level BPE with the merges of a tokenizer of our own or of GPT-2's kind, done by tiktoken, several times as fast.

The two libraries differ in one rule: `tokenizers` merges the two tokens that a merge names, tiktoken any two neighbours
whose bytes together are a token. That is the same when every token, taken as a text by itself, is encoded as itself:
what happens inside a stretch of text that will become one token does not depend on its surroundings, so the two parts
are always those of its own merge. It is tested for each vocabulary, and `tokenizers` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tiktoken
from tokenizers import Tokenizer

from expanda.batch import MARK, Batch, encode_with_library
from expanda.long_words import has_long_word

# GPT-2's rule for words. `++` does not go back, which changes no match here and keeps a long run linear.
_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
# Set behind each sequence; a batch with a text that holds it goes to the library. It does not begin as it ends, so
# the end of a text and this cannot be mistaken for it together.
_BETWEEN = "\0\x01\x02"
_PLAIN = {"dropout": None, "unk_token": None, "byte_fallback": False, "ignore_merges": False}


def byte_pair_encoder(tokenizer: Tokenizer, state: dict[str, Any]) -> Callable[[Sequence[str]], Batch] | None:
    """Return how to encode as `tokenizer` does, of which `state` is the content, or None when that is not known."""
    model, words, normalizer = state["model"], state["pre_tokenizer"], state["normalizer"]
    if (
        model["type"] != "BPE"
        or any(model[key] != value for key, value in _PLAIN.items())
        or model["continuing_subword_prefix"]
        or model["end_of_word_suffix"]
        or normalizer not in (None, {"type": "Lowercase"})
        or words is None
        or (words["type"], words.get("add_prefix_space"), words.get("use_regex")) != ("ByteLevel", False, True)
    ):
        return None
    ranked = _ranked_tokens(tokenizer, model)
    if ranked is None:
        return None
    tokens = [bytes(_BYTE_OF[character] for character in token) for token in ranked]
    encoding = tiktoken.Encoding(
        "expanda",
        pat_str=_WORDS,
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={_BETWEEN: len(tokens)},
    )
    number_of = np.array([*(model["vocab"][token] for token in ranked), MARK], np.uint32)  # by rank

    def encode(sequences: Sequence[str]) -> Batch:
        if any(map(has_long_word, sequences)) or any(_BETWEEN in sequence for sequence in sequences):
            # tiktoken can run out of stack on white space, and older ones are quadratic in a word's length.
            return encode_with_library(tokenizer, sequences)
        if normalizer:
            sequences = [tokenizer.normalizer.normalize_str(sequence) for sequence in sequences]
        text = _BETWEEN.join([*sequences, ""])
        return Batch.cut_at_marks(number_of[encoding.encode_to_numpy(text, allowed_special="all")])

    return encode


def _ranked_tokens(tokenizer: Tokenizer, model: dict[str, Any]) -> list[str] | None:
    """Return the tokens in the order of their merges, behind those of single bytes; None when tiktoken would differ."""
    ranked = [*_BYTE_OF, *("".join(merge) for merge in model["merges"])]
    vocabulary: dict[str, int] = model["vocab"]
    spelled_in_bytes = set("".join(ranked)) <= _BYTE_OF.keys()
    if len(set(ranked)) < len(ranked) or not spelled_in_bytes or not set(ranked) <= vocabulary.keys():
        return None
    for token in ranked:
        if [piece.id for piece in tokenizer.model.tokenize(token)] != [vocabulary[token]]:
            return None
    return ranked


def _bytes_by_character() -> dict[str, int]:
    """Return the byte for each character of a byte-level vocabulary: its own if visible, others are from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTE_OF = _bytes_by_character()

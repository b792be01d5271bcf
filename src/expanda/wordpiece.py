"""WordPiece of Expanda's kind and form: the tokenizer that goes with a vocabulary, and a quick encoder for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from expanda.batch import MARK, Batch, encode_with_library
from expanda.keys import TokenizationConfig

PREFIX = "##"
_CACHE_BYTES = 128 << 20
_ENTRY_BYTES = 200  # what Python needs for a short word, its ids and their place in a dictionary
_END = b"\n"


def wordpiece(vocabulary: Mapping[str, int], config: TokenizationConfig) -> Tokenizer:
    """Return the tokenizer that goes with a vocabulary: Bert's cleaning, words and single punctuation marks."""
    tokenizer = Tokenizer(
        models.WordPiece(dict(vocabulary), unk_token=str(config.unknown), continuing_subword_prefix=PREFIX)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=config.lowers)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = _decoder()
    return tokenizer


def _decoder() -> decoders.Decoder:
    """Join pieces, and set punctuation as print does.

    The library's own clean-up is off because it turns "do not" into "don't". These rules only move spaces beside
    punctuation marks, which are tokens of their own, so the decoded text still has the same ids.
    """
    rules: list[decoders.Decoder] = [decoders.Replace(f" {mark}", mark) for mark in ".,;:!?)]}%"]
    rules += [decoders.Fuse()]
    rules += [decoders.Replace(f"{mark} ", mark) for mark in "([{"]
    rules += [decoders.Replace(f" ' {ending} ", f"'{ending} ") for ending in ("s", "t", "re", "ve", "ll", "d", "m")]
    rules += [decoders.Replace(" - ", "-")]
    return decoders.Sequence([decoders.WordPiece(prefix=PREFIX, cleanup=False), *rules])


def chunks(sequences: Sequence[str], *, lowercase: bool) -> list[bytes]:
    """Cut sequences into pieces of UTF-8 that Bert's cleaning and division of words treat each by itself.

    Blanks, commas and full stops always end a word, and what ASCII becomes in lower case depends on nothing else. The
    piece of a single newline ends each sequence; a newline inside one is white space as a blank is.
    """
    text = "\n".join(sequences) + "\n"
    if text.count("\n") > len(sequences):
        text = "\n".join([sequence.replace("\n", " ") for sequence in sequences]) + "\n"
    data = text.encode().lower() if lowercase else text.encode()  # bytes know ASCII's cases alone
    # The newline comes last, so nothing stands behind the last end.
    for mark in (b",", b".", _END):
        data = data.replace(mark, b" " + mark + b" ")
    return data[:-1].split(b" ")


def wordpiece_encoder(tokenizer: Tokenizer, state: dict[str, Any]) -> Callable[[Sequence[str]], Batch] | None:
    """Return how to encode as `tokenizer` does, of which `state` is the content, or None when that is not known."""
    normalizer, words, model = state["normalizer"], state["pre_tokenizer"], state["model"]
    if (
        model["type"] != "WordPiece"
        or (normalizer or {}).get("type") != "BertNormalizer"
        or words != {"type": "BertPreTokenizer"}
        or model["unk_token"] not in model["vocab"]
    ):
        return None
    return _CachedWordPiece(tokenizer, model, lowercase=normalizer["lowercase"]).encode


class _CachedWordPiece:
    """Encode each different chunk of text once, and remember its ids as long as about `_CACHE_BYTES` hold them."""

    def __init__(self, tokenizer: Tokenizer, model: dict[str, Any], *, lowercase: bool) -> None:
        self._tokenizer, self._lowercase = tokenizer, lowercase
        self._longest: int = model["max_input_chars_per_word"]
        self._unknown: int = model["vocab"][model["unk_token"]]
        prefix: str = model["continuing_subword_prefix"]
        self._begins: dict[str, int] = model["vocab"]
        self._continues = {
            token[len(prefix) :]: number for token, number in model["vocab"].items() if token.startswith(prefix)
        }
        self._forget()

    def _forget(self) -> None:
        self._ids = {_END: _as_bytes([MARK])}
        self._held = 0

    def encode(self, sequences: Sequence[str]) -> Batch:
        """Return the ids of the sequences."""
        parts = chunks(sequences, lowercase=self._lowercase)
        if self._held > _CACHE_BYTES:
            self._forget()
        self._learn(set(parts) - self._ids.keys())
        return Batch.cut_at_marks(np.frombuffer(b"".join(map(self._ids.__getitem__, parts)), np.uint32))

    def _learn(self, fresh: set[bytes]) -> None:
        others = []
        for chunk in fresh:
            if chunk.isalnum():  # ASCII letters and digits: one word, which cleaning leaves as it is
                self._ids[chunk] = _as_bytes(self._pieces(chunk.decode()))
            else:
                others.append(chunk)
        encoded = encode_with_library(self._tokenizer, [chunk.decode() for chunk in others])
        self._ids.update(zip(others, map(_as_bytes, encoded.split()), strict=True))
        self._held += sum(_ENTRY_BYTES + len(chunk) + len(self._ids[chunk]) for chunk in fresh)

    def _pieces(self, word: str) -> list[int]:
        """Take the longest token that fits again and again, which is WordPiece; no fit makes the whole word unknown."""
        if len(word) > self._longest:
            return [self._unknown]
        ids, start, known = [], 0, self._begins
        while start < len(word):
            for end in range(len(word), start, -1):
                if (number := known.get(word[start:end])) is not None:
                    break
            else:
                return [self._unknown]
            ids.append(number)
            start, known = end, self._continues
        return ids


def _as_bytes(ids: Any) -> bytes:
    return np.asarray(ids, np.uint32).tobytes()

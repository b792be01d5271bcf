"""WordPiece of Expanda's kind and form, trained so that the same text always gives the same vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from expanda.keys import TokenizationConfig
from expanda.utils import say

PREFIX = "##"


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


def train_wordpiece(sample: Callable[[], Iterable[str]], config: TokenizationConfig) -> Tokenizer:
    """Train on the sequences that `sample()` yields; it is called twice.

    The trainer numbers the continuation characters (`##x`) in the order of a hash table, other in every process, and
    breaks ties between merges by these numbers. Handing it these characters in a fixed order, as special tokens, takes
    the chance out; afterwards the vocabulary is numbered anew: unknown, control tokens, characters, merges as learned.
    """
    alphabet, continuations = _characters(sample(), config)
    bare = wordpiece({}, config)
    trainer = trainers.WordPieceTrainer(
        vocab_size=config.vocab_size,
        min_frequency=2,
        special_tokens=[*config.special_tokens, *continuations],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=PREFIX,
        show_progress=False,
    )
    bare.train_from_iterator(sample(), trainer)
    learned = sorted(bare.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    tokens = list(dict.fromkeys([*config.special_tokens, *alphabet, *continuations, *(token for token, _ in learned)]))
    if len(tokens) > config.vocab_size:
        say(f"note: the characters alone need {len(tokens):,} tokens, more than vocab-size = {config.vocab_size:,}")
    return wordpiece({token: number for number, token in enumerate(tokens)}, config)


def _characters(sample: Iterable[str], config: TokenizationConfig) -> tuple[list[str], list[str]]:
    """Return the `limit_alphabet` most frequent characters (ties by code point), and which of them continue a word."""
    blank = wordpiece({}, config)
    chunks: Counter[str] = Counter()
    for sequence in sample:
        chunks.update(blank.normalizer.normalize_str(sequence).split())
    counts: Counter[str] = Counter()
    continuing: set[str] = set()
    for chunk, times in chunks.items():
        for word, _ in blank.pre_tokenizer.pre_tokenize_str(chunk):
            for character in word:
                counts[character] += times
            continuing.update(word[1:])
    kept = sorted(sorted(counts, key=lambda c: (-counts[c], c))[: config.limit_alphabet])
    return kept, [PREFIX + character for character in kept if character in continuing]

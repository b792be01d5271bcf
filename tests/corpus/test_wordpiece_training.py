"""Training from counted words finds the vocabulary that the `tokenizers` library finds, ties in our fixed order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, trainers

from expanda.keys import TokenizationConfig
from expanda.tokenization import shown_tokens
from expanda.wordpiece import PREFIX, wordpiece
from expanda.wordpiece_training import count_words, train_wordpiece


def by_library(lines: list[str], config: TokenizationConfig, tokens: list[str]) -> set[str]:
    """Train with the library; it numbers `##x` by chance unless they are handed to it as special tokens."""
    alphabet = [token for token in tokens if len(token) == 1]
    continuations = [token for token in tokens if len(token) == 3 and token.startswith(PREFIX)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=config.vocab_size,
        min_frequency=2,
        special_tokens=[*config.special_tokens, *continuations],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=PREFIX,
        show_progress=False,
    )
    tokenizer: Tokenizer = wordpiece({}, config)
    tokenizer.train_from_iterator(lines, trainer)
    return set(tokenizer.get_vocab(with_added_tokens=False))


def check(lines: list[str], config: TokenizationConfig) -> None:
    tokens = shown_tokens(train_wordpiece([lines], config))
    assert len(set(tokens)) == len(tokens)
    assert set(tokens) == by_library(lines, config, tokens) | set(config.special_tokens)


# Few letters and long runs give many ties, overlaps such as "aaa", and one token made of different pairs.
words = st.text(st.sampled_from("aabcé"), min_size=1, max_size=12)


@given(lines=st.lists(st.lists(words, max_size=12).map(" ".join), min_size=1, max_size=12), size=st.integers(8, 60))
@settings(max_examples=300, deadline=None)
def test_the_vocabulary_is_the_librarys(lines, size):
    check(lines, TokenizationConfig(vocab_size=size, control_tokens=("<s>",)))


@given(lines=st.lists(st.lists(words, max_size=12).map(" ".join), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_characters_beyond_the_limit_are_passed_over_as_the_library_does(lines):
    check(lines, TokenizationConfig(vocab_size=30, limit_alphabet=2))


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_vocabulary_of_real_text_is_the_librarys(shared_data, lowercase):
    lines = (shared_data / "tinyshakespeare.txt").read_text().split("\n\n")
    check(lines, TokenizationConfig(vocab_size=3000, lowercase=lowercase))


@given(lines=st.lists(st.text(max_size=20), max_size=5))
def test_words_are_counted_as_the_tokenizer_divides_them(lines):
    config = TokenizationConfig()
    blank = wordpiece({}, config)
    counts = count_words([lines], config)
    expected = [
        word for line in lines for word, _ in blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(line))
    ]
    assert sorted(counts.elements()) == sorted(expected)

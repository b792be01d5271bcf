"""The quick encoders give the ids of the `tokenizers` library, whatever the text and the tokenizer."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from expanda import wordpiece
from expanda.batch import Batch
from expanda.bytepair import byte_pair_encoder
from expanda.encoding import Encoder
from expanda.keys import TokenizationConfig
from expanda.lines import escape
from expanda.tokenization import train_tokenizer
from expanda.wordpiece import wordpiece_encoder

SAMPLE = [
    "The quick brown fox doesn't jump over the lazy dog (it is asleep), does it? We'll see, they've said.",
    "고양이는 의자 위에서 잠을 잔다. 고양이는 행복하다.",
    "Prices rose 3.5 % in 1999 - the state-of-the-art method [sic] costs $40; do not buy.",
    "def f(x):\n\treturn x  # Ġ and Ċ are tokens, too\n\n\n",
    "Straße, ÉCOLE, naïve café, İstanbul ΣΊΣΥΦΟΣ 猫在椅子上睡觉。",
] * 3
# What cleaning and the division of words treat in ways of their own: controls, odd white space, accents, CJK, capitals
# whose lower case is longer, final sigma, halves of the mark between sequences, tokens' own spelling.
HOSTILE = [
    *"\0\x01\x02\t\n\v\f\r\x1c\x1f \x7f\x85\xa0\xad",
    *"\u0301\u0345\u200b\u200d\u2028\u2029\u3000\ufeff\ufffd\ue000\u0378\U0001f600\U000e0001",
    *"İıßΣςſ中あ한ﬁ٣²½·,.'\"#-_!?",
    *["##", "'s", "'ll", "'", "the", "The", "<unk>", "<s>", "</s>", "Ġ", "\\n"],
    *("  ", "x" * 101, "ab" * 600, " " * 1200),
]
texts = st.lists(st.sampled_from([*HOSTILE, *"aéZ9 ", *" ".join(SAMPLE).split(" ")]), max_size=30).map("".join)
batches_of_texts = st.lists(texts | st.text(max_size=20), max_size=5)
KINDS = {
    "wordpiece": {},
    "wordpiece, cased": {"lowercase": False},
    "bpe": {"tokenizer": "bpe"},
    "bpe, lower-cased": {"tokenizer": "bpe", "lowercase": True},
    "char": {"tokenizer": "char", "unk_token": "<unk>"},
    "char, lower-cased": {"tokenizer": "char", "unk_token": "<unk>", "lowercase": True},
}


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    """A tokenizer of ours as the library has it, and our encoder for it."""
    file = tmp_path_factory.mktemp("tokenizers") / "lines"
    file.write_text("".join(escape(line) + "\n" for line in SAMPLE), encoding="utf-8", newline="\n")
    options = {"vocab_size": 500, "control_tokens": ("<s>", "</s>"), **KINDS[request.param]}
    tokenizer = train_tokenizer(file, TokenizationConfig(**options))
    return tokenizer, Encoder(tokenizer)


def by_library(tokenizer: Tokenizer, sequences: list[str]) -> list[list[int]]:
    tokenizer.encode_special_tokens = True
    return [tokenizer.encode(sequence, add_special_tokens=False).ids for sequence in sequences]


@given(sequences=batches_of_texts)
@settings(max_examples=400, deadline=None)
def test_ids_are_those_of_the_library_for_any_text(pair, sequences):
    tokenizer, encoder = pair
    assert encoder.encode(sequences) == by_library(tokenizer, sequences)


def test_ids_are_those_of_the_library_for_real_text(pair, shared_data):
    tokenizer, encoder = pair
    lines = (shared_data / "tinyshakespeare.txt").read_text().split("\n\n")[:2000]
    lines += json.loads((shared_data / "namuwiki-sample.json").read_text())[0]["text"].split("\n")
    assert encoder.encode(lines) == by_library(tokenizer, lines)


@given(lists=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6))
def test_begin_and_end_stand_around_each_sequence_also_an_empty_one(pair, lists):
    _, encoder = pair
    framed = [number for ids in lists for number in [*encoder.begin, *ids, *encoder.end]]
    assert encoder.framed(Batch.of(lists)).tolist() == framed
    assert [ids.tolist() for ids in Batch.of(lists).split()] == lists


def test_wordpiece_does_not_depend_on_what_is_remembered(pair, monkeypatch):
    tokenizer, encoder = pair
    monkeypatch.setattr(wordpiece, "_CACHE_BYTES", 0)
    assert encoder.encode(SAMPLE) == encoder.encode(SAMPLE) == by_library(tokenizer, SAMPLE)


def test_both_libraries_divide_words_alike_at_every_character():
    """Each judges by its own table of Unicode; private and unassigned planes are passed over."""
    points = [n for n in [*range(0x33480), *range(0xE0000, 0xE0200)] if unicodedata.category(chr(n)) != "Cs"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    a_one_mark = [f"{kind}{letter}" for kind in "a1!" for letter in sorted(alphabet)]  # shows what joins to what
    tokens = [*sorted(alphabet), *a_one_mark]
    tokenizer = byte_level({token: number for number, token in enumerate(tokens)}, [tuple(two) for two in a_one_mark])
    groups = [points[start : start + 64] for start in range(0, len(points), 64)]
    lines = ["".join(f"a{c} 1{c} !{c} {c}a " for c in map(chr, group)) for group in groups]
    quick = byte_pair_encoder(tokenizer, json.loads(tokenizer.to_str()))
    library = tokenizer.encode_batch_fast(lines, add_special_tokens=False)
    np.testing.assert_array_equal(quick(lines).ids, np.concatenate([encoding.ids for encoding in library]))


def byte_level(vocabulary: dict[str, int], merges: list[tuple[str, str]], **options: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **options})
    return tokenizer


LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())


@pytest.mark.parametrize(
    ("merged", "merges", "options", "quick"),
    [
        (["bc", "ab", "abc"], [("b", "c"), ("a", "bc")], {}, True),
        # Ids in another order than the merges.
        (["abc", "bc"], [("b", "c"), ("a", "bc")], {}, True),
        # `a` and `bc` are never joined by this merge of `ab` and `c`, but their bytes are a token.
        (["bc", "ab", "abc"], [("b", "c"), ("a", "b"), ("ab", "c")], {}, False),
        # The same token twice.
        (["ab", "bc", "abc"], [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")], {}, False),
        (["ab"], [("a", "b")], {"add_prefix_space": True}, False),
        (["ab"], [("a", "b")], {"use_regex": False}, False),
    ],
)
def test_merges_of_others_are_done_quickly_only_where_that_is_exact(merged, merges, options, quick):
    tokenizer = byte_level({token: number for number, token in enumerate([*LETTERS, *merged])}, merges, **options)
    assert (byte_pair_encoder(tokenizer, json.loads(tokenizer.to_str())) is not None) == quick
    lines = ["abc ab bc c abcabc", "aabbcc a bc"]
    assert Encoder(tokenizer).encode(lines) == by_library(tokenizer, lines)


@pytest.mark.parametrize("strip_accents", [True, False, None])
@pytest.mark.parametrize("clean_text", [True, False])
@pytest.mark.parametrize("lowercase", [True, False])
@given(sequences=batches_of_texts)
@settings(max_examples=40, deadline=None)
def test_berts_own_tokenizer_keeps_its_ids(sequences, strip_accents, clean_text, lowercase):
    words = ["[UNK]", "the", "##s", "e", "##e", "E", "É", "é", "t", "##h", "x", "##x", ",", ".", "İ", "i", "中", "##́"]
    model = models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=clean_text, strip_accents=strip_accents, lowercase=lowercase
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert wordpiece_encoder(tokenizer, json.loads(tokenizer.to_str())) is not None
    assert Encoder(tokenizer).encode(sequences) == by_library(tokenizer, sequences)


def test_added_words_that_are_no_special_tokens_are_found_in_the_text(pair):
    tokenizer = Tokenizer.from_str(pair[0].to_str())
    tokenizer.add_tokens([AddedToken("quick brown")])
    lines = ["The quick brown fox"]
    assert Encoder(tokenizer).encode(lines) == by_library(tokenizer, lines)
    assert tokenizer.token_to_id("quick brown") in Encoder(tokenizer).encode(lines)[0]


def test_white_space_without_end_between_words_keeps_its_ids(pair):
    """tiktoken by itself runs out of stack here."""
    tokenizer, encoder = pair
    lines = ["the end" + " " * 1_000_000 + "is asleep"]
    assert encoder.encode(lines) == by_library(tokenizer, lines)

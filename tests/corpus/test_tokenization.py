"""Tokenizers: exact ways back, one vocabulary, and text that never becomes a control token."""

import time
from pathlib import Path

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from expanda.encoding import Encoder
from expanda.keys import TokenizationConfig
from expanda.lines import escape, unescape
from expanda.long_words import LONGEST_LEARNED_WORD, has_long_word, without_long_words
from expanda.tokenization import load_tokenizer, shown_tokens, train_tokenizer
from expanda.utils import UserError

SAMPLE = [
    "The quick brown fox doesn't jump over the lazy dog (it is asleep), does it?",
    "고양이는 의자 위에서 잠을 잔다. 고양이는 행복하다.",
    "Prices rose 3.5 % in 1999 - the state-of-the-art method [sic] costs $40; do not buy.",
    "def f(x):\n\treturn x  # Ġ and Ċ are tokens, too\n",
] * 3


def trained(tmp_path: Path, lines: list[str] = SAMPLE, **options: object) -> Tokenizer:
    file = tmp_path / "lines"
    file.write_text("".join(escape(line) + "\n" for line in lines), encoding="utf-8", newline="\n")
    return train_tokenizer(file, TokenizationConfig(**options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizers")


@pytest.fixture(scope="module")
def bpe(folder: Path) -> Tokenizer:
    return trained(folder, tokenizer="bpe", vocab_size=400, control_tokens=("<s>", "</s>", "<pad>"))


@pytest.fixture(scope="module")
def char(folder: Path) -> Tokenizer:
    return trained(folder, tokenizer="char")


@pytest.fixture(scope="module")
def wordpiece(folder: Path) -> Tokenizer:
    return trained(folder, vocab_size=400, control_tokens=("<s>", "</s>", "<pad>"))


@given(st.text())
@settings(max_examples=300)
def test_bpe_gives_any_text_back(bpe, text):
    (ids,) = Encoder(bpe).encode([text])
    assert bpe.decode(ids, skip_special_tokens=False) == text


@given(st.text(st.sampled_from(sorted(set("".join(SAMPLE))))))
def test_char_gives_any_text_of_its_alphabet_back(char, text):
    (ids,) = Encoder(char).encode([text])
    assert len(ids) == len(text)
    assert char.decode(ids, skip_special_tokens=False) == text


@given(st.lists(st.sampled_from(" ".join(SAMPLE).split() + list("()[]{}.,;:!?'-%\"/")), max_size=12).map(" ".join))
@settings(max_examples=300)
def test_wordpiece_ids_come_back_from_their_own_text(wordpiece, text):
    encoder = Encoder(wordpiece)
    (ids,) = encoder.encode([text])
    if wordpiece.token_to_id("<unk>") not in ids:
        assert encoder.encode([wordpiece.decode(ids)]) == [ids]


def test_wordpiece_sets_punctuation_as_print_does(wordpiece):
    text = "the quick brown fox doesn't jump (it is asleep), does it? do not."
    (ids,) = Encoder(wordpiece).encode([text])
    assert wordpiece.decode(ids) == text


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_a_literal_control_token_in_the_text_stays_text(kind, request):
    tokenizer = request.getfixturevalue(kind)
    (ids,) = Encoder(tokenizer).encode(["<s> </s> <pad> <unk>"])
    special = {tokenizer.token_to_id(token) for token in ("<s>", "</s>", "<pad>")}
    assert not special & set(ids)


def test_a_control_token_that_could_be_a_word_is_refused(tmp_path):
    with pytest.raises(UserError, match="ordinary word of the text; write it like <dog>"):
        trained(tmp_path, control_tokens=("dog",))
    assert trained(tmp_path, control_tokens=("[CLS]",)).token_to_id("[CLS]") == 1


def test_the_saved_tokenizer_adds_nothing_by_itself(bpe, wordpiece):
    for tokenizer in (bpe, wordpiece):
        reloaded = Tokenizer.from_str(tokenizer.to_str())
        assert reloaded.post_processor is None
        assert reloaded.encode(SAMPLE[0]).ids == tokenizer.encode(SAMPLE[0], add_special_tokens=False).ids


def test_unknown_first_then_control_tokens_then_the_rest(wordpiece, bpe, char):
    assert shown_tokens(wordpiece)[:4] == ["<unk>", "<s>", "</s>", "<pad>"]
    assert shown_tokens(bpe)[:3] == ["<s>", "</s>", "<pad>"]
    special = {" ": "Ġ", "\n": "Ċ", "\t": r"\u0009", "Ġ": r"\u0120", "Ċ": r"\u010A"}
    assert shown_tokens(char) == [special.get(c, c) for c in sorted(set("".join(SAMPLE)))]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "char"])
def test_tokens_of_a_line_are_separated_by_one_space_and_found_in_the_vocabulary(kind, request):
    encoder = Encoder(request.getfixturevalue(kind))
    lines = encoder.show(encoder.encode_batch(SAMPLE)).split("\n")
    assert lines.pop() == ""
    assert [[encoder.tokens.index(token) for token in line.split(" ")] for line in lines] == encoder.encode(SAMPLE)


def test_wordpiece_training_does_not_depend_on_chance(tmp_path):
    """Many ties in count: without care, every run gives another vocabulary, even within one process."""
    lines = [f"w{a}{b}x w{b}{a}y" for a in "abcdefghij" for b in "klmnopqrst"] * 2
    vocabularies = {tuple(shown_tokens(trained(tmp_path, lines, vocab_size=150))) for _ in range(8)}
    assert len(vocabularies) == 1


def test_limit_alphabet_keeps_the_most_frequent_characters(tmp_path):
    tokenizer = trained(tmp_path, ["aaa bbb cc d" * 2], limit_alphabet=2)
    alphabet = {token for token in tokenizer.get_vocab() if len(token) == 1}
    assert alphabet == {"a", "b"}


def test_lowercase_can_be_chosen(tmp_path):
    assert trained(tmp_path, lowercase=False).token_to_id("T") is not None
    assert trained(tmp_path).token_to_id("T") is None
    assert trained(tmp_path, tokenizer="char", lowercase=True).token_to_id("T") is None


def test_the_sample_is_the_head_of_the_text(tmp_path):
    lines = ["early words"] * 10 + ["zzz"] * 10
    assert trained(tmp_path, lines, subset_size=100).token_to_id("z") is None
    assert trained(tmp_path, lines, subset_size=1000).token_to_id("z") is not None


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
@pytest.mark.parametrize("run", ["acgt" * 250_000, "-=" * 500_000, "고양" * 500_000, " " * 1_000_000])
def test_a_run_without_end_is_encoded_but_nothing_is_learned_from_it(tmp_path, kind, run):
    """The trainers' time grows faster than a word's length: one word of 1 MB hangs them."""
    started_at = time.monotonic()
    tokenizer = trained(tmp_path, [*SAMPLE, run], tokenizer=kind, vocab_size=400)
    assert tokenizer.get_vocab() == trained(tmp_path, tokenizer=kind, vocab_size=400).get_vocab()
    (ids,) = Encoder(tokenizer).encode([run])
    assert ids == tokenizer.encode(run, add_special_tokens=False).ids
    if kind == "bpe":
        assert tokenizer.decode(ids) == run
    assert time.monotonic() - started_at < 10


@given(st.lists(st.sampled_from([*"a-, \n\x1c", "é1", "a" * 999, "-" * 999, " " * 999])).map("".join))
def test_a_long_word_is_seen_where_a_run_of_one_kind_is_too_long(text):
    kinds = (r"[^\s\p{P}]", r"[^\s\p{L}\p{N}]", r"\s")
    letters, marks, blanks = (
        max(map(len, regex.findall(f"{kind}+", text)), default=0) > LONGEST_LEARNED_WORD for kind in kinds
    )
    assert has_long_word(text) == (letters or marks or blanks)
    assert (without_long_words(text) == text) == (not has_long_word(text))


def test_a_text_without_spaces_is_learned_from_where_punctuation_divides_it(tmp_path):
    lines = ["고양이는의자위에서잠을잔다," * 200] * 3
    tokenizer = trained(tmp_path, lines, tokenizer="bpe", vocab_size=400)
    assert len(tokenizer.encode("고양이는의자위에서잠을잔다,").ids) <= 2


def test_bpe_needs_room_for_every_byte(tmp_path):
    with pytest.raises(UserError, match="bpe needs at least 256"):
        trained(tmp_path, tokenizer="bpe", vocab_size=100)


def test_a_character_without_an_id_is_named(char):
    with pytest.raises(UserError, match="'ж' is not in the vocabulary"):
        Encoder(char).encode(["ж"])


def test_char_encodes_a_long_sequence(char):
    text = "abc " * 60_000
    (ids,) = Encoder(char).encode(["".join(c for c in text if c in "".join(SAMPLE))])
    assert char.decode(ids[:8]) == "abc abc "
    assert len(ids) == len(text)


def test_a_lone_vocabulary_is_wordpiece_and_the_same_one(wordpiece, tmp_path):
    tokens = shown_tokens(wordpiece)
    (tmp_path / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    loaded = load_tokenizer(tmp_path / "vocab.txt", TokenizationConfig(control_tokens=("<s>", "</s>", "<pad>")))
    assert Encoder(loaded).encode(SAMPLE) == Encoder(wordpiece).encode(SAMPLE)
    assert shown_tokens(loaded) == tokens


def test_an_existing_tokenizer_is_used_as_it_is_and_must_agree_with_its_vocabulary(bpe, wordpiece, tmp_path):
    bpe.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in shown_tokens(bpe)), encoding="utf-8")
    for name in ("vocab.txt", "tokenizer.json"):
        loaded = load_tokenizer(tmp_path / name, TokenizationConfig())
        assert Encoder(loaded).encode(SAMPLE) == Encoder(bpe).encode(SAMPLE)
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in shown_tokens(wordpiece)), encoding="utf-8")
    with pytest.raises(UserError, match="two different vocabularies"):
        load_tokenizer(tmp_path / "vocab.txt", TokenizationConfig())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{}", "no tokenizer that"),
        ("vocab.txt", "a\nb\n", "'<unk>' is not in it"),
        ("vocab.txt", "<unk>\na\na\n", "a token twice"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        load_tokenizer(tmp_path / name, TokenizationConfig())


def test_char_by_tail_gives_nanogpts_ids_on_shakespeare(build, shared_data):
    made = build(f"""\
[build]
input-files = --expanda.ext.text {shared_data / "tinyshakespeare.txt"}
split-by = tail
shuffle = false
[expanda.ext.text]
unit = article
[tokenization]
tokenizer = char
""")
    text = (shared_data / "tinyshakespeare.txt").read_text()
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    ids = np.array([numbers[character] for character in text], np.uint16)
    np.testing.assert_array_equal(made.ids("train"), ids[: int(len(text) * 0.9)])
    np.testing.assert_array_equal(made.ids("test"), ids[int(len(text) * 0.9) :])
    raw = [unescape(line) for line in made.lines("corpus.raw.txt")]
    assert raw == [text[int(len(text) * 0.9) :], text[: int(len(text) * 0.9)]]

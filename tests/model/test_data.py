"""Laws of ids on disk, rows and order."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2.config import IGNORE, UserError
from gpt2.data.batches import PackedRows, PaddedRows, TrainingOrder, permutation
from gpt2.data.corpus import Corpus, open_corpus
from gpt2.data.tokenfile import TokenFile, shards_of, write_token_file
from gpt2.data.tokenizer import Tokenizer, load_tokenizer
from gpt2.files import sha256

from .conftest import sentences, write_corpus


def corpus_of(ids: list[int], tokenizer: Tokenizer, path: Path) -> Corpus:
    write_token_file(path, [np.array(ids)], tokenizer.vocab_size)
    return Corpus(path, TokenFile([path]), tokenizer, text_bytes=None)


@pytest.fixture(scope="session")
def corpus(corpus_dir: Path, tokenizer: Tokenizer) -> Corpus:
    return open_corpus(corpus_dir / "corpus.train.txt", tokenizer)


def test_token_files_read_as_they_were_written_across_shards(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(70_000, size=1000)
    for number, part in enumerate(np.split(ids, [300, 301, 700])):
        write_token_file(tmp_path / f"c.{number:05d}.bin", [part], vocab_size=70_000)
    paths = shards_of(tmp_path / "c.bin")
    file = TokenFile(paths)
    assert len(paths) == 4
    assert len(file) == 1000
    for start, stop in ((0, 1000), (0, 0), (299, 302), (301, 999), (999, 1000)):
        assert np.array_equal(file.slice(start, stop), ids[start:stop])


def test_small_vocabularies_take_two_bytes_an_id(tmp_path: Path) -> None:
    for vocab_size, width in ((65_536, 2), (65_537, 4)):
        write_token_file(tmp_path / "c.bin", [np.arange(10)], vocab_size)
        assert (tmp_path / "c.bin").stat().st_size == 1024 + 10 * width


def test_a_shortened_token_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.bin"
    write_token_file(path, [np.arange(100)], 500)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match="header promises 100 ids"):
        TokenFile([path])
    path.write_bytes(b"hello")
    with pytest.raises(UserError, match="not a token file"):
        TokenFile([path])


def test_corpus_ids_are_the_lines_between_begin_and_end_marks(corpus_dir: Path, tokenizer: Tokenizer) -> None:
    corpus = open_corpus(corpus_dir / "corpus.test.txt", tokenizer)
    expected = [i for text in sentences(60, seed=2) for i in [*tokenizer.prompt_ids(text), tokenizer.eos]]
    assert corpus.ids.slice(0, len(corpus.ids)).tolist() == expected


def test_ids_are_made_anew_when_the_text_changes_and_kept_when_it_does_not(tmp_path: Path) -> None:
    directory = write_corpus(tmp_path / "c")
    tokenizer, text = load_tokenizer(directory / "vocab.txt"), directory / "corpus.test.txt"
    before = len(open_corpus(text, tokenizer).ids)
    written_at = (directory / "corpus.test.bin").stat().st_mtime_ns
    assert len(open_corpus(text, tokenizer).ids) == before
    assert (directory / "corpus.test.bin").stat().st_mtime_ns == written_at
    text.write_text("".join(text.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")
    assert len(open_corpus(text, tokenizer).ids) < before


def test_a_bin_without_its_text_is_enough(tmp_path: Path) -> None:
    directory = write_corpus(tmp_path / "c")
    tokenizer, text = load_tokenizer(directory), directory / "corpus.test.txt"
    before = len(open_corpus(text, tokenizer).ids)
    text.unlink()
    assert len(open_corpus(text, tokenizer).ids) == before
    assert len(open_corpus(text.with_suffix(".bin"), tokenizer).ids) == before


def test_the_manifest_vouches_for_a_bin_and_names_its_bytes(tmp_path: Path) -> None:
    directory = write_corpus(tmp_path / "c")
    tokenizer, text = load_tokenizer(directory), directory / "corpus.test.txt"
    open_corpus(text, tokenizer)
    (directory / "corpus.test.bin.json").unlink()
    names = ("corpus.test.txt", "corpus.test.bin", "vocab.txt")
    manifest = {
        "config": {"build": {"output-test-corpus": "build/corpus.test.txt", "output-vocab": "build/vocab.txt"}},
        "splits": {"test": {"text_bytes": 4321}},
        "outputs": {name: {"sha256": sha256(directory / name)} for name in names},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    written_at = (directory / "corpus.test.bin").stat().st_mtime_ns
    assert open_corpus(text, tokenizer).text_bytes == 4321
    assert (directory / "corpus.test.bin").stat().st_mtime_ns == written_at

    manifest["outputs"]["vocab.txt"]["sha256"] = "0" * 64
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="another vocabulary"):
        open_corpus(text, tokenizer)


def test_an_unknown_token_is_named_with_its_line(tmp_path: Path) -> None:
    directory = write_corpus(tmp_path / "c")
    text = directory / "corpus.test.txt"
    lines = text.read_text(encoding="utf-8").splitlines()
    lines[6] += " foo-bar"
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"corpus\.test\.txt:7: token 'foo-bar' is not in the vocabulary"):
        open_corpus(text, load_tokenizer(directory))


@settings(max_examples=50, deadline=None)
@given(length=st.integers(2, 200), seq_len=st.integers(1, 40))
def test_packed_rows_hold_every_target_once_and_training_rows_are_full(
    length: int, seq_len: int, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ids = [5 + i % 300 for i in range(length)]
    rows = PackedRows(corpus_of(ids, tokenizer, tmp_path_factory.mktemp("c") / "c.bin"), seq_len)
    inputs, targets = rows.fetch(np.arange(rows.all_rows))
    assert targets[targets != IGNORE].tolist() == ids[1:]
    assert inputs[targets != IGNORE].tolist() == ids[:-1]
    assert rows.training_rows == (length - 1) // seq_len
    if rows.training_rows:
        _, targets = rows.fetch(np.arange(rows.training_rows), seed=1, epoch=3)
        assert (targets != IGNORE).all()
        first = ids.index(int(targets[0, 0]))
        assert targets.ravel().tolist() == ids[first : first + targets.size]


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=12), seq_len=st.integers(2, 20))
def test_padded_rows_drop_no_target_and_cross_no_sequence(
    lengths: list[int], seq_len: int, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bos, eos = tokenizer.bos, tokenizer.eos
    texts = [[bos, *(100 + (7 * i + j) % 200 for j in range(n)), eos] for i, n in enumerate(lengths)]
    path = tmp_path_factory.mktemp("c") / "c.bin"
    rows = PaddedRows(corpus_of([i for text in texts for i in text], tokenizer, path), seq_len)
    inputs, targets = rows.fetch(np.arange(rows.all_rows))
    assert targets[targets != IGNORE].tolist() == [i for text in texts for i in text[1:]]
    assert (inputs[targets == IGNORE] != bos).all()  # no sequence begins inside a row
    padding = inputs == tokenizer.pad
    assert (targets[padding] == IGNORE).all()


def test_begin_marks_are_never_targets(corpus: Corpus) -> None:
    rows = PackedRows(corpus, 16)
    inputs, targets = rows.fetch(np.arange(rows.all_rows))
    assert (targets != corpus.tokenizer.bos).all()
    assert (inputs == corpus.tokenizer.bos).any()


def test_an_epoch_takes_every_row_once(corpus: Corpus) -> None:
    rows = PaddedRows(corpus, 16)
    order = TrainingOrder(rows, batch=7, seed=3, source="test")
    steps = -(-3 * rows.training_rows // 7)
    seen = np.concatenate([order.fetch(step)[0] for step in range(steps)])
    every = {row.tobytes() for row in rows.fetch(np.arange(rows.training_rows))[0]}
    for epoch in range(3):
        part = seen[epoch * rows.training_rows : (epoch + 1) * rows.training_rows]
        assert {row.tobytes() for row in part} == every


@settings(max_examples=30, deadline=None)
@given(step=st.integers(0, 500), ranks=st.sampled_from([1, 2, 4]))
def test_the_order_is_a_function_of_the_step_and_ranks_share_it(step: int, ranks: int, corpus: Corpus) -> None:
    def batch(ranks: int) -> np.ndarray:
        order = TrainingOrder(PackedRows(corpus, 16), batch=8, seed=1, source="test")
        return np.concatenate([order.fetch(step, rank, ranks)[0] for rank in range(ranks)])

    assert np.array_equal(batch(1), batch(ranks))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), epoch=st.integers(0, 100), count=st.integers(1, 500))
def test_the_shuffle_is_a_repeatable_permutation(seed: int, epoch: int, count: int) -> None:
    order = permutation(seed, epoch, count)
    assert sorted(order.tolist()) == list(range(count))
    permutation.cache_clear()
    assert np.array_equal(order, permutation(seed, epoch, count))


def test_a_corpus_shorter_than_a_row_says_so(corpus: Corpus) -> None:
    with pytest.raises(UserError, match="shorter than one row of 100000"):
        TrainingOrder(PackedRows(corpus, 100_000), batch=1, seed=0, source="short.txt")


TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_byte_level_bpe_is_lossless(text: str, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.byte_lengths is not None
    assert int(tokenizer.byte_lengths[ids].sum()) == len(text.encode())


def test_control_tokens_in_a_text_are_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a <s> b </s>")
    assert tokenizer.bos not in ids
    assert tokenizer.eos not in ids
    assert tokenizer.decode(ids) == "a <s> b </s>"


def test_a_lone_vocabulary_is_expandas_wordpiece(tmp_path: Path) -> None:
    words = ["<unk>", "<s>", "</s>", "<pad>", "the", "sea", "##s", "."]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = load_tokenizer(tmp_path / "vocab.txt")
    assert tokenizer.kind == "wordpiece"
    assert tokenizer.words == tuple(words)
    assert tokenizer.prompt_ids("The seas.") == [1, 4, 5, 6, 7]
    assert tokenizer.encode("zebra") == [0]
    assert tokenizer.decode([1, 4, 5, 6, 7, 2]) == "the seas."
    assert tokenizer.byte_lengths is None


def test_a_vocabulary_that_contradicts_its_tokenizer_is_refused(tmp_path: Path, corpus_dir: Path) -> None:
    shutil.copy(corpus_dir / "tokenizer.json", tmp_path)
    (tmp_path / "vocab.txt").write_text("<unk>\nthe\n")
    with pytest.raises(UserError, match="not of the same build"):
        load_tokenizer(tmp_path / "vocab.txt")


@pytest.mark.parametrize("content", ["a\n\nb\n", "a\na\n", "a b\nc\n"])
def test_a_file_that_is_no_vocabulary_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text(content)
    with pytest.raises(UserError, match="not a vocabulary"):
        load_tokenizer(tmp_path / "vocab.txt")

"""Shuffling and splitting are pure functions of the seed, and lose nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expanda.keys import BuildConfig
from expanda.lines import documents_text
from expanda.shuffling import shuffle_lines
from expanda.splitting import split_sources
from expanda.utils import UserError


def shuffled(folder: Path, lines: list[str], **options: object) -> list[str]:
    source, target = folder / "in", folder / "out"
    source.write_text("".join(line + "\n" for line in lines), newline="\n")
    shuffle_lines(source, target, **{"seed": 0, "side": "train", "temporary": folder, **options})
    return target.read_text().split("\n")[:-1]


LINES = [f"line {n}" for n in range(1000)]


def test_the_shuffle_is_a_permutation_and_repeatable(tmp_path):
    once = shuffled(tmp_path, LINES)
    assert once != LINES
    assert sorted(once) == sorted(LINES)
    assert shuffled(tmp_path, LINES) == once


@pytest.mark.parametrize("buckets", [1, 2, 7, 256])
def test_the_shuffle_does_not_depend_on_the_number_of_buckets(tmp_path, buckets):
    assert shuffled(tmp_path, LINES, buckets=buckets) == shuffled(tmp_path, LINES)


def test_another_seed_or_side_is_another_order(tmp_path):
    orders = [shuffled(tmp_path, LINES, seed=seed, side=side) for seed in (0, 1) for side in ("train", "test")]
    assert len({tuple(order) for order in orders}) == 4


def test_the_shuffle_moves_lines_far(tmp_path):
    order = shuffled(tmp_path, [str(n) for n in range(1000)])
    moved = sum(abs(int(line) - place) for place, line in enumerate(order)) / 1000
    assert 290 < moved < 380  # a uniform permutation moves a line by a third of the length


def test_an_empty_file_stays_empty(tmp_path):
    assert shuffled(tmp_path, []) == []


def split(folder: Path, sources: list[list[list[str]]], **options: object) -> tuple[list[str], list[str], dict]:
    paths = []
    for number, documents in enumerate(sources):
        path = folder / f"source-{number}"
        path.write_text("".join(documents_text(documents)), encoding="utf-8", newline="\n")
        paths.append(path)
    sides = split_sources(paths, BuildConfig(**options), folder)
    return *((folder / f"{side}.lines").read_text().split("\n")[:-1] for side in ("train", "test")), sides


SOURCES = [
    [[f"{source}/{document}/{line}" for line in range(document % 4 + 1)] for document in range(40)]
    for source in range(3)
]
EVERYTHING = sorted(line for source in SOURCES for document in source for line in document)


@given(seed=st.integers(), ratio=st.floats(0.01, 0.99))
@settings(max_examples=30)
def test_every_document_is_on_exactly_one_side_and_nothing_is_lost(tmp_path_factory, seed, ratio):
    train, test, sides = split(tmp_path_factory.mktemp("split"), SOURCES, seed=seed, split_ratio=ratio)
    assert sorted(train + test) == EVERYTHING
    documents = [{line.rsplit("/", 1)[0] for line in side} for side in (train, test)]
    assert not documents[0] & documents[1]
    assert [sides["train"].documents, sides["test"].documents] == [len(side) for side in documents]
    assert documents[0]
    assert documents[1]


def test_test_takes_documents_until_it_holds_the_ratio(tmp_path):
    _, test, sides = split(tmp_path, SOURCES, split_ratio=0.25)
    total = sides["train"].text_bytes + sides["test"].text_bytes
    assert sides["test"].text_bytes == sum(len(line) + 1 for line in test)
    assert 0.25 * total <= sides["test"].text_bytes < 0.25 * total + 4 * len("2/39/3\n")


def test_the_split_depends_on_the_seed_alone(tmp_path):
    assert split(tmp_path, SOURCES) == split(tmp_path, SOURCES)
    assert split(tmp_path, SOURCES) != split(tmp_path, SOURCES, seed=1)


def test_by_line_every_sequence_is_its_own_document(tmp_path):
    train, test, sides = split(tmp_path, [[LINES]], split_by="line")
    assert sorted(train + test) == sorted(LINES)
    assert (sides["train"].documents, sides["test"].documents) == (len(train), len(test))
    assert 95 <= len(test) <= 105


@given(st.lists(st.lists(st.text("ab\n", min_size=1, max_size=9), min_size=1), min_size=1), st.floats(0, 0.9))
def test_tail_cuts_the_text_at_one_character(tmp_path_factory, documents, ratio):
    text = "".join(sequence for document in documents for sequence in document)
    cut = int(len(text) * (1 - ratio))
    if cut == 0 or (cut == len(text) and ratio > 0):
        return
    folder = tmp_path_factory.mktemp("tail")
    train, test, _ = split(folder, [documents], split_by="tail", split_ratio=ratio)
    assert "".join(train).replace("\\n", "\n") == text[:cut]
    assert "".join(test).replace("\\n", "\n") == text[cut:]


def test_balancing_repeats_the_train_text_of_smaller_sources_alone(tmp_path):
    small, large = [[f"small {n}"] for n in range(10)], [[f"large {n:03}"] for n in range(100)]
    train, test, sides = split(tmp_path, [small, large], balancing=True, split_ratio=0.3)
    assert len(test) == len(set(test))
    assert not set(test) & set(train)
    assert {train.count(line) for line in train if line.startswith("small")} == {12}
    assert {train.count(line) for line in train if line.startswith("large")} == {1}
    assert sides["train"].documents == len(set(train))
    assert sides["train"].lines == len(train)


def test_without_a_ratio_everything_is_train(tmp_path):
    train, test, _ = split(tmp_path, SOURCES, split_ratio=0.0)
    assert (sorted(train), test) == (EVERYTHING, [])


@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        ([[["only"]]], {}, "only one document.*split-by = line or split-by = tail"),
        ([[["only"]]], {"split_by": "line"}, "only one sequence.*split-by = tail"),
        ([[["o"]]], {"split_by": "tail"}, "too short for split-ratio"),
        ([[]], {}, "no sequence was kept"),
        ([[]], {"split_by": "tail"}, "no sequence was kept"),
    ],
)
def test_what_cannot_be_split_is_an_error_that_says_what_to_do(tmp_path, sources, options, message):
    with pytest.raises(UserError, match=message):
        split(tmp_path, sources, **options)

"""The user's own configuration on a real dump."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from expanda.lines import unescape

OUTPUTS = {"corpus.raw.txt", "corpus.test.txt", "corpus.train.txt", "vocab.txt", "tokenizer.json"} | {
    "corpus.train.bin",
    "corpus.test.bin",
}


def test_every_output_is_there_and_the_manifest_describes_it(wiki):
    assert {path.name for path in wiki.build.iterdir()} == OUTPUTS | {"manifest.json", "report.html"}
    assert set(wiki.manifest["outputs"]) == OUTPUTS
    for name, described in wiki.manifest["outputs"].items():
        content = (wiki.build / name).read_bytes()
        assert described == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_every_page_sequence_and_character_is_accounted_for(wiki):
    (source,) = wiki.manifest["sources"]
    assert source["pages"] == {"read": 206, "kept": 106, "dropped": {"namespace": 1, "redirect": 99}}
    for kind in ("pages", "sequences", "characters"):
        assert source[kind]["read"] == source[kind]["kept"] + sum(source[kind]["dropped"].values())
    splits = wiki.manifest["splits"]
    assert source["sequences"]["kept"] == splits["train"]["lines"] + splits["test"]["lines"]
    assert splits["train"]["documents"] + splits["test"]["documents"] <= 106


def test_raw_text_is_test_then_train_line_for_line_with_the_tokens(wiki):
    raw, test, train = (wiki.lines(f"corpus.{name}.txt") for name in ("raw", "test", "train"))
    assert len(raw) == len(test) + len(train)
    assert len(test) == wiki.manifest["splits"]["test"]["lines"]
    for text, tokens in zip(raw, test + train, strict=True):
        if "<unk>" not in tokens:
            joined = tokens.replace(" ##", "").replace(" ", "")
            assert joined == "".join(unescape(text).lower().split())


def test_text_bytes_count_the_raw_text_with_one_newline_a_sequence(wiki):
    raw = wiki.lines("corpus.raw.txt")
    lines = wiki.manifest["splits"]["test"]["lines"]
    for side, part in (("test", raw[:lines]), ("train", raw[lines:])):
        expected = sum(len(unescape(line).encode()) + 1 for line in part)
        assert wiki.manifest["splits"][side]["text_bytes"] == expected


def test_test_holds_its_share_of_the_text(wiki):
    sizes = {side: counts["text_bytes"] for side, counts in wiki.manifest["splits"].items()}
    assert 0.1 <= sizes["test"] / sum(sizes.values()) < 0.15


@pytest.mark.parametrize("side", ["train", "test"])
def test_ids_are_the_tokens_of_the_text_between_begin_and_end(wiki, side):
    vocabulary = {token: number for number, token in enumerate(wiki.lines("vocab.txt"))}
    expected = []
    for line in wiki.lines(f"corpus.{side}.txt"):
        expected += [vocabulary["<s>"], *(vocabulary[token] for token in line.split()), vocabulary["</s>"]]
    np.testing.assert_array_equal(wiki.ids(side), expected)


def test_the_vocabulary_begins_with_unknown_and_control_tokens(wiki):
    vocabulary = wiki.lines("vocab.txt")
    assert vocabulary[:4] == ["<unk>", "<s>", "</s>", "<pad>"]
    assert len(vocabulary) == len(set(vocabulary)) == 8000


def test_with_articles_as_sequences_every_article_is_one_line_on_one_side(wiki, build):
    (Path.cwd() / "src").symlink_to(wiki.path / "src")
    config = (
        (wiki.path / "expanda.cfg")
        .read_text()
        .replace("[expanda.ext.wikipedia]", "[expanda.ext.wikipedia]\nunit = article")
    )
    articles = build(config)
    splits = articles.manifest["splits"]
    lines = articles.lines("corpus.raw.txt")
    assert len(lines) == len(set(lines)) == 106 == splits["train"]["documents"] + splits["test"]["documents"]


@pytest.mark.parametrize(("num_cores", "hash_seed"), [(3, "7"), (2, "1234")])
def test_the_same_bytes_whatever_the_workers_and_the_hash_seed(wiki, users_config, tmp_path, num_cores, hash_seed):
    other = type(wiki)(tmp_path)
    other.write("src/wiki.xml.bz2", (wiki.path / "src/wiki.xml.bz2").read_bytes())
    other.write("expanda.cfg", users_config.format(num_cores=num_cores))
    done = other.expanda("build", PYTHONHASHSEED=hash_seed, RAYON_NUM_THREADS=str(num_cores), LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert other.manifest["outputs"] == wiki.manifest["outputs"]


def test_nothing_is_left_beside_the_outputs(wiki):
    assert {path.name for path in wiki.path.iterdir()} == {"src", "build", "expanda.cfg"}


def test_a_second_build_finds_everything_up_to_date_until_something_changes(wiki, users_config):
    before = (wiki.build / "manifest.json").read_bytes()
    done = wiki.expanda("build")
    assert done.returncode == 0
    assert "up to date; --force builds it again" in done.stdout
    wiki.write("other.cfg", users_config.format(num_cores=2) + "temporary-path = elsewhere\n")
    assert "up to date" in wiki.expanda("build", "other.cfg").stdout
    assert (wiki.build / "manifest.json").read_bytes() == before

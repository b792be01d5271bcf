"""What expanda writes, gpt2 reads: the two packages agree on the files in `build/`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from expanda.main import main as expanda
from gpt2.config import UserError
from gpt2.data.corpus import open_corpus
from gpt2.data.tokenizer import load_tokenizer
from gpt2.main import main as gpt2

ODD = "A tab\there, a no-break\u00a0space, Maltese Ġ and Ċ, a literal <s> and ##x, \\nabla, back\\slash. 한국어 문장."

CONFIG = """
[expanda.ext.text]
unit = paragraph
[tokenization]
tokenizer = {tokenizer}
vocab-size = 400
{control}
[build]
input-files =
    --expanda.ext.text  src/*.txt
split-ratio = 0.3
"""
CONTROL = "control-tokens = <s>\n    </s>\n    <pad>"


def build(workspace: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: str, control: str = CONTROL) -> Path:
    (workspace / "src").mkdir(parents=True)
    for number in range(6):
        text = (
            f"{ODD}\n\nDocument {number} has two paragraphs,\nand this one has two lines. " + "Words repeat. " * number
        )
        (workspace / "src" / f"{number}.txt").write_text(text, encoding="utf-8")
    (workspace / "expanda.cfg").write_text(CONFIG.format(tokenizer=tokenizer, control=control), encoding="utf-8")
    monkeypatch.chdir(workspace)
    assert expanda(["build"]) == 0
    return workspace / "build"


@pytest.mark.parametrize("control", [CONTROL, ""], ids=["marks", "no marks"])
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "char"])
def test_ids_mean_the_same_on_both_sides(
    kind: str, control: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = build(tmp_path, monkeypatch, kind, control)
    tokenizer = load_tokenizer(directory / "vocab.txt")
    assert tokenizer.kind == kind
    assert tokenizer.words == load_tokenizer(directory / "tokenizer.json").words
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    ids = {}
    for split in ("train", "test"):
        corpus = open_corpus(directory / f"corpus.{split}.txt", tokenizer)
        ids[split] = corpus.ids.slice(0, len(corpus.ids))
        assert len(corpus.ids) == manifest["splits"][split]["tokens"]
        assert corpus.text_bytes == manifest["splits"][split]["text_bytes"]
        if tokenizer.byte_lengths is not None and tokenizer.eos is not None:
            assert int(tokenizer.byte_lengths[ids[split]].sum()) == corpus.text_bytes

    # From the text alone, without the manifest's word for it, the same ids come out.
    (directory / "manifest.json").unlink()
    for split in ("train", "test"):
        (directory / f"corpus.{split}.bin").unlink()
        corpus = open_corpus(directory / f"corpus.{split}.txt", tokenizer)
        assert np.array_equal(corpus.ids.slice(0, len(corpus.ids)), ids[split])

    # And a prompt gets the ids that the corpus has.
    text = ids["test"].tolist()
    expected = [index for index in (tokenizer.bos,) if index is not None] + tokenizer.encode(ODD)
    assert any(text[at : at + len(expected)] == expected for at in range(len(text)))
    if kind != "wordpiece":
        assert tokenizer.decode(tokenizer.encode(ODD)) == ODD


def test_outputs_in_several_directories_keep_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = "output-train-corpus = one/corpus.txt\noutput-test-corpus = other/corpus.txt\noutput-vocab = other/v.txt"
    monkeypatch.setattr(f"{__name__}.CONFIG", CONFIG + places + "\noutput-raw-corpus = raw/text\n")
    build(tmp_path, monkeypatch, "wordpiece")
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text(encoding="utf-8"))
    tokenizer = load_tokenizer("other/v.txt")
    for split, directory in (("train", "one"), ("test", "other")):
        corpus = open_corpus(f"{directory}/corpus.txt", tokenizer, "other/v.txt")
        assert corpus.text_bytes == manifest["splits"][split]["text_bytes"]


def test_a_prompt_outside_a_character_vocabulary_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer(build(tmp_path, monkeypatch, "char", ""))
    with pytest.raises(UserError, match="no token for '中'"):
        tokenizer.encode("中 A")


def test_a_corpus_and_a_vocabulary_of_two_builds_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (build(tmp_path / kind, monkeypatch, kind) for kind in ("bpe", "wordpiece"))
    flags = ["--train_corpus", str(one / "corpus.train.txt"), "--eval_corpus", str(one / "corpus.test.txt")]
    assert gpt2(["train", *flags, "--vocab_path", str(other / "vocab.txt"), "--output_dir", str(tmp_path / "run")]) == 1
    assert "built with another vocabulary" in capsys.readouterr().err

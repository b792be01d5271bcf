"""A model at rest: what was saved is what comes back, here and in transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from gpt2.config import Config, UserError
from gpt2.data.tokenizer import Tokenizer, load_tokenizer
from gpt2.modeling.transformer import Transformer
from gpt2.saved_model import load_model, save_model

from .conftest import tiny_model


@pytest.fixture
def model(tokenizer: Tokenizer) -> Transformer:
    model = tiny_model(vocab_size=tokenizer.vocab_size)
    for parameter in model.parameters():  # initial biases are zero: give every part a say
        nn.init.normal_(parameter, std=0.1)
    return model


def save(path: Path, model: Transformer, tokenizer: Tokenizer, pth: Path | None = None) -> Path:
    save_model(path, model, tokenizer, Config(), texts={"README.md": "# test\n"}, pth_path=pth)
    return path


def test_directory_and_pth_give_the_same_model_back(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> None:
    save(tmp_path / "model", model, tokenizer, tmp_path / "deep" / "model.pth")
    for path in (tmp_path / "model", tmp_path / "deep" / "model.pth"):
        loaded = load_model(path)
        assert loaded.model.config == model.config
        assert loaded.tokenizer.words == tokenizer.words
        for name, tensor in loaded.model.state_dict().items():
            assert torch.equal(tensor, model.state_dict()[name])
    assert list(torch.load(tmp_path / "deep" / "model.pth", weights_only=True)) == ["format", "files", "tensors"]


def test_the_same_model_is_saved_as_the_same_bytes(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> None:
    one, other = (save(tmp_path / name, model, tokenizer) for name in ("one", "other"))
    names = sorted(path.name for path in one.iterdir())
    configs = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
    assert names == sorted([*configs, "README.md", "model.safetensors", "vocab.txt"])
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_an_edited_architecture_is_saved_in_our_own_layout(
    model: Transformer, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit that keeps every name and shape would load in transformers and compute something else."""
    from gpt2.modeling.feedforward import FeedForward

    def relu(self: FeedForward, x: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.project(torch.relu(self.expand(x))))

    assert json.loads((save(tmp_path / "a", model, tokenizer) / "config.json").read_text())["model_type"] == "gpt2"
    monkeypatch.setattr(FeedForward, "forward", relu)
    config = json.loads((save(tmp_path / "b", model, tokenizer) / "config.json").read_text())
    assert config["model_type"] == "gpt2-pretraining"
    assert config["toolkit"]["layout"] == "ours"
    ids = torch.arange(10)[None]
    assert torch.equal(load_model(tmp_path / "b").model(ids), model(ids))


def wordpiece(directory: Path) -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<unk>", "<s>", "</s>", "<pad>", *letters, *(f"##{letter}" for letter in letters), "the", "river", "."]
    (directory / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    return load_tokenizer(directory / "vocab.txt")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_transformers_computes_the_same(kind: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = tokenizer if kind == "bpe" else wordpiece(tmp_path)
    model = tiny_model(vocab_size=tokenizer.vocab_size)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    path = save(tmp_path / "model", model, tokenizer)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(path).eval()
    assert type(theirs).__name__ == "GPT2LMHeadModel"
    ids = torch.randint(tokenizer.vocab_size, (3, 16))
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids).logits, model(ids), rtol=1e-5, atol=1e-5)

    backend = transformers.AutoTokenizer.from_pretrained(path)
    text = "the river sees the sea." if kind == "wordpiece" else "The small bird likes 바다를 본다."
    assert backend(text)["input_ids"] == tokenizer.encode(text)
    assert backend.decode(tokenizer.prompt_ids(text), skip_special_tokens=True) == tokenizer.decode(
        tokenizer.encode(text)
    )
    assert (backend.bos_token_id, backend.eos_token_id, backend.pad_token_id) == (1, 2, 3)

    from gpt2.config import GenerateConfig
    from gpt2.generation.generator import generate

    ours = generate(model, tokenizer, "the", GenerateConfig(temperature=0, max_new_tokens=8))[0].token_ids
    prompt = torch.tensor([tokenizer.prompt_ids("the")])
    theirs_ids = theirs.generate(prompt, do_sample=False, max_new_tokens=8, pad_token_id=3)[0].tolist()
    assert theirs_ids == ours


def test_things_that_are_no_model_are_refused_with_the_reason(
    model: Transformer, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no such model"):
        load_model(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="not a model directory"):
        load_model(tmp_path / "empty")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(UserError, match="not a model file"):
        load_model(tmp_path / "text.pth")

    path = save(tmp_path / "model", model, tokenizer)
    weights = path / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"model\.safetensors: damaged"):
        load_model(path)
    weights.write_bytes(content)
    config = json.loads((path / "config.json").read_text())
    config["toolkit"]["model"]["layers"] = 3
    (path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="do not fit"):
        load_model(path)
    (path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="not one that 'gpt2 train' wrote"):
        load_model(path)


def test_foreign_and_pickled_pth_files_are_refused(tmp_path: Path) -> None:
    torch.save({"model": {"words": torch.zeros(3)}, "metrics": {}}, tmp_path / "foreign.pth")
    with pytest.raises(UserError, match="another program \\(it holds model, metrics\\)"):
        load_model(tmp_path / "foreign.pth")
    torch.save({"recorder": Path("x")}, tmp_path / "pickle.pth")
    with pytest.raises(UserError, match="could run code and are not loaded"):
        load_model(tmp_path / "pickle.pth")

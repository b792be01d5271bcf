"""A trained model at rest: a directory that transformers can load too, or one `.pth` file with the same content."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gpt2 import __version__
from gpt2.config import Config, ModelConfig, UserError, build
from gpt2.data.tokenizer import TOKENIZER_FILE, VOCAB_FILE, Tokenizer, tokenizer_from_files
from gpt2.files import new_directory
from gpt2.interop.huggingface import (
    config_json,
    from_huggingface,
    reference_logits,
    role_ids,
    to_huggingface,
    tokenizer_config_json,
)
from gpt2.modeling.attention import Attend, causal_attention
from gpt2.modeling.transformer import Transformer

WEIGHTS_FILE = "model.safetensors"
PTH_FORMAT = "gpt2-pretraining model"
REFERENCE_TOLERANCE = 1e-4  # of the largest logit: rounding of two orders of fp32 sums stays far below


@dataclass(frozen=True)
class SavedModel:
    """A model that is ready to use, with the tokenizer and the configuration it was trained with."""

    model: Transformer
    tokenizer: Tokenizer
    config: Config
    source: str


@dataclass(frozen=True)
class Content:
    """What both forms hold: small files by name, and tensors."""

    texts: dict[str, str]
    tensors: dict[str, Tensor]


def save_model(
    path: Path,
    model: Transformer,
    tokenizer: Tokenizer,
    config: Config,
    *,
    texts: Mapping[str, str],
    pth_path: Path | None = None,
) -> None:
    """Write the model directory (and the same as one `.pth` file), read it back, and compare every tensor.

    `texts` are further files by name: metrics.jsonl, README.md.

    Raises:
        RuntimeError: what was read back differs from the model in memory.
    """
    content = _content(model, tokenizer, config, texts)
    with new_directory(path) as partial:
        for name, text in content.texts.items():
            (partial / name).write_bytes(text.encode())
        save_file(content.tensors, partial / WEIGHTS_FILE, metadata={"format": "pt"})
        _compare(load_model(partial).model, model)
    if pth_path is not None:
        pth_path.parent.mkdir(parents=True, exist_ok=True)
        partial_file = pth_path.with_name(pth_path.name + ".partial")
        torch.save({"format": PTH_FORMAT, "files": content.texts, "tensors": content.tensors}, partial_file)
        _compare(_assemble(_read_pth(partial_file), str(pth_path), causal_attention).model, model)
        partial_file.replace(pth_path)


def load_model(path: str | Path, *, attend: Attend = causal_attention) -> SavedModel:
    """Read a model directory or `.pth` file, on the CPU, in evaluation mode.

    Raises:
        UserError: nothing there, not a model of ours, or damaged; says which.
    """
    path = Path(path)
    if path.is_dir() and not (path / "config.json").is_file() and (path / "model").is_dir():
        path = path / "model"  # the directory of a run was named
    if not path.exists():
        raise UserError(f"{path}: no such model; a training run saves one in <output_dir>/model")
    content = _read_directory(path) if path.is_dir() else _read_pth(path)
    return _assemble(content, str(path), attend)


def _content(model: Transformer, tokenizer: Tokenizer, config: Config, texts: Mapping[str, str]) -> Content:
    state = {name: tensor.detach().float().cpu() for name, tensor in model.state_dict().items()}
    as_gpt2 = to_huggingface(state, model.config.layers)
    if as_gpt2 is not None and not _agrees_with_gpt2(model, as_gpt2):
        as_gpt2 = None
    description: dict[str, Any] = (
        config_json(model.config, tokenizer.roles)
        if as_gpt2 is not None
        else {"model_type": "gpt2-pretraining", "vocab_size": model.config.vocab_size, **role_ids(tokenizer.roles)}
    )
    toolkit = {"version": __version__, "layout": "ours" if as_gpt2 is None else "transformers", **config.to_dict()}
    toolkit["model"] = asdict(model.config)
    files = {
        "config.json": _json({**description, "toolkit": toolkit}),
        "generation_config.json": _json(role_ids(tokenizer.roles)),
        "tokenizer_config.json": _json(tokenizer_config_json(model.config, tokenizer.roles, tokenizer.words)),
        **tokenizer.files,
        **texts,
    }
    return Content(files, state if as_gpt2 is None else as_gpt2)


@torch.no_grad()
def _agrees_with_gpt2(model: Transformer, tensors: Mapping[str, Tensor]) -> bool:
    """Whether the model computes what GPT-2 computes: an edited architecture can keep every name and shape."""
    was_training = model.training
    model.eval()
    T = min(model.config.seq_len, 8)
    ids = (torch.arange(2 * T) * 7919 % model.config.vocab_size).view(2, T)
    ours = model(ids.to(model.tokens.weight.device)).float().cpu()
    model.train(was_training)
    try:
        theirs = reference_logits(tensors, model.config, ids)
    except RuntimeError:  # a tensor has a shape that GPT-2's has not
        return False
    return ours.shape == theirs.shape and bool((ours - theirs).abs().max() <= REFERENCE_TOLERANCE * theirs.abs().max())


def _compare(saved: Transformer, model: Transformer) -> None:
    expected = model.state_dict()
    for name, tensor in saved.state_dict().items():
        if not torch.equal(tensor, expected[name].float().cpu()):
            raise RuntimeError(f"the saved model differs from the one in memory: {name}")


def _assemble(content: Content, source: str, attend: Attend) -> SavedModel:
    try:
        toolkit = json.loads(content.texts["config.json"])["toolkit"]
        config = build({name: toolkit[name] for name in ("model", "data", "train")})
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{source}: its config.json is not one that 'gpt2 train' wrote ({error})") from error
    tokenizer = tokenizer_from_files(
        vocab=content.texts.get(VOCAB_FILE), tokenizer=content.texts.get(TOKENIZER_FILE), source=source
    )
    model = empty_model(config.model, attend)
    names = list(model.state_dict())
    try:
        tensors = content.tensors if toolkit["layout"] == "ours" else from_huggingface(content.tensors, names)
        model.load_state_dict(dict(tensors), assign=True)
    except (KeyError, RuntimeError) as error:
        raise UserError(
            f"{source}: its weights do not fit the model that config.json and src/gpt2/modeling describe: {error}"
        ) from error
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return SavedModel(model.eval(), tokenizer, config, source)


def empty_model(config: ModelConfig, attend: Attend = causal_attention) -> Transformer:
    """A model whose parameters take no memory yet: for weights that are about to be assigned."""
    with torch.device("meta"):
        return Transformer(config, attend)


def _read_directory(path: Path) -> Content:
    if not (path / "config.json").is_file() or not (path / WEIGHTS_FILE).is_file():
        raise UserError(f"{path}: not a model directory: it needs config.json and {WEIGHTS_FILE}")
    try:
        texts = {p.name: p.read_bytes().decode() for p in path.iterdir() if p.is_file() and p.suffix != ".safetensors"}
        return Content(texts, load_file(path / WEIGHTS_FILE))
    except SafetensorError as error:
        raise UserError(f"{path / WEIGHTS_FILE}: damaged or not a safetensors file: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: a file in it is not text in UTF-8: {error}") from error


def _read_pth(path: Path) -> Content:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: not a model file: it is damaged, or holds Python objects, which could run code and are "
            "not loaded (older GPT-2 programs write such files)"
        ) from error
    if not isinstance(loaded, dict) or loaded.get("format") != PTH_FORMAT:
        keys = f" (it holds {', '.join(map(str, list(loaded)[:5]))})" if isinstance(loaded, dict) else ""
        raise UserError(f"{path}: a .pth file of another program{keys}; --save_model_path X.pth writes ours")
    return Content(loaded["files"], loaded["tensors"])


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

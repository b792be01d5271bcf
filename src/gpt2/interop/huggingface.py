"""Our GPT-2 as transformers knows it: names, layouts and configuration files. Pure mappings, no transformers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gpt2.config import ModelConfig

LAYER_NORM_EPSILON = 1e-5  # of every published GPT-2
Roles = Mapping[str, int | None]  # bos, eos, pad, unk → id, where the vocabulary has one

# Ours → transformers', inside block i and outside of blocks.
BLOCK_NAMES = {
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.project": "attn.c_proj",
    "feedforward_norm": "ln_2",
    "feedforward.expand": "mlp.c_fc",
    "feedforward.project": "mlp.c_proj",
}
OUTER_NAMES = {"tokens": "transformer.wte", "position.table": "transformer.wpe", "norm": "transformer.ln_f"}
# transformers keeps these as Conv1D: (inputs, outputs), the transpose of a linear layer's weight.
CONV1D = ("attention.qkv", "attention.project", "feedforward.expand", "feedforward.project")


def name_in_huggingface(name: str) -> str | None:
    """`blocks.3.attention.qkv.weight` → `transformer.h.3.attn.c_attn.weight`; None for what GPT-2 has not."""
    stem, _, leaf = name.rpartition(".")
    if block := re.fullmatch(r"blocks\.(\d+)\.(.+)", stem):
        part = BLOCK_NAMES.get(block[2])
        return part and f"transformer.h.{block[1]}.{part}.{leaf}"
    outer = OUTER_NAMES.get(stem)
    return outer and f"{outer}.{leaf}"


def _is_conv1d(name: str) -> bool:
    return name.endswith(".weight") and name.removesuffix(".weight").endswith(CONV1D)


def gpt2_names(layers: int) -> set[str]:
    """Every tensor of a GPT-2, as transformers names it."""
    parts = [f"transformer.h.{layer}.{part}" for layer in range(layers) for part in BLOCK_NAMES.values()]
    with_bias = [*parts, "transformer.ln_f"]
    names = {f"{name}.{leaf}" for name in with_bias for leaf in ("weight", "bias")}
    return names | {"transformer.wte.weight", "transformer.wpe.weight"}


def to_huggingface(state: Mapping[str, Tensor], layers: int) -> dict[str, Tensor] | None:
    """Our tensors under transformers' names and layouts; None unless they are exactly those of a GPT-2."""
    mapped = {name_in_huggingface(name): (name, tensor) for name, tensor in state.items()}
    if mapped.keys() != gpt2_names(layers):
        return None
    return {
        str(theirs): (tensor.T.contiguous() if _is_conv1d(ours) else tensor.contiguous())
        for theirs, (ours, tensor) in mapped.items()
    }


def from_huggingface(tensors: Mapping[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """The inverse, for the parameter `names` of our model.

    Raises:
        KeyError: a tensor is missing; it is named as transformers names it.
    """
    state = {}
    for name in names:
        theirs = name_in_huggingface(name)
        tensor = tensors[theirs or name]
        state[name] = tensor.T.contiguous() if _is_conv1d(name) else tensor
    return state


def reference_logits(tensors: Mapping[str, Tensor], config: ModelConfig, ids: Tensor) -> Tensor:
    """GPT-2's forward pass as published, straight from transformers' tensors: ids (B, T) → logits (B, T, V).

    An independent statement of the architecture: a model that agrees with it is one that transformers can run.
    """
    B, T = ids.shape
    D, H = config.dims, config.heads

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (D,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], LAYER_NORM_EPSILON)

    x = tensors["transformer.wte.weight"][ids] + tensors["transformer.wpe.weight"][:T]  # (B, T, D)
    future = torch.ones(T, T, dtype=torch.bool, device=ids.device).triu(1)
    for layer in range(config.layers):
        h = f"transformer.h.{layer}"
        q, k, v = (
            part.view(B, T, H, D // H).transpose(1, 2)  # (B, H, T, D/H)
            for part in linear(norm(x, f"{h}.ln_1"), f"{h}.attn.c_attn").split(D, dim=-1)
        )
        weights = (
            (q @ k.transpose(2, 3) / math.sqrt(D // H)).masked_fill(future, -torch.inf).softmax(-1)
        )  # (B, H, T, T)
        x = x + linear((weights @ v).transpose(1, 2).reshape(B, T, D), f"{h}.attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, f"{h}.ln_2"), f"{h}.mlp.c_fc"), approximate="tanh"), f"{h}.mlp.c_proj")
    return norm(x, "transformer.ln_f") @ tensors["transformer.wte.weight"].T  # (B, T, V)


def config_json(config: ModelConfig, roles: Roles) -> dict[str, Any]:
    """transformers' GPT2Config for a model of ours."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.seq_len,
        "n_embd": config.dims,
        "n_layer": config.layers,
        "n_head": config.heads,
        "n_inner": config.rate * config.dims,
        "activation_function": "gelu_new",
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "layer_norm_epsilon": LAYER_NORM_EPSILON,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        **role_ids(roles),
    }


def role_ids(roles: Roles) -> dict[str, int | None]:
    """The ids of the marks that this vocabulary has. A missing one is written as None: GPT2Config's own defaults
    are ids of another vocabulary."""
    return {f"{role}_token_id": roles.get(role) for role in ("bos", "eos", "pad")}


def tokenizer_config_json(config: ModelConfig, roles: Roles, words: Sequence[str]) -> dict[str, Any]:
    """What makes transformers load tokenizer.json as it is, with the marks by name."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.seq_len,
        "clean_up_tokenization_spaces": False,
        **{f"{role}_token": words[index] for role, index in roles.items() if index is not None},
    }

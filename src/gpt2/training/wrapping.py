"""What is put around a finished model from outside: activation checkpointing and compilation."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch.utils.checkpoint import checkpoint

from gpt2.modeling.transformer import Transformer


def checkpoint_activations(model: Transformer) -> None:
    """Keep only the input of each block in the forward pass and compute the rest again in the backward pass."""
    for block in model.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def compiled(model: Transformer) -> Transformer:
    """The model behind torch.compile; it shares its parameters with the one given."""
    return cast(Transformer, torch.compile(model, dynamic=False))

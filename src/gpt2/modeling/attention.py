"""Causal multi-head self-attention, and the cache that lets generation feed one token at a time.

Letters: B sequences, T new positions, S positions seen so far (the new ones included), D dims, H heads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt2.config import ModelConfig

Attend = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def causal_attention(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """softmax(q kᵀ / √(D/H)) v over the past (Vaswani et al. 2017, section 3.2.1), by PyTorch's fused kernels.

    | tensor | type | shape |
    | --- | --- | --- |
    | query | float | (B, H, T, D/H) |
    | key, value | float | (B, H, S, D/H) |
    | result | float | (B, H, T, D/H) |

    The queries are the last T of the S positions. Only new text behind a cached past needs a written mask,
    (T, S); training, prefill and single steps materialise none.
    """
    T, S = query.shape[2], key.shape[2]
    if T == S:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
    mask = None
    if T > 1:
        mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)


class LayerCache:
    """Keys and values of one layer, in memory for `capacity` positions that is taken once.

    | tensor | type | shape |
    | --- | --- | --- |
    | keys, values | float | (B, H, capacity, D/H) |
    """

    def __init__(self, config: ModelConfig, batch: int, capacity: int, like: Tensor) -> None:
        shape = (batch, config.heads, capacity, config.dims // config.heads)
        self.keys = torch.empty(shape, dtype=like.dtype, device=like.device)
        self.values = torch.empty_like(self.keys)
        self.length = 0

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write T new positions, (B, H, T, D/H) each; return everything so far, (B, H, S, D/H) each."""
        start, self.length = self.length, self.length + key.shape[2]
        assert self.length <= self.keys.shape[2], "the cache is full"
        self.keys[:, :, start : self.length] = key
        self.values[:, :, start : self.length] = value
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class Attention(nn.Module):
    """Every position looks at itself and the positions before it.

    | tensor | type | shape |
    | --- | --- | --- |
    | x | float | (B, T, D) |
    | result | float | (B, T, D) |
    """

    def __init__(self, config: ModelConfig, attend: Attend) -> None:
        super().__init__()
        self.heads = config.heads
        self.attend = attend
        self.qkv = nn.Linear(config.dims, 3 * config.dims)
        self.project = nn.Linear(config.dims, config.dims)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        B, T, D = x.shape
        query, key, value = (
            part.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, D/H)
            for part in self.qkv(x).split(D, dim=-1)
        )
        if cache is not None:
            key, value = cache.append(key, value)  # (B, H, S, D/H)
        x = self.attend(query, key, value, self.dropout.p if self.training else 0.0)  # (B, H, T, D/H)
        x = x.transpose(1, 2).reshape(B, T, D)  # (B, T, D)
        return self.dropout(self.project(x))

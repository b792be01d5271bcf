"""The normalization in front of every branch and of the head."""

from __future__ import annotations

from torch import nn

from gpt2.config import ModelConfig

EPSILON = 1e-5  # GPT-2's published value


class Normalization(nn.LayerNorm):
    """Layer normalization over the last dimension (Ba et al. 2016), with scale and shift.

    | tensor | type | shape |
    | --- | --- | --- |
    | x | float | (B, T, D) |
    | result | float | (B, T, D) |
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.dims, eps=EPSILON)

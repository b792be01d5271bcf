"""The position-wise feed-forward layers: expand, bend, project back."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gpt2.config import ModelConfig


class FeedForward(nn.Module):
    """GELU in its tanh form (Hendrycks and Gimpel 2016), which GPT-2's weights were trained with.

    | tensor | type | shape |
    | --- | --- | --- |
    | x | float | (B, T, D) |
    | result | float | (B, T, D) |
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.dims, config.rate * config.dims)
        self.project = nn.Linear(config.rate * config.dims, config.dims)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.expand(x), approximate="tanh")  # (B, T, rate · D)
        return self.dropout(self.project(x))  # (B, T, D)

"""How a position enters the residual stream."""

from __future__ import annotations

from torch import Tensor, nn

from gpt2.config import ModelConfig


class Position(nn.Module):
    """One learned vector for each of the `seq_len` positions (Radford et al. 2018).

    | tensor | type | shape |
    | --- | --- | --- |
    | x: token vectors | float | (B, T, D) |
    | result: x plus the vectors of positions start … start + T - 1 | float | (B, T, D) |
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(config.seq_len, config.dims)

    def forward(self, x: Tensor, start: int) -> Tensor:
        T = x.shape[1]
        assert start + T <= self.table.num_embeddings, "the text is longer than seq_len"
        return x + self.table.weight[start : start + T]  # (B, T, D)

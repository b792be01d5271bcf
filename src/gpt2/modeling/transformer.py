"""GPT-2: a stack of pre-norm blocks between an embedding and a head that share their weights.

Letters: B sequences, T new positions, D dims, V vocabulary.
Reference: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt2.config import ModelConfig
from gpt2.modeling.attention import Attend, Attention, LayerCache, causal_attention
from gpt2.modeling.feedforward import FeedForward
from gpt2.modeling.normalization import Normalization
from gpt2.modeling.position import Position

INITIAL_STD = 0.02  # GPT-2's published value, for every matrix and embedding


class Block(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x)).

    | tensor | type | shape |
    | --- | --- | --- |
    | x | float | (B, T, D) |
    | result | float | (B, T, D) |
    """

    def __init__(self, config: ModelConfig, attend: Attend) -> None:
        super().__init__()
        self.attention_norm = Normalization(config)
        self.attention = Attention(config, attend)
        self.feedforward_norm = Normalization(config)
        self.feedforward = FeedForward(config)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), cache)
        return x + self.feedforward(self.feedforward_norm(x))


class Transformer(nn.Module):
    """Token ids in, the logits of the next token out.

    | tensor | type | shape |
    | --- | --- | --- |
    | ids | int64 | (B, T) |
    | cache: one for each layer, holding the past and taking in ids | list | layers |
    | result | float | (B, T, V) |
    """

    def __init__(self, config: ModelConfig, attend: Attend = causal_attention) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.dims)
        self.position = Position(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config, attend) for _ in range(config.layers)])
        self.norm = Normalization(config)

    def forward(self, ids: Tensor, cache: Sequence[LayerCache] | None = None) -> Tensor:
        x = self.tokens(ids)  # (B, T, D)
        x = self.dropout(self.position(x, start=cache[0].length if cache else 0))
        for layer, block in enumerate(self.blocks):
            x = block(x, cache[layer] if cache else None)
        return F.linear(self.norm(x), self.tokens.weight)  # (B, T, V)

    def make_cache(self, batch: int, capacity: int) -> list[LayerCache]:
        """An empty cache for `batch` sequences of up to `capacity` positions, in the weights' type."""
        return [LayerCache(self.config, batch, capacity, like=self.tokens.weight) for _ in self.blocks]

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw every weight from its published distribution, as a function of the seed alone.

        Matrices and embeddings N(0, 0.02); the two projections that write to the residual stream are scaled
        by 1/√(2 · layers), so that the stream keeps its variance; biases 0; norms 1 and 0.

        Raises:
            RuntimeError: a module with parameters of its own has no rule here; it would stay uninitialised.
        """
        generator = torch.Generator().manual_seed(seed)

        def draw(weight: Tensor, std: float) -> None:
            weight.copy_(torch.empty(weight.shape).normal_(0.0, std, generator=generator))

        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                residual = name.endswith(".project")
                draw(module.weight, INITIAL_STD / math.sqrt(2 * self.config.layers) if residual else INITIAL_STD)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.Embedding):
                draw(module.weight, INITIAL_STD)
            elif isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
                module.reset_parameters()
            elif list(module.parameters(recurse=False)):
                raise RuntimeError(f"initialize() has no rule for {name or 'the model'} ({type(module).__name__})")

    def count_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def flops_per_token(self, seq_len: int) -> int:
        """Floating-point operations of training on one token: 6 N + 12 · layers · dims · seq_len.

        N counts the parameters used in matrix products, positions therefore not (Chowdhery et al. 2022,
        PaLM, appendix B; recomputation is not counted).
        """
        products = self.count_parameters() - sum(p.numel() for p in self.position.parameters())
        return 6 * products + 12 * self.config.layers * self.config.dims * seq_len

"""From logits to the next token: pure functions, one for each rule."""

from __future__ import annotations

import torch
from torch import Tensor


def probabilities(logits: Tensor, *, temperature: float, top_k: int, nucleus_prob: float) -> Tensor:
    """The distribution that the next token is drawn from.

    | tensor | type | shape |
    | --- | --- | --- |
    | logits | float | (B, V) |
    | result | float32 | (B, V) |

    temperature 0 is greedy: all mass on the first of the largest. top_k 0 and nucleus_prob 1 leave out nothing.
    """
    logits = logits.float()
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(dim=1, keepdim=True), 1.0)
    if 0 < top_k < logits.shape[1]:
        threshold = logits.topk(top_k, dim=1).values[:, -1:]  # (B, 1)
        logits = logits.masked_fill(logits < threshold, -torch.inf)
    logits = logits - logits.amax(dim=1, keepdim=True)  # so that a tiny temperature cannot overflow
    return nucleus(torch.softmax(logits / temperature, dim=1), nucleus_prob)


def nucleus(probs: Tensor, share: float) -> Tensor:
    """Keep the fewest most probable tokens that hold at least `share` of the mass (Holtzman et al. 2020).

    | tensor | type | shape |
    | --- | --- | --- |
    | probs | float | (B, V) |
    | result: sums to 1 again | float | (B, V) |
    """
    if share >= 1:
        return probs
    ordered, order = probs.sort(dim=1, descending=True)
    before = ordered.cumsum(dim=1) - ordered  # mass of the more probable ones: 0 for the first, so it always stays
    ordered = ordered.masked_fill(before >= share, 0.0)
    probs = torch.zeros_like(probs).scatter_(1, order, ordered)
    return probs / probs.sum(dim=1, keepdim=True)

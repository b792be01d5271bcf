"""What training minimises and evaluation reports: nats of the next token."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gpt2.config import IGNORE


def next_token_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over all targets of -ln p(target), in fp32. Divide by the number of targets once, at the end.

    | tensor | type | shape |
    | --- | --- | --- |
    | logits | float | (B, T, V) |
    | targets: ids, or IGNORE | int64 | (B, T) |
    | result | float32 | () |
    """
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORE, reduction="sum")

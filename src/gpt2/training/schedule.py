"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math

from gpt2.config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate for the update that follows `step` finished ones.

    A linear warm-up to base_lr, then: constant; linear down to min_lr; or half a cosine down to min_lr
    (Loshchilov and Hutter 2017, equation 5, one cycle). The last update gets almost min_lr.
    """
    if step < config.warmup_steps:
        return config.base_lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(config.total_steps - config.warmup_steps, 1)
    progress = min(progress, 1.0)
    match config.schedule:
        case "constant":
            share = 1.0
        case "linear":
            share = 1.0 - progress
        case "cosine":
            share = 0.5 * (1.0 + math.cos(math.pi * progress))
    return config.min_lr + (config.base_lr - config.min_lr) * share

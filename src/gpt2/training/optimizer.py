"""Which parameter is updated by which rule."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gpt2.config import TrainConfig


def parameter_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """AdamW's groups: matrices decay, vectors (biases, norms) do not.

    Every parameter is in exactly one group; `names` lists them in the group's order.
    """
    named = dict(model.named_parameters())  # shared parameters appear once
    groups: list[dict[str, Any]] = [
        {"names": [name for name, p in named.items() if p.dim() >= 2], "weight_decay": config.wd_rate},
        {"names": [name for name, p in named.items() if p.dim() < 2], "weight_decay": 0.0},
    ]
    assert sorted(name for group in groups for name in group["names"]) == sorted(named)
    return [{**group, "params": [named[name] for name in group["names"]]} for group in groups]


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019), in one fused kernel over all parameters."""
    return torch.optim.AdamW(
        parameter_groups(model, config),
        lr=config.base_lr,
        betas=(config.beta1, config.beta2),
        fused=next(model.parameters()).device.type in ("cuda", "cpu"),
    )


def named_state(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimizer's tensors under `<parameter>/<kind>`: plain data, free of the order of parameters."""
    return {
        f"{name}/{kind}": value
        for group in optimizer.param_groups
        for name, parameter in zip(group["names"], group["params"], strict=True)
        for kind, value in optimizer.state[parameter].items()
    }


def load_named_state(optimizer: torch.optim.Optimizer, state: dict[str, torch.Tensor]) -> None:
    """Take back what `named_state` gave away. A tensor of a kind is moved to its parameter's device, but the step
    counter only where the optimizer itself keeps it there."""
    for group in optimizer.param_groups:
        for name, parameter in zip(group["names"], group["params"], strict=True):
            kinds = {key.removeprefix(f"{name}/"): value for key, value in state.items() if key.startswith(f"{name}/")}
            optimizer.state[parameter] = {
                kind: value.to(parameter.device) if value.dim() or group.get("fused") else value
                for kind, value in kinds.items()
            }

"""What a run says of itself: sums between log lines, its speed, and the console line."""

from __future__ import annotations

import time
from typing import Any

import torch

# Dense bf16 peak, FLOP/s, from the makers' data sheets (without sparsity). Elsewhere MFU is n/a.
PEAK_FLOPS = {
    "V100": 125e12,
    "A100": 312e12,
    "H100": 989e12,
    "H200": 989e12,
    "RTX 3090": 71e12,
    "RTX 4090": 165.2e12,
    "L4": 121e12,
    "A10G": 70e12,
}


def peak_flops(device: torch.device) -> float | None:
    """The device's dense bf16 peak, or None where the table has none."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in PEAK_FLOPS.items() if part in name.replace("NVIDIA ", "")), None)


class LossMeter:
    """Nats and targets since the last reset, added up on the device: reading them back costs a wait."""

    def __init__(self) -> None:
        self.nats: torch.Tensor | float = 0.0
        self.targets = 0

    def add(self, nats: torch.Tensor, targets: int) -> None:
        # Sums of many small numbers want 64 bits; mps has none.
        self.nats = self.nats + nats.detach().to(torch.float32 if nats.device.type == "mps" else torch.float64)
        self.targets += targets

    def mean(self) -> float:
        """Nats a target, or NaN when there was none."""
        return float(self.nats) / self.targets if self.targets else float("nan")

    def state_dict(self) -> dict[str, float]:
        return {"nats": float(self.nats), "targets": self.targets}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.nats, self.targets = float(state["nats"]), int(state["targets"])


class Clock:
    """Speed and remaining time, measured over the steps since the last log line."""

    def __init__(self, step: int) -> None:
        self.step, self.at = step, time.perf_counter()
        self.paused_s = 0.0

    def pause(self, since: float) -> None:
        """Leave out the time since `since`: evaluation and saving are not training speed."""
        self.paused_s += time.perf_counter() - since

    def lap(self, step: int) -> float:
        """Seconds a step since the last lap."""
        now = time.perf_counter()
        per_step = (now - self.at - self.paused_s) / max(step - self.step, 1)
        self.step, self.at, self.paused_s = step, now, 0.0
        return per_step


def console_line(step: int, metrics: dict[str, float], losses: dict[str, float | None], eta_s: float) -> str:
    """One line for people.

    loss: mean since the last line; dt: ms a step; sps: steps a second; mtps: million tokens a second; mfu: % of the
    device's peak; train_loss: mean over all since the last evaluation; eval_loss: the last evaluation's.
    """
    dt = metrics["perf/step_ms"]
    mfu = metrics.get("perf/mfu")
    fields = {
        "loss": f"{metrics['train/loss']:.3f}",
        "dt": f"{dt:.1f}",
        "sps": f"{1000 / dt:.3f}",
        "mtps": f"{metrics['perf/tokens_per_sec'] / 1e6:.3f}",
        "mfu": "n/a" if mfu is None else f"{100 * mfu:.1f}",
        **{name: f"{value:.3f}" for name, value in losses.items() if value is not None},
        "eta": f"{int(eta_s // 3600)}:{int(eta_s // 60 % 60):02d}:{int(eta_s % 60):02d}",
    }
    return f"step={step} " + " ".join(f"{name}={value}" for name, value in fields.items())

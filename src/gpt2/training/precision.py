"""Which device, which number type: everything that decides it, wrapped around the model from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gpt2.config import TrainConfig, UserError
from gpt2.modeling.attention import Attend, causal_attention

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """The type of the matrix products on a device; weights and optimizer state are fp32 throughout.

    `context` is entered around forward passes, `attend` is handed to the model, `reason` is one line for the user.
    """

    device: torch.device
    name: str  # fp32 | bf16 | fp16
    reason: str

    @property
    def context(self) -> Callable[[], contextlib.AbstractContextManager[Any]]:
        if self.name == "fp32":
            return contextlib.nullcontext
        return lambda: torch.autocast(self.device.type, dtype=DTYPES[self.name])

    @property
    def attend(self) -> Attend:
        return attend_in_fp32 if self.device.type == "cpu" and self.name != "fp32" else causal_attention

    def make_scaler(self) -> torch.amp.GradScaler:
        """fp16 gradients underflow without a loss scale; for the other types the scaler does nothing."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "fp16")


def attend_in_fp32(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Attention in fp32 inside an autocast region: on a CPU its bf16 backward is several times slower.

    Shapes as in `causal_attention`.
    """
    with torch.autocast(query.device.type, enabled=False):
        return causal_attention(query.float(), key.float(), value.float(), dropout).to(query.dtype)


def choose_device(name: str, *, use_gpu: bool = False, flag: str | None = None) -> torch.device:
    """`auto` takes the first there is of cuda, mps, cpu. `flag` is what the user wrote, for the message.

    Raises:
        UserError: a GPU is demanded and there is none.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if use_gpu and name in ("auto", "cuda"):
        if not (available["cuda"] or available["mps"]):
            raise UserError("--use_gpu: PyTorch sees no GPU here; leave it out to run on the CPU")
        name = "auto"
    elif use_gpu and name == "cpu":
        raise UserError("--use_gpu and --device cpu contradict each other: leave out one")
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        raise UserError(f"{flag or f'--device {name}'}: PyTorch sees none here; leave it out to take what there is")
    return torch.device(name)


def choose_precision(config: TrainConfig, device: torch.device) -> Precision:
    """What `--use_amp` and `--precision` mean on this device.

    Raises:
        UserError: fp16 without a GPU: the loss scaler and the kernels need one.
    """
    if not config.use_amp:
        if config.precision == "fp16" and device.type != "cuda":
            raise UserError("--precision fp16 needs a CUDA GPU; try --use_amp, which picks what the device can do")
        return Precision(device, config.precision, f"{config.precision} on {device.type}, as asked")
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported():
            return Precision(device, "bf16", "bf16: this GPU has it")
        return Precision(device, "fp16", "fp16 with a loss scaler: this GPU has no bf16")
    if device.type == "cpu" and _cpu_has_bf16():
        return Precision(device, "bf16", "bf16 products with fp32 attention: this CPU has bf16 instructions")
    return Precision(device, "fp32", f"fp32: bf16 would be emulated, and slower, on this {device.type}")


def _cpu_has_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))

"""Every setting of the toolkit: its default, its help and its check live here, once. No torch."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from gpt2.suggestions import suggest

# A target that is not predicted: padding, and begin marks. Data writes it, the objective skips it.
IGNORE = -100


class UserError(ValueError):
    """A mistake that the user can mend: the message says what is wrong, where, and what to do next."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


def _too_small(config: Any, least: int, names: str) -> list[str]:
    """A problem for each of the named fields that is below `least`; NaN is below everything."""
    values = {name: getattr(config, name) for name in names.split()}
    return [f"{name} is {value}: it must be at least {least}" for name, value in values.items() if not value >= least]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network. Defaults are GPT-2 small (Radford et al. 2019, table 2)."""

    layers: int = _setting(12, "transformer blocks")
    heads: int = _setting(12, "attention heads in a block; divides --dims")
    dims: int = _setting(768, "width of the residual stream")
    rate: int = _setting(4, "hidden width of the feed-forward layers, as a multiple of --dims")
    seq_len: int = _setting(1024, "positions: the longest context, in tokens")
    dropout: float = _setting(0.1, "dropout probability in embeddings, attention and residual branches")
    vocab_size: int = _setting(50257, "rows of the embedding; always taken from the vocabulary, never a flag")

    def __post_init__(self) -> None:
        problems = _too_small(self, 1, "layers heads dims rate seq_len vocab_size")
        if not problems and self.dims % self.heads:
            problems.append(
                f"dims {self.dims} is not divisible by heads {self.heads}: "
                f"try --dims {round(self.dims / self.heads) * self.heads or self.heads} or another number of heads"
            )
        if not 0 <= self.dropout < 1:
            problems.append(f"dropout is {self.dropout}: it must be at least 0 and below 1")
        raise_all(problems)


@dataclass(frozen=True)
class DataConfig:
    """Where the token ids come from and how they become rows."""

    train_corpus: str = _setting(
        "workspace/build/corpus.train.txt", "tokenized training corpus (.txt, or the .bin beside it)"
    )
    eval_corpus: str = _setting(
        "workspace/build/corpus.test.txt", "tokenized evaluation corpus (.txt, or the .bin beside it)"
    )
    vocab_path: str = _setting(
        "workspace/build/vocab.txt", "vocab.txt (the tokenizer.json beside it is used) or tokenizer.json"
    )
    pack: bool = _setting(True, "fill every row with text; --no_pack: one sequence a row, padded")


@dataclass(frozen=True)
class TrainConfig:
    """How a run goes: batches, optimizer, rhythm, precision, files."""

    batch_train: int = _setting(64, "sequences per optimizer step, over all devices")
    batch_eval: int = _setting(64, "sequences per evaluation batch")
    accumulate: int = _setting(1, "parts that a training batch is computed in, to save memory; divides --batch_train")
    total_steps: int = _setting(100_000, "optimizer steps")
    eval_steps: int = _setting(500, "steps between evaluations (each also writes samples)")
    eval_batches: int = _setting(100, "batches of an evaluation during training: a fixed seeded set")
    save_steps: int = _setting(1000, "steps between checkpoints")
    log_steps: int = _setting(50, "steps between log lines")
    keep_checkpoints: int = _setting(2, "newest checkpoints kept")
    base_lr: float = _setting(6e-4, "highest learning rate")
    min_lr: float = _setting(0.0, "learning rate at the end of a linear or cosine schedule")
    warmup_steps: int = _setting(100, "steps over which the learning rate grows from 0 to --base_lr")
    schedule: Literal["linear", "cosine", "constant"] = _setting("cosine", "learning rate after the warm-up")
    optimizer: Literal["adamw"] = _setting("adamw", "optimizer")
    beta1: float = _setting(0.9, "AdamW's decay of the gradient's mean")
    beta2: float = _setting(0.95, "AdamW's decay of the gradient's square")
    wd_rate: float = _setting(0.1, "weight decay, on matrices only")
    clip: float = _setting(1.0, "largest norm of the whole gradient; 0 leaves it alone")
    seed: int = _setting(0, "seed of initial weights, data order, dropout and samples")
    device: Literal["auto", "cuda", "mps", "cpu"] = _setting("auto", "auto takes the first there is: cuda, mps, cpu")
    precision: Literal["fp32", "bf16", "fp16"] = _setting("fp32", "type of the matrix products; weights stay fp32")
    use_amp: bool = _setting(False, "mixed precision: bf16 where the device has it, else fp16 with a loss scaler")
    use_grad_ckpt: bool = _setting(False, "compute activations again in the backward pass, to save memory")
    compile: bool = _setting(False, "torch.compile the model")
    gpus: int = _setting(0, "1 insists on a GPU; 0: whatever --device says")
    output_dir: str = _setting("", "directory of the run; default: the next free runs/<name>-<number>")
    save_model_path: str = _setting("", "also write the trained model to this .pth file")
    save_checkpoint_path: str = _setting("", "directory that collects checkpoints; default: <output_dir>/checkpoints")
    from_checkpoint: str = _setting(
        "", "continue from this directory of checkpoints, this one checkpoint, or 'auto': the newest, if there is one"
    )
    from_pretrained: str = _setting("", "start from the weights of this model (directory or .pth)")
    sample_prompts: str = _setting(
        "", "prompts for the samples, separated by |; default: the beginnings of evaluation sequences"
    )

    def __post_init__(self) -> None:
        counts = "batch_train batch_eval accumulate total_steps eval_steps eval_batches save_steps log_steps"
        problems = _too_small(self, 1, f"{counts} keep_checkpoints")
        problems += _too_small(self, 0, "base_lr min_lr warmup_steps wd_rate clip gpus seed")
        problems += [
            f"{name} is {getattr(self, name)}: it must be at least 0 and below 1"
            for name in ("beta1", "beta2")
            if not 0 <= getattr(self, name) < 1
        ]
        if self.accumulate >= 1 and self.batch_train % self.accumulate:
            problems.append(f"batch_train {self.batch_train} is not divisible by accumulate {self.accumulate}")
        if self.min_lr > self.base_lr:
            problems.append(f"min_lr {self.min_lr} is above base_lr {self.base_lr}")
        if self.use_amp and self.precision != "fp32":
            problems.append(f"--use_amp chooses the precision by itself: leave out --precision {self.precision} or it")
        if self.gpus > 1:
            problems.append(f"--gpus {self.gpus}: a run takes one GPU in this version; --gpus 1 insists on one")
        if self.gpus and self.device in ("cpu", "mps"):
            problems.append(f"--gpus {self.gpus} and --device {self.device} contradict each other: leave out one")
        raise_all(problems)


@dataclass(frozen=True)
class GenerateConfig:
    """How continuations are drawn."""

    num_samples: int = _setting(1, "continuations of each prompt")
    max_new_tokens: int = _setting(100, "tokens after the prompt, at most")
    temperature: float = _setting(0.7, "below 1 more careful, above 1 wilder; 0: always the most probable token")
    top_k: int = _setting(0, "draw from the k most probable tokens; 0: from all")
    nucleus_prob: float = _setting(0.9, "draw from the fewest tokens that hold this share of the probability")
    seed: int = _setting(0, "seed of the draws")
    ignore_eos: bool = _setting(False, "go on after the end of a text")

    def __post_init__(self) -> None:
        problems = _too_small(self, 1, "num_samples max_new_tokens")
        problems += _too_small(self, 0, "temperature top_k seed")
        if not 0 < self.nucleus_prob <= 1:
            problems.append(f"nucleus_prob is {self.nucleus_prob}: it must be above 0 and at most 1")
        raise_all(problems)


@dataclass(frozen=True)
class Config:
    """The whole configuration of a run; `config.yaml` has the same three sections."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        return dataclasses.asdict(self)


SECTIONS: dict[str, type] = {"model": ModelConfig, "data": DataConfig, "train": TrainConfig}

# Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", table 2, with the head counts of
# the published weights; `tiny` is ours, for a CPU in minutes. Learning rates: Brown et al. 2020, table 2.1.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "tiny": {
        "model": {"layers": 4, "heads": 4, "dims": 128, "seq_len": 128},
        "train": {"batch_train": 32, "batch_eval": 32, "base_lr": 1e-3, "total_steps": 2000},
    },
    "gpt2": {"model": {"layers": 12, "heads": 12, "dims": 768}, "train": {"base_lr": 6e-4}},
    "gpt2-medium": {"model": {"layers": 24, "heads": 16, "dims": 1024}, "train": {"base_lr": 3e-4}},
    "gpt2-large": {"model": {"layers": 36, "heads": 20, "dims": 1280}, "train": {"base_lr": 2.5e-4}},
    "gpt2-xl": {"model": {"layers": 48, "heads": 25, "dims": 1600}, "train": {"base_lr": 2e-4}},
}


def raise_all(problems: Iterable[str]) -> None:
    """Raise one UserError that lists every problem; do nothing when there is none."""
    problems = list(problems)
    if problems:
        raise UserError("\n".join(problems))


def build(*layers: Mapping[str, Mapping[str, Any] | None]) -> Config:
    """Lay mappings of sections over the defaults, later over earlier, and check everything at once.

    Raises:
        UserError: lists every unknown section or key (with the nearest known one) and every bad value.
    """
    problems: list[str] = []
    merged: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for layer in layers:
        for section, values in layer.items():
            if section in SECTIONS and isinstance(values, Mapping | None):
                merged[section].update(_typed(SECTIONS[section], values or {}, problems, prefix=f"{section}."))
            else:
                problems.append(f"unknown section '{section}'{suggest(section, SECTIONS)} (model, data, train)")
    built: dict[str, Any] = {}
    for name, section_type in SECTIONS.items():
        try:
            built[name] = section_type(**merged[name])
        except UserError as error:
            problems.append(str(error))
    raise_all(problems)
    return Config(**built)


def build_generation(values: Mapping[str, Any]) -> GenerateConfig:
    """The sampling settings from the flags that were given.

    Raises:
        UserError: lists every bad value.
    """
    problems: list[str] = []
    typed = _typed(GenerateConfig, values, problems)
    raise_all(problems)
    return GenerateConfig(**typed)


def _typed(section: type, values: Mapping[str, Any], problems: list[str], prefix: str = "") -> dict[str, Any]:
    """The values as their fields' types; an empty one (YAML's null) leaves what was there before."""
    types = typing.get_type_hints(section)
    typed: dict[str, Any] = {}
    for key, value in values.items():
        if key not in types:
            problems.append(f"unknown setting '{prefix}{key}'{suggest(key, types)}")
        elif value is not None:
            try:
                typed[key] = coerce(value, types[key])
            except (TypeError, ValueError) as error:
                problems.append(f"{prefix}{key}: {error}")
    return typed


def coerce(value: Any, type_hint: Any) -> Any:
    """A value from a file or a flag as the field's type: YAML reads `6e-4` as text, and a flag always is text.

    Raises:
        ValueError: the value is not of that type; the message names what is allowed.
    """
    if typing.get_origin(type_hint) is Literal:
        allowed = typing.get_args(type_hint)
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(map(str, allowed))}")
        return value
    if type_hint is bool:
        if isinstance(value, bool):
            return value
        raise ValueError(f"{value!r} is not true or false")
    if type_hint in (int, float):
        kind = "a whole number" if type_hint is int else "a number"
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not math.isfinite(number) or (type_hint is int and number != int(number)):
            raise ValueError(f"{value!r} is not {kind}")
        return type_hint(number) if isinstance(value, str) and not value.isdigit() else type_hint(value)
    return str(value)


def read_file(path: str) -> dict[str, dict[str, Any]]:
    """The sections of a YAML configuration file, unchecked.

    Raises:
        UserError: the file is missing, is no YAML, or is no mapping of sections.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such configuration file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected the sections model, data and train")
    return content


def to_yaml(config: Config) -> str:
    """The whole configuration as `config.yaml` has it."""
    import yaml

    return str(yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True))


def preset(name: str) -> dict[str, dict[str, Any]]:
    """The settings of a named preset.

    Raises:
        UserError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset '{name}'{suggest(name, PRESETS)} (presets: {', '.join(PRESETS)})")
    return PRESETS[name]


def flags_of(section: type) -> dict[str, tuple[Any, Any, str]]:
    """Name → (type, default, help) of every field of a section that is a flag."""
    types = typing.get_type_hints(section)
    return {f.name: (types[f.name], f.default, f.metadata["help"]) for f in fields(section) if f.name != "vocab_size"}

"""A run from beginning to end: its directory, its rhythm of logs, evaluations, samples and checkpoints."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from gpt2.checkpoint import find_checkpoint, holds_checkpoint, load_checkpoint, save_checkpoint
from gpt2.config import Config, GenerateConfig, UserError, build, to_yaml
from gpt2.data.batches import sequence_beginnings
from gpt2.evaluation.evaluator import Scores
from gpt2.files import write_text
from gpt2.metrics import MetricsFile
from gpt2.progress import Progress
from gpt2.saved_model import save_model
from gpt2.training.model_card import model_card
from gpt2.training.recording import LossMeter, console_line
from gpt2.training.trainer import Trainer

SAMPLE_TOKENS = 60
STEPS_VARIABLE = "GPT2_TOTAL_STEPS"  # replaces total_steps: the tests run documented commands shortened


def resolve(*layers: dict[str, dict[str, Any]], name: str) -> Config:
    """The configuration of a run: defaults < the continued run's < the given layers, with its directories named.

    Raises:
        UserError: bad settings, a checkpoint that is not there, or an output directory that is taken.
    """
    config = build(*layers)
    if config.train.from_checkpoint:
        path = _checkpoint_to_continue(config)
        if path is not None:
            saved = load_checkpoint(path).state["config"]
            config = build(saved, *layers, {"train": {"from_checkpoint": str(path), "from_pretrained": ""}})
        else:
            config = _with_train(config, from_checkpoint="")
    if os.environ.get(STEPS_VARIABLE):
        config = build(config.to_dict(), {"train": {"total_steps": os.environ[STEPS_VARIABLE]}})
    output = config.train.output_dir or _free_directory(Path("runs"), name)
    collected = config.train.save_checkpoint_path or str(Path(output) / "checkpoints")
    config = _with_train(config, output_dir=str(output), save_checkpoint_path=collected)
    if not config.train.from_checkpoint and holds_checkpoint(Path(collected)):
        raise UserError(
            f"{collected} holds checkpoints of another run: continue it with --from_checkpoint {collected}, "
            "or choose another --output_dir"
        )
    return config


def _with_train(config: Config, **changes: Any) -> Config:
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **changes))


def _checkpoint_to_continue(config: Config) -> Path | None:
    """The step directory that --from_checkpoint means; None when 'auto' finds none."""
    wanted = config.train.from_checkpoint
    place = wanted
    if wanted == "auto":
        place = config.train.save_checkpoint_path or (
            str(Path(config.train.output_dir) / "checkpoints") if config.train.output_dir else ""
        )
        if not place:
            raise UserError(
                "--from_checkpoint auto needs --output_dir or --save_checkpoint_path: where should it look?"
            )
    if (Path(place) / "checkpoints").is_dir():
        place = str(Path(place) / "checkpoints")  # the directory of a run was named
    path, passed_over = find_checkpoint(Path(place))
    for line in passed_over:
        print(line, file=sys.stderr)
    if path is None and wanted != "auto":
        raise UserError(f"--from_checkpoint {wanted}: no valid checkpoint there")
    return path


def _free_directory(parent: Path, name: str) -> Path:
    """runs/<name>-1, or the next number that no run has."""
    taken = [
        int(match[1]) for p in parent.glob(f"{name}-*") if (match := re.fullmatch(rf"{re.escape(name)}-(\d+)", p.name))
    ]
    return parent / f"{name}-{max(taken, default=0) + 1}"


class Run:
    """`gpt2 train` after its configuration is resolved: `execute` trains, evaluates, samples and saves."""

    def __init__(self, config: Config) -> None:
        self.trainer = Trainer(config)
        self.config = self.trainer.config
        self.output = Path(config.train.output_dir)
        self.output.mkdir(parents=True, exist_ok=True)
        if config.train.from_checkpoint:
            self.trainer.restore(load_checkpoint(Path(config.train.from_checkpoint)))
        else:
            for name in ("metrics.jsonl", "samples.txt"):  # of an older run that kept no checkpoint
                (self.output / name).unlink(missing_ok=True)
        write_text(self.output / "config.yaml", to_yaml(self.config))
        self.metrics = MetricsFile(self.output / "metrics.jsonl", after_step=self.trainer.step)
        self.prompts = [prompt.strip() for prompt in config.train.sample_prompts.split("|") if prompt.strip()]
        self.prompts = self.prompts or sequence_beginnings(self.trainer.eval_corpus, count=2, tokens=8)
        self.scores: Scores | None = None  # the last evaluation's
        self.stopped_by: int | None = None  # the signal's number
        self.say: Callable[[str], None] = print

    def execute(self) -> Scores | None:
        """Train to the last step, then save the model; returns the scores of the whole evaluation split.

        None when a signal stopped the run: then a checkpoint was saved and the model was not.
        """
        trainer, config = self.trainer, self.config.train
        print(self.description(), flush=True)
        first_step, started_at = trainer.step, time.perf_counter()
        with self._stop_on_signal(), Progress(config.total_steps, "training", "step") as progress:
            self.say = progress.say
            progress.advance(first_step)
            if first_step == 0:
                self._evaluate_and_sample({})
            while trainer.step < config.total_steps and self.stopped_by is None:
                trainer.train_step()
                progress.advance()
                elapsed_s = time.perf_counter() - started_at
                remaining = config.total_steps - trainer.step
                self._keep_rhythm(eta_s=elapsed_s / (trainer.step - first_step) * remaining)
        self.say = print
        if self.stopped_by is not None:
            self.save_checkpoint()
            return None
        if trainer.step == first_step:  # continued at its end: nothing to train, the model still to be saved
            self.scores = trainer.evaluate(whole=True, show_progress=True)
        assert self.scores is not None
        self._save_model(self.scores)
        return self.scores

    def description(self) -> str:
        """What is about to happen, in three lines."""
        trainer, model, config = self.trainer, self.config.model, self.config.train
        epochs = config.total_steps * config.batch_train / trainer.order.rows.training_rows
        train_tokens, eval_tokens = len(trainer.train_corpus.ids), len(trainer.eval_corpus.ids)
        return (
            f"model:  {model.layers} layers, {model.heads} heads, {model.dims} dims, {model.seq_len} positions, "
            f"{model.vocab_size} tokens: {trainer.model.count_parameters():,} parameters\n"
            f"data:   {train_tokens:,} tokens to train on, {eval_tokens:,} to evaluate; "
            f"{config.total_steps} steps of {config.batch_train} rows: {epochs:.1f} epochs\n"
            f"device: {trainer.precision.reason}; run: {self.output}"
        )

    def _keep_rhythm(self, *, eta_s: float) -> None:
        """After a step: log, evaluate, save, each when its time has come."""
        trainer, config, step = self.trainer, self.config.train, self.trainer.step
        last = step == config.total_steps
        evaluates = last or step % config.eval_steps == 0
        if evaluates or step % config.log_steps == 0:
            metrics, train_loss = trainer.log(), trainer.since_eval.mean()
            if evaluates:
                self._evaluate_and_sample(metrics, whole=last)
                trainer.since_eval = LossMeter()
            else:
                self.metrics.write(step, **metrics)
            losses = {"train_loss": train_loss, "eval_loss": self.scores.loss if self.scores else None}
            self.say(console_line(step, metrics, losses, eta_s=eta_s))
        if last or step % config.save_steps == 0:
            since = time.perf_counter()
            self.save_checkpoint()
            trainer.clock.pause(since)

    def _evaluate_and_sample(self, metrics: dict[str, float], *, whole: bool = False) -> None:
        """One line of metrics.jsonl with the evaluation, and samples in samples.txt; the first and last are shown."""
        trainer, step = self.trainer, self.trainer.step
        self.scores = scores = trainer.evaluate(whole=whole)
        evaluation = {"eval/loss": scores.loss, "eval/perplexity": scores.perplexity}
        if scores.bits_per_byte is not None:
            evaluation["eval/bpb"] = scores.bits_per_byte
        self.metrics.write(step, **metrics, **evaluation)
        sampling = GenerateConfig(seed=self.config.train.seed, max_new_tokens=SAMPLE_TOKENS)
        samples = [trainer.generate(prompt, sampling)[0] for prompt in self.prompts]
        lines = [f"step {step}: {sample.prompt!r} -> {sample.text!r}" for sample in samples]
        with (self.output / "samples.txt").open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        if step in (0, self.config.train.total_steps):
            when = "before training" if step == 0 else "after training"
            self.say("\n".join(f"{when}: {sample.text}" for sample in samples))

    def save_checkpoint(self) -> None:
        save_checkpoint(
            Path(self.config.train.save_checkpoint_path),
            self.trainer.checkpoint(),
            keep=self.config.train.keep_checkpoints,
        )

    def _save_model(self, scores: Scores) -> None:
        trainer, pth = self.trainer, self.config.train.save_model_path
        save_model(
            self.output / "model",
            trainer.model,
            trainer.tokenizer,
            self.config,
            texts={
                "metrics.jsonl": self.metrics.path.read_text(encoding="utf-8"),
                "README.md": model_card(trainer, scores),
            },
            pth_path=Path(pth) if pth else None,
        )

    @contextmanager
    def _stop_on_signal(self) -> Iterator[None]:
        """SIGINT and SIGTERM let the step finish; a second one leaves at once."""

        def remember(number: int, frame: FrameType | None) -> None:
            if self.stopped_by is not None:
                raise KeyboardInterrupt
            self.stopped_by = number

        previous = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

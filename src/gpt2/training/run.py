"""A run from beginning to end: its rhythm of logs, evaluations, samples and checkpoints."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from gpt2.checkpoint import save_checkpoint
from gpt2.config import GenerateConfig, UserError, to_yaml
from gpt2.data.batches import sequence_beginnings
from gpt2.evaluation.evaluator import Scores
from gpt2.files import write_text
from gpt2.metrics import METRICS_FILE, MetricsFile, read_metrics
from gpt2.progress import Progress
from gpt2.saved_model import save_model
from gpt2.training.model_card import model_card
from gpt2.training.placement import Plan, without_places
from gpt2.training.recording import LossMeter, console_line
from gpt2.training.trainer import Trainer

SAMPLE_TOKENS = 60
SAMPLES_FILE = "samples.txt"  # lines `step N: prompt -> text`; a kill can cut off the last one
SAMPLE_LINE = re.compile(r"step (\d+): ")


class Run:
    """`gpt2 train` after its settings and directories are found: `execute` trains, evaluates, samples and saves."""

    def __init__(self, plan: Plan) -> None:
        self.trainer = Trainer(plan.config)
        self.config = self.trainer.config
        self.output, self.checkpoints = plan.take_directories()
        self._check_model_path()
        if plan.checkpoint is not None:
            self.trainer.restore(plan.checkpoint)
        self._take_over(plan.source)
        write_text(self.output / "config.yaml", to_yaml(without_places(self.config)))
        self.prompts = [prompt.strip() for prompt in self.config.train.sample_prompts.split("|") if prompt.strip()]
        self.prompts = self.prompts or sequence_beginnings(self.trainer.eval_corpus, count=2, tokens=8)
        self.scores: Scores | None = None  # the last evaluation's
        self.stopped_by: int | None = None  # the signal's number
        self.say: Callable[[str], None] = print

    def _check_model_path(self) -> None:
        """Find out before the training, not after it, whether --save_model_path can be written."""
        path = Path(self.config.train.save_model_path)
        if not self.config.train.save_model_path:
            return
        if path.is_dir():
            raise UserError(f"--save_model_path {path}: this is a directory; name a file, such as model.pth")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.touch()
        partial.unlink()

    def _take_over(self, source: Path | None) -> None:
        """Begin metrics and samples with what the continued run wrote up to this step, or with nothing."""
        step = self.trainer.step
        lines: list[dict[str, Any]] = []
        samples: list[str] = []
        if source is not None and (source / METRICS_FILE).is_file():
            lines = [line for line in read_metrics(source / METRICS_FILE) if line["step"] <= step]
        if source is not None and (source / SAMPLES_FILE).is_file():
            text = (source / SAMPLES_FILE).read_text(encoding="utf-8")
            steps = ((line, SAMPLE_LINE.match(line)) for line in text.splitlines())
            samples = [line for line, match in steps if match and int(match[1]) <= step]
        self.metrics = MetricsFile(self.output / METRICS_FILE, lines)
        write_text(self.output / SAMPLES_FILE, "".join(line + "\n" for line in samples))

    def execute(self) -> Scores | None:
        """Train to the last step, then save the model; returns the scores of the whole evaluation split.

        None when a signal stopped the run: then a checkpoint was saved and the model was not.
        """
        trainer, config = self.trainer, self.config.train
        print(self.description(), flush=True)
        if trainer.step >= config.total_steps:
            print(f"already at step {trainer.step}: nothing to train; a larger --total_steps goes on", flush=True)
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
        with (self.output / SAMPLES_FILE).open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        if step in (0, self.config.train.total_steps):
            when = "before training" if step == 0 else "after training"
            self.say("\n".join(f"{when}: {sample.text}" for sample in samples))

    def save_checkpoint(self) -> None:
        checkpoint = self.trainer.checkpoint()
        checkpoint.state["output_dir"] = str(self.output)
        save_checkpoint(self.checkpoints, checkpoint, keep=self.config.train.keep_checkpoints)

    def _save_model(self, scores: Scores) -> None:
        trainer, pth = self.trainer, self.config.train.save_model_path
        save_model(
            self.output / "model",
            trainer.model,
            trainer.tokenizer,
            without_places(self.config),
            texts={
                METRICS_FILE: self.metrics.path.read_text(encoding="utf-8"),
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

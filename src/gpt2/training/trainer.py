"""The training loop: batches in, updates out; everything it needs to go on is plain data that it can give away."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import torch

from gpt2.checkpoint import Checkpoint
from gpt2.config import IGNORE, Config, GenerateConfig, UserError
from gpt2.data.batches import TrainingOrder, make_rows
from gpt2.data.corpus import open_corpus
from gpt2.data.tokenizer import Tokenizer, load_tokenizer
from gpt2.evaluation.evaluator import Scores, evaluate
from gpt2.generation.generator import Sample, generate
from gpt2.modeling.objective import next_token_nats
from gpt2.modeling.transformer import Transformer
from gpt2.saved_model import load_model
from gpt2.training.memory import keep_freed_memory
from gpt2.training.optimizer import load_named_state, make_optimizer, named_state
from gpt2.training.precision import choose_device, choose_precision
from gpt2.training.recording import Clock, LossMeter, peak_flops
from gpt2.training.schedule import learning_rate
from gpt2.training.wrapping import checkpoint_activations, compiled


class Trainer:
    """One run's model, optimizer, data and meters. `step` counts finished updates.

    Raises (on construction):
        UserError: a corpus, vocabulary, device or pretrained model that does not fit; says which and why.
    """

    def __init__(self, config: Config) -> None:
        self.tokenizer: Tokenizer = load_tokenizer(config.data.vocab_path)
        model_config = dataclasses.replace(config.model, vocab_size=self.tokenizer.vocab_size)
        self.config = config = dataclasses.replace(config, model=model_config)
        gpus = config.train.gpus
        self.device = choose_device("cuda", flag=f"--gpus {gpus}") if gpus else choose_device(config.train.device)
        self.precision = choose_precision(config.train, self.device)
        if self.device.type == "cpu":
            keep_freed_memory()

        self.train_corpus = open_corpus(config.data.train_corpus, self.tokenizer, config.data.vocab_path)
        self.eval_corpus = open_corpus(config.data.eval_corpus, self.tokenizer, config.data.vocab_path)
        self.eval_rows = make_rows(self.eval_corpus, model_config.seq_len, pack=config.data.pack)
        train_rows = make_rows(self.train_corpus, model_config.seq_len, pack=config.data.pack)
        self.order = TrainingOrder(
            train_rows, batch=config.train.batch_train, seed=config.train.seed, source=config.data.train_corpus
        )

        torch.manual_seed(config.train.seed)  # dropout; weights and samples draw from generators of their own
        self.model = self._make_model().to(self.device)
        self.optimizer = make_optimizer(self.model, config.train)
        self.scaler = self.precision.make_scaler()
        if config.train.use_grad_ckpt:
            checkpoint_activations(self.model)
        self.forward = compiled(self.model) if config.train.compile else self.model

        self.step = 0
        self.tokens = 0  # targets trained on, padding and begin marks not counted
        self.since_log, self.since_eval = LossMeter(), LossMeter()
        self.gradient_norm: torch.Tensor | None = None
        self.clock = Clock(step=0)

    def _make_model(self) -> Transformer:
        config = self.config.model
        if not self.config.train.from_pretrained:
            model = Transformer(config, self.precision.attend)
            model.initialize(self.config.train.seed)
            return model
        loaded = load_model(self.config.train.from_pretrained, attend=self.precision.attend)
        differing = [
            f"{name} is {getattr(loaded.model.config, name)} there and {getattr(config, name)} here"
            for name in ("vocab_size", "seq_len", "layers", "heads", "dims", "rate")
            if getattr(loaded.model.config, name) != getattr(config, name)
        ]
        if loaded.tokenizer.vocab_sha256 != self.tokenizer.vocab_sha256:
            differing.append("its vocabulary is another than --vocab_path's")
        if differing:
            raise UserError(f"--from_pretrained {self.config.train.from_pretrained}: {'; '.join(differing)}")
        model = Transformer(config, self.precision.attend)
        model.load_state_dict(loaded.model.state_dict())
        return model

    def train_step(self) -> None:
        """One optimizer update: forward and backward over each part of the batch, clip, step."""
        config = self.config.train
        inputs, targets = self.order.fetch(self.step)
        count = int((targets != IGNORE).sum())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, config)
        self.model.train()
        for part in np.split(np.arange(len(inputs)), config.accumulate):
            with self.precision.context():
                logits = self.forward(torch.from_numpy(inputs[part]).to(self.device))
            nats = next_token_nats(logits, torch.from_numpy(targets[part]).to(self.device))
            self.scaler.scale(nats / max(count, 1)).backward()
            self.since_log.add(nats, 0)
            self.since_eval.add(nats, 0)
        self.scaler.unscale_(self.optimizer)
        limit = config.clip or float("inf")
        self.gradient_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.since_log.targets += count
        self.since_eval.targets += count
        self.tokens += count
        self.step += 1

    def log(self) -> dict[str, float]:
        """What happened since the last call; this is where the host waits for the device."""
        loss, targets = self.since_log.mean(), self.since_log.targets
        steps = max(self.step - self.clock.step, 1)
        step_s = self.clock.lap(self.step)
        metrics = {
            "train/loss": loss,
            "train/lr": learning_rate(self.step - 1, self.config.train),
            "train/grad_norm": float("nan") if self.gradient_norm is None else float(self.gradient_norm),
            "perf/tokens_per_sec": targets / steps / step_s,
            "perf/step_ms": 1000 * step_s,
            "progress/tokens": self.tokens,
        }
        peak = peak_flops(self.device)
        if peak:
            flops = self.model.flops_per_token(self.config.model.seq_len)
            metrics["perf/mfu"] = flops * metrics["perf/tokens_per_sec"] / peak
        self.since_log = LossMeter()
        return metrics

    def evaluate(self, *, whole: bool = False, show_progress: bool = False) -> Scores:
        """The same function as `gpt2 evaluate`: on a fixed part of the evaluation corpus, or on all of it."""
        since = time.perf_counter()
        scores = evaluate(
            self.model,
            self.eval_rows,
            self.eval_corpus,
            batch=self.config.train.batch_eval,
            limit=None if whole else self.config.train.eval_batches,
            seed=self.config.train.seed,
            context=self.precision.context,
            show_progress=show_progress,
        )
        self.clock.pause(since)
        return scores

    def generate(self, prompt: str, config: GenerateConfig | None = None) -> list[Sample]:
        """Continue a prompt with the weights as they are now."""
        since = time.perf_counter()
        samples = generate(self.model, self.tokenizer, prompt, config or GenerateConfig(seed=self.config.train.seed))
        self.clock.pause(since)
        return samples

    def checkpoint(self) -> Checkpoint:
        """Everything that decides how the run goes on, as tensors and plain data."""
        random = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        state: dict[str, Any] = {
            "step": self.step,
            "tokens": self.tokens,
            "config": self.config.to_dict(),
            "vocab_sha256": self.tokenizer.vocab_sha256,
            "scaler": self.scaler.state_dict(),
            "since_log": self.since_log.state_dict(),
            "since_eval": self.since_eval.state_dict(),
        }
        tensors = {"model": dict(self.model.state_dict()), "optimizer": named_state(self.optimizer), "random": random}
        return Checkpoint(self.step, tensors, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where a checkpoint was taken, bit for bit on the same kind of device.

        Raises:
            UserError: it belongs to another architecture or vocabulary.
        """
        state = checkpoint.state
        if state["vocab_sha256"] != self.tokenizer.vocab_sha256:
            raise UserError(f"the checkpoint was made with another vocabulary than {self.config.data.vocab_path}")
        try:
            self.model.load_state_dict(checkpoint.tensors["model"])
        except RuntimeError as error:
            raise UserError(f"the checkpoint does not fit this model: {' '.join(str(error).split())}") from error
        load_named_state(self.optimizer, checkpoint.tensors["optimizer"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        self.since_log.load_state_dict(state["since_log"])
        self.since_eval.load_state_dict(state["since_eval"])
        torch.set_rng_state(checkpoint.tensors["random"]["cpu"])
        if self.device.type == "cuda" and "cuda" in checkpoint.tensors["random"]:
            torch.cuda.set_rng_state(checkpoint.tensors["random"]["cuda"], self.device)
        self.step, self.tokens = int(state["step"]), int(state["tokens"])
        self.clock = Clock(self.step)

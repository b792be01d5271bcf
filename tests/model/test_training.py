"""Laws of training: learning, schedules, exact continuation, evaluation."""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2.checkpoint import Checkpoint, find_checkpoint, find_damage, load_checkpoint, save_checkpoint
from gpt2.config import IGNORE, TrainConfig, UserError, to_yaml
from gpt2.data.batches import make_rows
from gpt2.data.corpus import open_corpus
from gpt2.data.tokenizer import Tokenizer
from gpt2.evaluation.evaluator import evaluate
from gpt2.metrics import read_metrics
from gpt2.modeling.objective import next_token_nats
from gpt2.training.placement import make_plan
from gpt2.training.run import Run
from gpt2.training.schedule import learning_rate
from gpt2.training.trainer import Trainer

from .conftest import tiny_config, tiny_model, tiny_run


def assert_same(a: Checkpoint, b: Checkpoint) -> None:
    """Bit for bit: weights, optimizer, randomness, meters."""
    for group in ("model", "optimizer", "random"):
        assert a.tensors[group].keys() == b.tensors[group].keys()
        assert all(torch.equal(a.tensors[group][name], b.tensors[group][name]) for name in a.tensors[group])
    assert {k: v for k, v in a.state.items() if k != "config"} == {k: v for k, v in b.state.items() if k != "config"}


def continue_run(path: Path, **train: object) -> Run:
    """What `gpt2 train --from_checkpoint PATH` continues."""
    return Run(make_plan({"train": {"from_checkpoint": str(path), **train}}, name="test"))


def test_one_batch_can_be_overfitted(corpus_dir: Path, tmp_path: Path) -> None:
    config = tiny_config(corpus_dir, tmp_path, dropout=0.0, total_steps=300, base_lr=3e-3, batch_train=4)
    trainer = Trainer(config)
    batch = trainer.order.fetch(0)
    trainer.order.fetch = lambda step: batch
    losses = []
    for _ in range(250):
        trainer.train_step()
        losses.append(trainer.log()["train/loss"])
    assert losses[0] == pytest.approx(math.log(320), rel=0.05)
    assert losses[-1] < 0.1


@pytest.mark.parametrize(
    "settings", [{}, {"accumulate": 4}, {"pack": False}, {"use_amp": True}, {"use_grad_ckpt": True}]
)
@pytest.mark.parametrize("steps", [1, 4])
def test_continuing_from_a_checkpoint_equals_never_stopping(
    settings: dict[str, object], steps: int, corpus_dir: Path, tmp_path: Path
) -> None:
    config = tiny_config(corpus_dir, tmp_path, total_steps=7, **settings)
    straight = Trainer(config)
    for step in range(7):
        straight.train_step()
        if step % 2:  # evaluation and samples on the way: neither may touch the training randomness
            straight.evaluate()
            straight.generate("The river")
    expected = straight.checkpoint()

    cut = Trainer(config)
    for _ in range(steps):
        cut.train_step()
    path = save_checkpoint(tmp_path, cut.checkpoint(), keep=1)
    torch.manual_seed(12345)  # whatever happens to the randomness in between
    through = Trainer(config)
    through.restore(load_checkpoint(path))
    for _ in range(7 - steps):
        through.train_step()
    assert_same(through.checkpoint(), expected)


def test_accumulation_computes_the_same_update(corpus_dir: Path, tmp_path: Path) -> None:
    for pack in (True, False):
        whole, parts = (
            Trainer(tiny_config(corpus_dir, tmp_path, dropout=0.0, pack=pack, accumulate=n)) for n in (1, 4)
        )
        for trainer in (whole, parts):
            trainer.train_step()
        assert whole.gradient_norm is not None
        torch.testing.assert_close(whole.gradient_norm, parts.gradient_norm, rtol=1e-4, atol=1e-6)
        assert whole.since_log.mean() == pytest.approx(parts.since_log.mean(), rel=1e-6)


def test_a_run_writes_everything_and_continues_where_it_was_cut(corpus_dir: Path, tmp_path: Path) -> None:
    straight, cut = tmp_path / "straight", tmp_path / "cut"
    tiny_run(tiny_config(corpus_dir, straight, total_steps=6)).execute()
    first = tiny_run(tiny_config(corpus_dir, cut, total_steps=6, save_steps=2))
    step, first.trainer.train_step = first.trainer.train_step, lambda: (step(), stop_after(3))[0]

    def stop_after(limit: int) -> None:
        if first.trainer.step == limit:
            first.stopped_by = 15

    assert first.execute() is None
    continued = continue_run(cut)
    assert continued.trainer.step == 3
    continued.execute()

    def losses(run: Path) -> list[tuple[int, float]]:
        return [
            (line["step"], line["eval/loss"]) for line in read_metrics(run / "metrics.jsonl") if "eval/loss" in line
        ]

    assert losses(cut) == losses(straight)
    assert [step for step, _ in losses(cut)] == [0, 3, 6]
    one, other = ((run / "model" / "model.safetensors").read_bytes() for run in (straight, cut))
    assert one == other
    for name in ("config.yaml", "metrics.jsonl", "samples.txt", "model/config.json", "model/README.md"):
        assert (cut / name).read_text(encoding="utf-8")


def test_a_directory_with_checkpoints_is_not_overwritten(corpus_dir: Path, tmp_path: Path) -> None:
    config = tiny_config(corpus_dir, tmp_path, total_steps=2)
    tiny_run(config).execute()
    again = {"train": {"output_dir": str(tmp_path)}}
    with pytest.raises(UserError, match="continue it with --from_checkpoint"):
        make_plan(again, name="test")
    plan = make_plan({"train": {"output_dir": str(tmp_path), "from_checkpoint": "auto"}}, name="test")
    assert plan.config.train.total_steps == 2
    assert plan.continues == tmp_path / "checkpoints" / "step-00000002"


def test_auto_starts_afresh_where_there_is_no_checkpoint(tmp_path: Path) -> None:
    plan = make_plan({"train": {"output_dir": str(tmp_path / "new"), "from_checkpoint": "auto"}}, name="test")
    assert plan.continues is None


def test_the_newest_valid_checkpoint_is_found_and_damage_is_named(corpus_dir: Path, tmp_path: Path) -> None:
    tiny_run(tiny_config(corpus_dir, tmp_path, total_steps=6, save_steps=2, keep_checkpoints=2)).execute()
    directory = tmp_path / "checkpoints"
    assert sorted(path.name for path in directory.iterdir()) == ["step-00000004", "step-00000006"]
    weights = directory / "step-00000006" / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    assert find_damage(weights.parent) == "model.safetensors has changed since it was written"
    path, passed_over = find_checkpoint(directory)
    assert path == directory / "step-00000004"
    assert "step-00000006: damaged" in passed_over[0]
    with pytest.raises(UserError, match="damaged checkpoint: model.safetensors"):
        load_checkpoint(weights.parent)


def test_a_checkpoint_holds_no_pickle(corpus_dir: Path, tmp_path: Path) -> None:
    tiny_run(tiny_config(corpus_dir, tmp_path, total_steps=2)).execute()
    suffixes = {path.suffix for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".json"}


def test_a_checkpoint_of_another_vocabulary_is_refused(corpus_dir: Path, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(corpus_dir, tmp_path))
    checkpoint = trainer.checkpoint()
    checkpoint.state["vocab_sha256"] = "0"
    with pytest.raises(UserError, match="another vocabulary"):
        trainer.restore(checkpoint)


@settings(max_examples=15, deadline=None)
@given(batch=st.integers(1, 50), pack=st.booleans())
def test_evaluation_does_not_depend_on_the_batch_size(
    batch: int, pack: bool, corpus_dir: Path, tokenizer: Tokenizer
) -> None:
    model = tiny_model(vocab_size=tokenizer.vocab_size)
    corpus = open_corpus(corpus_dir / "corpus.test.txt", tokenizer)
    rows = make_rows(corpus, 16, pack=pack)
    one, other = (evaluate(model, rows, corpus, batch=b) for b in (7, batch))
    assert one.targets == other.targets
    assert one.text_bytes == other.text_bytes
    assert one.nats == pytest.approx(other.nats, rel=1e-6)


def test_evaluation_is_the_sum_over_every_target(corpus_dir: Path, tokenizer: Tokenizer) -> None:
    model = tiny_model(vocab_size=tokenizer.vocab_size)
    corpus = open_corpus(corpus_dir / "corpus.test.txt", tokenizer)
    ids = torch.from_numpy(corpus.ids.slice(0, len(corpus.ids)))
    nats, targets = 0.0, 0
    for start in range(0, len(ids) - 1, 16):
        part = ids[start : start + 17]
        wanted = part[1:].clone()
        wanted[wanted == tokenizer.bos] = IGNORE
        with torch.no_grad():
            nats += float(next_token_nats(model(part[None, :-1]), wanted[None]))
        targets += int((wanted != IGNORE).sum())
    scores = evaluate(model, make_rows(corpus, 16, pack=True), corpus, batch=8)
    assert scores.targets == targets
    assert scores.loss == pytest.approx(nats / targets, rel=1e-6)
    assert scores.perplexity == pytest.approx(math.exp(nats / targets), rel=1e-5)


def test_bits_per_byte_count_the_raw_text_and_one_newline_a_sequence(corpus_dir: Path, tokenizer: Tokenizer) -> None:
    corpus = open_corpus(corpus_dir / "corpus.test.txt", tokenizer)
    text = [tokenizer.decode(tokenizer.backend.encode(t).ids) for t in _texts(corpus_dir, tokenizer)]
    scores = evaluate(tiny_model(vocab_size=tokenizer.vocab_size), make_rows(corpus, 16, pack=True), corpus, batch=8)
    assert scores.text_bytes == sum(len(t.encode()) + 1 for t in text)
    assert scores.bits_per_byte == pytest.approx(scores.nats / math.log(2) / scores.text_bytes)


def _texts(corpus_dir: Path, tokenizer: Tokenizer) -> list[str]:
    lines = (corpus_dir / "corpus.test.txt").read_text(encoding="utf-8").splitlines()
    return [tokenizer.decode([tokenizer.ids[word] for word in line.split(" ")]) for line in lines]


def test_a_part_of_the_evaluation_is_the_same_part_every_time(corpus_dir: Path, tokenizer: Tokenizer) -> None:
    model = tiny_model(vocab_size=tokenizer.vocab_size)
    corpus = open_corpus(corpus_dir / "corpus.test.txt", tokenizer)
    rows = make_rows(corpus, 16, pack=True)
    part, again, other = (evaluate(model, rows, corpus, batch=4, limit=3, seed=s) for s in (0, 0, 1))
    assert part == again
    assert part.nats != other.nats
    assert part.targets < evaluate(model, rows, corpus, batch=4).targets


@settings(max_examples=100, deadline=None)
@given(
    schedule=st.sampled_from(["linear", "cosine", "constant"]),
    warmup=st.integers(0, 50),
    total=st.integers(51, 500),
    low=st.floats(0, 1e-3),
)
def test_the_learning_rate_rises_to_its_peak_and_never_rises_again(
    schedule: str, warmup: int, total: int, low: float
) -> None:
    config = TrainConfig(schedule=schedule, warmup_steps=warmup, total_steps=total, base_lr=1e-3, min_lr=low)
    rates = [learning_rate(step, config) for step in range(total + 10)]
    assert all(0 < rate <= 1e-3 * (1 + 1e-9) or low == 0 for rate in rates)
    assert np.argmax(rates) == max(warmup - 1, 0)
    assert max(rates) == pytest.approx(1e-3)
    assert all(a >= b - 1e-12 for a, b in zip(rates[warmup:], rates[warmup + 1 :], strict=False))
    assert rates[-1] == pytest.approx(1e-3 if schedule == "constant" else low)


def test_metrics_lines_carry_the_documented_names(corpus_dir: Path, tmp_path: Path) -> None:
    tiny_run(tiny_config(corpus_dir, tmp_path, total_steps=4, log_steps=1, eval_steps=4)).execute()
    lines = read_metrics(tmp_path / "metrics.jsonl")
    training = {"train/loss", "train/lr", "train/grad_norm", "perf/tokens_per_sec", "perf/step_ms", "progress/tokens"}
    assert [line["step"] for line in lines] == [0, 1, 2, 3, 4]
    assert training <= set(lines[1])
    assert {"eval/loss", "eval/perplexity", "eval/bpb"} | training <= set(lines[4])
    assert lines[4]["progress/tokens"] > lines[1]["progress/tokens"] > 0
    assert json.loads((tmp_path / "model" / "metrics.jsonl").read_text().splitlines()[0])["step"] == 0


FAULTS_OF_STEPS = """
import resource, sys, yaml
from gpt2.config import build
from gpt2.training.trainer import Trainer
trainer = Trainer(build(yaml.safe_load(sys.argv[1])))
for step in range(15):
    trainer.train_step()
    if step == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_a_running_training_takes_few_new_pages(corpus_dir: Path, tmp_path: Path) -> None:
    """Ten steps that keep their memory take a block more now and then, 1,280 pages; without it they took 42,000."""
    config = tiny_config(corpus_dir, tmp_path, batch_train=256)
    command = [sys.executable, "-c", FAULTS_OF_STEPS, to_yaml(config)]
    assert int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) < 10_000

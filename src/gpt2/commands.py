"""What each command of `gpt2` does, once its flags are parsed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpt2.config import SECTIONS, GenerateConfig, UserError, build_generation, flags_of, preset, read_file
from gpt2.data.batches import make_rows
from gpt2.data.corpus import open_corpus
from gpt2.data.tokenizer import load_tokenizer
from gpt2.evaluation.evaluator import evaluate as evaluate_model
from gpt2.generation.generator import Sample
from gpt2.generation.generator import generate as generate_samples
from gpt2.saved_model import SavedModel, load_model
from gpt2.training.placement import make_plan
from gpt2.training.precision import choose_device
from gpt2.training.run import Run
from gpt2.visualize import draw

Options = dict[str, Any]


def launcher() -> str:
    """How this program was called, for the commands it proposes; the shell scripts say it in GPT2_LAUNCHER."""
    called = sys.argv[0]
    if Path(called).name == "__main__.py":
        called = "python -m gpt2"
    elif called.endswith(".py"):
        called = f"python {called}"
    return os.environ.get("GPT2_LAUNCHER", called).strip()


def train(options: Options) -> int:
    """Train, evaluate, save and draw; ends with what was made and what to try next."""
    layers: list[dict[str, dict[str, Any]]] = []
    name = "gpt2"
    if options.get("preset"):
        name = options["preset"]
        layers.append(preset(name))
    if options.get("config"):
        name = Path(options["config"]).stem
        layers.append(read_file(options["config"]))
    given = {
        section: {flag: options[flag] for flag in flags_of(kind) if flag in options}
        for section, kind in SECTIONS.items()
    }
    run = Run(make_plan(*layers, given, name=name))
    scores = run.execute()
    if scores is None:
        assert run.stopped_by is not None
        print(
            f"stopped at step {run.trainer.step}; continue with:\n"
            f"  {launcher()} train --from_checkpoint {run.checkpoints}"
        )
        return 128 + run.stopped_by
    figure = run.output / "figure.png"
    draw(run.output, figure)
    result = f"loss {scores.loss:.3f}, perplexity {scores.perplexity:.1f}, bits per byte {scores.bits_text}"
    print(
        f"\nmodel:   {run.output / 'model'} ({result})\n"
        f"figure:  {figure}; samples: {run.output / 'samples.txt'}\n"
        f"try:     {launcher()} generate --model_path {run.output / 'model'}"
    )
    return 0


def evaluate(options: Options) -> int:
    """Scores over the whole corpus, as text or JSON."""
    saved = _load(options)
    corpus_path = options["eval_corpus"] or saved.config.data.eval_corpus
    corpus = open_corpus(corpus_path, saved.tokenizer, options["vocab_path"] or saved.config.data.vocab_path)
    rows = make_rows(corpus, saved.model.config.seq_len, pack=saved.config.data.pack and not options["no_pack"])
    limit = options["total_steps"]
    if limit == 0 or limit < -1 or options["batch_eval"] < 1:
        raise UserError("--total_steps is a number of batches, or -1 for all; --batch_eval is at least 1")
    scores = evaluate_model(
        saved.model, rows, corpus, batch=options["batch_eval"], limit=None if limit == -1 else limit, show_progress=True
    )
    if options["json"]:
        print(json.dumps({"model": saved.source, "eval_corpus": str(corpus_path), **scores.to_dict()}, indent=2))
        return 0
    print(f"{saved.source} on {corpus_path}: {scores.targets:,} targets")
    print(
        f"loss {scores.loss:.4f} nats a token   perplexity {scores.perplexity:.2f}   bits per byte {scores.bits_text}"
    )
    return 0


def generate(options: Options) -> int:
    """Samples for --prompt, or for every line that is typed."""
    names = flags_of(GenerateConfig)
    config = build_generation({name: options[name] for name in names if name in options})
    saved = _load(options)

    def answer(prompt: str) -> None:
        samples = generate_samples(saved.model, saved.tokenizer, prompt, config)
        _print_samples(samples, as_json=options["json"])

    if options["prompt"] is not None:
        answer(options["prompt"])
        return 0
    interactive = sys.stdin.isatty()
    if interactive:
        print(f"{saved.source}: write the beginning of a text; an empty line or Ctrl-D ends.")
    status = 0
    for prompt in _typed_lines("prompt> " if interactive else ""):
        if not prompt and interactive:
            break
        try:
            answer(prompt)
        except UserError as error:  # this prompt cannot be continued; the next one perhaps can
            print(f"gpt2: error: {error}", file=sys.stderr)
            status = 0 if interactive else 1
    return status


def _typed_lines(question: str) -> Iterator[str]:
    while True:
        try:
            yield input(question)
        except EOFError:
            return


def visualize(options: Options) -> int:
    """The figure of a run."""
    figure = options["figure"] or (None if options["interactive"] else "figure.png")
    draw(Path(options["model_path"]), Path(figure) if figure else None, interactive=options["interactive"])
    if figure:
        print(f"figure: {figure}")
    return 0


def _print_samples(samples: list[Sample], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([sample.to_dict() for sample in samples], ensure_ascii=False, indent=2))
        return
    for number, sample in enumerate(samples, start=1):
        if len(samples) > 1:
            print(f"--- {number} of {len(samples)}")
        print(sample.text)


def _load(options: Options) -> SavedModel:
    """The model, on its device; whatever was said of it besides is checked, all of it at once."""
    device = choose_device(options["device"], use_gpu=options["use_gpu"])
    saved = load_model(options["model_path"])
    problems = [
        f"--{name} {options[name]}: the model has {getattr(saved.model.config, name)}; the flag is not needed"
        for name in ("seq_len", "layers", "heads", "dims", "rate")
        if options[name] is not None and options[name] != getattr(saved.model.config, name)
    ]
    if options["vocab_path"] and load_tokenizer(options["vocab_path"]).vocab_sha256 != saved.tokenizer.vocab_sha256:
        problems.append(
            f"--vocab_path {options['vocab_path']}: the model has another vocabulary; the flag is not needed"
        )
    if problems:
        raise UserError("\n".join(problems))
    saved.model.to(device)
    return saved

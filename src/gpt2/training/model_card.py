"""The README.md of a saved model: what it is, what it was trained on, how good it is."""

from __future__ import annotations

import platform

from gpt2.evaluation.evaluator import Scores
from gpt2.training.trainer import Trainer


def model_card(trainer: Trainer, scores: Scores) -> str:
    """Markdown, in facts only: sizes, data, steps, hardware, results on the whole evaluation split."""
    config, model = trainer.config, trainer.config.model
    hardware = platform.processor() or platform.machine() if trainer.device.type == "cpu" else trainer.device.type
    return f"""---
pipeline_tag: text-generation
library_name: transformers
---
# A GPT-2 of {trainer.model.count_parameters():,} parameters

| | |
| --- | --- |
| architecture | GPT-2: {model.layers} layers, {model.heads} heads, {model.dims} dims, {model.seq_len} positions |
| vocabulary | {model.vocab_size} tokens, {trainer.tokenizer.kind} |
| training text | `{config.data.train_corpus}`, {len(trainer.train_corpus.ids):,} tokens |
| tokens seen | {trainer.tokens:,} in {trainer.step} steps of {config.train.batch_train} rows |
| hardware | {hardware}, {trainer.precision.name} |
| evaluation text | `{config.data.eval_corpus}`, {scores.targets:,} targets |
| loss | {scores.loss:.4f} nats a token, perplexity {scores.perplexity:.2f} |
| bits per byte | {scores.bits_text} |

`config.json` holds the whole configuration under `toolkit`; `metrics.jsonl` the course of the training.
The text's licence is its source's: a model of Wikipedia carries CC BY-SA 4.0.

Use it with `python -m gpt2 generate --model_path <this directory>`, or with transformers:
`AutoModelForCausalLM.from_pretrained(...)`, `AutoTokenizer.from_pretrained(...)`. Texts begin with the begin mark.
"""

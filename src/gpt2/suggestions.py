"""What was probably meant: the nearest known name, also for the words of other tools."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# What people coming from other tools type, and our word for it.
FOREIGN_NAMES = {
    "n_layer": "layers", "num_hidden_layers": "layers", "num_layers": "layers",
    "n_head": "heads", "num_attention_heads": "heads", "num_heads": "heads",
    "n_embd": "dims", "hidden_size": "dims", "d_model": "dims",
    "block_size": "seq_len", "n_positions": "seq_len", "n_ctx": "seq_len", "max_seq_length": "seq_len",
    "learning_rate": "base_lr", "lr": "base_lr", "weight_decay": "wd_rate", "grad_clip": "clip",
    "max_grad_norm": "clip", "max_iters": "total_steps", "max_steps": "total_steps", "num_train_epochs": "total_steps",
    "warmup_iters": "warmup_steps", "lr_scheduler_type": "schedule", "decay_lr": "schedule",
    "batch_size": "batch_train", "per_device_train_batch_size": "batch_train",
    "per_device_eval_batch_size": "batch_eval", "gradient_accumulation_steps": "accumulate",
    "gradient_checkpointing": "use_grad_ckpt", "eval_interval": "eval_steps", "eval_iters": "eval_batches",
    "log_interval": "log_steps", "logging_steps": "log_steps", "save_total_limit": "keep_checkpoints",
    "out_dir": "output_dir", "init_from": "from_pretrained", "resume_from_checkpoint": "from_checkpoint",
    "model_name_or_path": "from_pretrained", "dtype": "precision", "fp16": "use_amp", "bf16": "use_amp",
    "top_p": "nucleus_prob", "max_length": "max_new_tokens", "num_return_sequences": "num_samples",
    "train_file": "train_corpus", "validation_file": "eval_corpus", "tokenizer": "vocab_path",
    "n_gpu": "gpus", "model": "model_path", "start": "prompt",
}  # fmt: skip


def suggest(name: object, known: Iterable[str]) -> str:
    """The end of an error message for an unknown `name`: ': did you mean …?' or nothing."""
    known = list(known)
    plain = str(name).lstrip("-").replace("-", "_")
    foreign = FOREIGN_NAMES.get(plain)
    near = [foreign] if foreign in known else difflib.get_close_matches(plain, known, n=1, cutoff=0.6)
    return f": did you mean {near[0]}?" if near else ""

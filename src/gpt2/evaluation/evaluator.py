"""Loss, perplexity and bits per byte: nats, targets and bytes are added up and divided once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gpt2.config import IGNORE, UserError
from gpt2.data.batches import Rows, permutation
from gpt2.data.corpus import Corpus
from gpt2.modeling.objective import next_token_nats
from gpt2.modeling.transformer import Transformer
from gpt2.progress import Progress


@dataclass(frozen=True)
class Scores:
    """Sums over every target that was looked at. `text_bytes` is None where the bytes cannot be told."""

    nats: float
    targets: int
    text_bytes: int | None = None
    bytes_label: str = ""  # "of normalised text" for a vocabulary that drops case and spaces

    @property
    def loss(self) -> float:
        """Mean nats a target."""
        return self.nats / self.targets

    @property
    def perplexity(self) -> float:
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float | None:
        return self.nats / math.log(2) / self.text_bytes if self.text_bytes else None

    @property
    def bits_text(self) -> str:
        """Bits per byte for people: 'n/a' where unknown, labelled where they are of normalised text."""
        return "n/a" if self.bits_per_byte is None else f"{self.bits_per_byte:.4f} {self.bytes_label}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
            **asdict(self),
        }


@torch.no_grad()
def evaluate(
    model: Transformer,
    rows: Rows,
    corpus: Corpus,
    *,
    batch: int,
    limit: int | None = None,
    seed: int = 0,
    context: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
    show_progress: bool = False,
) -> Scores:
    """Scores over the whole split, or over `limit` batches of a fixed seeded set of rows.

    The model is put into evaluation mode and back. Nothing here depends on `batch` but speed and memory, and
    nothing touches the training randomness.

    Raises:
        UserError: the corpus has no target.
    """
    indices: npt.NDArray[np.int64] = np.arange(rows.all_rows)
    whole = limit is None or limit * batch >= len(indices)
    if not whole:
        assert limit is not None
        indices = np.sort(permutation(seed, 0, rows.all_rows)[: limit * batch])
    device = model.tokens.weight.device
    nats = torch.zeros((), dtype=torch.float64, device="cpu" if device.type == "mps" else device)
    counts = np.zeros(corpus.tokenizer.vocab_size, dtype=np.int64)
    was_training = model.training
    model.eval()
    with Progress(len(indices), "evaluating", "row") as progress:
        for start in range(0, len(indices), batch):
            inputs, targets = rows.fetch(indices[start : start + batch])
            with context():
                logits = model(torch.from_numpy(inputs).to(device))
            nats += next_token_nats(logits, torch.from_numpy(targets).to(device)).to(nats.device)
            counts += np.bincount(targets[targets != IGNORE], minlength=len(counts))
            if show_progress:
                progress.advance(len(inputs))
    model.train(was_training)
    if not counts.sum():
        raise UserError(f"{corpus.path}: nothing to evaluate: the corpus has no token that follows another")
    text_bytes, label = _text_bytes(corpus, counts, whole=whole)
    return Scores(float(nats), int(counts.sum()), text_bytes, label)


def _text_bytes(corpus: Corpus, counts: npt.NDArray[np.int64], *, whole: bool) -> tuple[int | None, str]:
    """UTF-8 bytes behind the targets: the manifest's for a whole split, else from the tokens that were counted."""
    lengths = corpus.tokenizer.byte_lengths
    if whole and corpus.text_bytes is not None:
        return corpus.text_bytes, "" if lengths is not None else "of normalised text"
    return (None, "") if lengths is None else (int(counts @ lengths), "")

"""The decoding loop: a prompt in, samples out, through the key-value cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpt2.config import GenerateConfig
from gpt2.data.tokenizer import Tokenizer
from gpt2.generation.sampling import probabilities
from gpt2.modeling.transformer import Transformer


@dataclass(frozen=True)
class Sample:
    """`text` is what `token_ids` say: the prompt and what follows. `finish`: eos (the end mark came) or length."""

    prompt: str
    text: str
    token_ids: list[int]
    finish: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@torch.inference_mode()
def generate(model: Transformer, tokenizer: Tokenizer, prompt: str, config: GenerateConfig) -> list[Sample]:
    """Draw `num_samples` continuations of one prompt.

    Sample i depends on (seed, i) alone, however many are drawn beside it; the training randomness is not touched.
    When the context is full its last half is read again and generation goes on.

    Raises:
        UserError: the prompt holds a character that the vocabulary lacks, or is empty where it must not be.
    """
    was_training = model.training
    model.eval()
    reader = _Reader(model, [tokenizer.prompt_ids(prompt)] * config.num_samples)
    generators = [torch.Generator().manual_seed(_seed(config.seed, i)) for i in range(config.num_samples)]
    finished = [False] * config.num_samples
    for _ in range(config.max_new_tokens):
        probs = probabilities(
            reader.next_logits(),
            temperature=config.temperature,
            top_k=config.top_k,
            nucleus_prob=config.nucleus_prob,
        ).cpu()
        drawn = [int(torch.multinomial(row, 1, generator=g)) for row, g in zip(probs, generators, strict=True)]
        if config.ignore_eos and tokenizer.bos is not None:
            # In the corpus a begin mark follows every end mark; it is never a target, so it is set, not drawn.
            drawn = [tokenizer.bos if ids[-1] == tokenizer.eos else token
                     for token, ids in zip(drawn, reader.texts, strict=True)]  # fmt: skip
        for i, token in enumerate(drawn):
            reader.texts[i].append(token)
            if token == tokenizer.eos and not config.ignore_eos and not finished[i]:
                finished[i] = True
                reader.ends[i] = len(reader.texts[i])
        if all(finished):
            break
    model.train(was_training)
    return [
        Sample(prompt, tokenizer.decode(ids[:end]), ids[:end], "eos" if done else "length")
        for ids, end, done in zip(reader.texts, reader.ends, finished, strict=True)
    ]


class _Reader:
    """Texts of equal length that grow by one token each, and the model's view of them."""

    def __init__(self, model: Transformer, texts: Sequence[Sequence[int]]) -> None:
        self.model = model
        self.texts = [list(ids) for ids in texts]
        self.ends: list[int | None] = [None] * len(texts)  # where a finished text ends
        self.cache = model.make_cache(len(texts), model.config.seq_len)
        self.read = 0  # tokens of each text that are behind

    def next_logits(self) -> Tensor:
        """Read what is new and return the logits of the next token, (B, V)."""
        length, seq_len = len(self.texts[0]), self.model.config.seq_len
        if self.cache[0].length + length - self.read > seq_len:
            self.read = length - max(seq_len // 2, 1)
            for layer in self.cache:
                layer.length = 0
        new = torch.tensor([ids[self.read :] for ids in self.texts], device=self.model.tokens.weight.device)
        self.read = length
        return self.model(new, self.cache)[:, -1]  # (B, T, V) -> (B, V)


def _seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0] >> 1)

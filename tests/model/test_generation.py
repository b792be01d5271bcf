"""Laws of sampling and of the decoding loop."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2.config import GenerateConfig, UserError
from gpt2.data.tokenizer import Tokenizer
from gpt2.generation.generator import generate
from gpt2.generation.sampling import nucleus, probabilities
from gpt2.modeling.transformer import Transformer

from .conftest import tiny_model


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Transformer:
    return tiny_model(vocab_size=tokenizer.vocab_size)


@settings(max_examples=50, deadline=None)
@given(share=st.floats(0.01, 1.0), seed=st.integers(0, 1000))
def test_the_nucleus_is_the_fewest_tokens_that_hold_the_share(share: float, seed: int) -> None:
    probs = torch.softmax(3 * torch.randn(2, 20, generator=torch.Generator().manual_seed(seed)), dim=1)
    kept = nucleus(probs, share)
    torch.testing.assert_close(kept.sum(dim=1), torch.ones(2))
    for before, after in zip(probs, kept, strict=True):
        inside = before[after > 0]
        assert float(inside.sum()) >= share - 1e-5
        assert float(inside.sum() - inside.min()) <= share + 1e-5
        assert float(inside.min()) >= float(before[after == 0].max() if (after == 0).any() else 0)


def test_top_k_and_temperature() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0, 0.0]])
    kept = probabilities(logits, temperature=1.0, top_k=2, nucleus_prob=1.0)
    assert (kept > 0).tolist() == [[False, True, True, False]]
    assert probabilities(logits, temperature=0, top_k=0, nucleus_prob=1.0).tolist() == [[0.0, 1.0, 0.0, 0.0]]
    cold = probabilities(logits, temperature=0.5, top_k=0, nucleus_prob=1.0)
    torch.testing.assert_close(cold, torch.softmax(logits / 0.5, dim=1))
    coldest = probabilities(logits, temperature=1e-40, top_k=0, nucleus_prob=1.0)
    assert coldest.tolist() == [[0.0, 1.0, 0.0, 0.0]]


def test_greedy_generation_equals_the_full_forward(model: Transformer, tokenizer: Tokenizer) -> None:
    config = GenerateConfig(temperature=0, max_new_tokens=10, ignore_eos=True)
    ids = generate(model, tokenizer, "The", config)[0].token_ids
    prompt = tokenizer.prompt_ids("The")
    assert ids[: len(prompt)] == prompt
    for end in range(len(prompt), len(ids)):
        if ids[end - 1] != tokenizer.eos:
            assert ids[end] == int(model(torch.tensor([ids[:end]]))[0, -1].argmax())


def test_samples_do_not_depend_on_their_neighbours_or_on_global_randomness(
    model: Transformer, tokenizer: Tokenizer
) -> None:
    one = generate(model, tokenizer, "A", GenerateConfig(num_samples=1, max_new_tokens=12))
    torch.manual_seed(99)
    three = generate(model, tokenizer, "A", GenerateConfig(num_samples=3, max_new_tokens=12))
    assert one[0] == three[0]
    assert three[0].token_ids != three[1].token_ids
    other = generate(model, tokenizer, "A", GenerateConfig(num_samples=1, max_new_tokens=12, seed=1))
    assert other[0].token_ids != one[0].token_ids


def test_generation_goes_on_when_the_context_is_full(model: Transformer, tokenizer: Tokenizer) -> None:
    config = GenerateConfig(max_new_tokens=60, ignore_eos=True, temperature=0)
    ids = generate(model, tokenizer, "The river", config)[0].token_ids
    prompt = len(tokenizer.prompt_ids("The river"))
    assert len(ids) == prompt + 60 > 16
    # At the first full context the last half is read again.
    assert ids[17] == int(model(torch.tensor([ids[9:17]]))[0, -1].argmax())


def test_a_prompt_longer_than_the_context_is_continued(model: Transformer, tokenizer: Tokenizer) -> None:
    sample = generate(model, tokenizer, "The river sees bread. " * 20, GenerateConfig(max_new_tokens=3))[0]
    assert sample.text.startswith("The river sees bread. ")


def test_an_end_mark_ends_the_sample(model: Transformer, tokenizer: Tokenizer) -> None:
    wants_eos = tiny_model(vocab_size=tokenizer.vocab_size)
    with torch.no_grad():
        # Make the end mark the answer to everything: align it with every hidden state's shift.
        wants_eos.norm.weight.zero_()
        wants_eos.norm.bias.copy_(wants_eos.tokens.weight[tokenizer.eos] * 1000)
    sample = generate(wants_eos, tokenizer, "The", GenerateConfig(temperature=0))[0]
    assert sample.finish == "eos"
    assert sample.token_ids == [*tokenizer.prompt_ids("The"), tokenizer.eos]
    assert sample.text == "The"
    through = generate(wants_eos, tokenizer, "The", GenerateConfig(temperature=0, ignore_eos=True, max_new_tokens=4))[0]
    assert through.finish == "length"
    assert through.token_ids[-4:] == [tokenizer.eos, tokenizer.bos] * 2  # what the corpus has behind an end mark


def test_prompt_ids_equal_corpus_ids(tokenizer: Tokenizer) -> None:
    text = "The small bird likes old trees. 작은 새는 빵을 좋아한다."
    words = [tokenizer.words[index] for index in tokenizer.prompt_ids(text)]
    assert words[0] == "<s>"
    assert [tokenizer.ids[word] for word in words] == tokenizer.prompt_ids(text)
    assert tokenizer.decode(tokenizer.prompt_ids(text)) == text


@pytest.mark.parametrize(
    "settings", [{"temperature": -1.0}, {"nucleus_prob": 0.0}, {"nucleus_prob": 1.5}, {"num_samples": 0}, {"top_k": -1}]
)
def test_bad_sampling_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(settings))):
        GenerateConfig(**settings)

"""Laws of the architecture."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gpt2.config import IGNORE, TrainConfig
from gpt2.interop.huggingface import reference_logits, to_huggingface
from gpt2.modeling.objective import next_token_nats
from gpt2.training.optimizer import parameter_groups
from gpt2.training.precision import attend_in_fp32
from gpt2.training.wrapping import checkpoint_activations

from .conftest import tiny_model


def random_ids(batch: int, length: int, vocab: int = 101, seed: int = 0) -> torch.Tensor:
    return torch.randint(vocab, (batch, length), generator=torch.Generator().manual_seed(seed))


def test_initial_loss_is_the_logarithm_of_the_vocabulary() -> None:
    model, ids = tiny_model(), random_ids(16, 17)
    loss = next_token_nats(model(ids[:, :-1]), ids[:, 1:]) / (16 * 16)
    assert loss.item() == pytest.approx(math.log(101), rel=0.01)


@settings(max_examples=20, deadline=None)
@given(changed=st.integers(1, 15), seed=st.integers(0, 1000))
def test_future_tokens_do_not_change_the_past(changed: int, seed: int) -> None:
    model, ids = tiny_model(seed=seed), random_ids(2, 16, seed=seed)
    other = ids.clone()
    other[:, changed:] = (other[:, changed:] + 1) % 101
    before, after = model(ids), model(other)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert not torch.equal(before[:, changed:], after[:, changed:])


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 15), max_size=5), seed=st.integers(0, 1000))
def test_reading_in_pieces_through_the_cache_equals_reading_at_once(cuts: list[int], seed: int) -> None:
    model, ids = tiny_model(seed=seed), random_ids(3, 16, seed=seed)
    cache = model.make_cache(batch=3, capacity=16)
    bounds = [0, *sorted(set(cuts)), 16]
    with torch.no_grad():
        pieces = [model(ids[:, a:b], cache) for a, b in itertools.pairwise(bounds)]
        whole = model(ids)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=1e-5, atol=1e-5)


def test_the_model_computes_gpt2_as_published() -> None:
    model, ids = tiny_model(), random_ids(2, 16)
    for parameter in model.parameters():  # initial biases are zero: give every part a say
        nn.init.normal_(parameter, std=0.1)
    tensors = to_huggingface(model.state_dict(), model.config.layers)
    assert tensors is not None
    torch.testing.assert_close(model(ids), reference_logits(tensors, model.config, ids), rtol=1e-4, atol=1e-5)


def test_every_parameter_is_initialised_and_a_function_of_the_seed() -> None:
    def drawn(seed: int, fill: float) -> dict[str, torch.Tensor]:
        model = tiny_model()
        for parameter in model.parameters():
            nn.init.constant_(parameter, fill)
        model.initialize(seed)
        return dict(model.state_dict())

    one, same, other = drawn(1, fill=5.0), drawn(1, fill=-5.0), drawn(2, fill=5.0)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert all(not torch.equal(one[name], other[name]) for name in one if one[name].dim() == 2)


def test_residual_projections_start_smaller() -> None:
    state = tiny_model(layers=8, dims=64).state_dict()
    assert float(state["blocks.0.attention.qkv.weight"].std()) == pytest.approx(0.02, rel=0.1)
    assert float(state["blocks.0.attention.project.weight"].std()) == pytest.approx(0.02 / 4, rel=0.1)
    assert float(state["blocks.7.feedforward.project.weight"].std()) == pytest.approx(0.02 / 4, rel=0.1)


def test_a_module_without_a_rule_stops_the_initialisation() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(3))

    model = tiny_model()
    model.extra = Scale()
    with pytest.raises(RuntimeError, match="no rule for extra"):
        model.initialize(0)


def test_every_parameter_is_in_exactly_one_optimizer_group_and_only_matrices_decay() -> None:
    model = tiny_model()
    decaying, others = parameter_groups(model, TrainConfig(wd_rate=0.1))
    grouped = [id(parameter) for group in (decaying, others) for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    assert decaying["weight_decay"] == 0.1
    assert others["weight_decay"] == 0.0
    assert all(parameter.dim() == 2 for parameter in decaying["params"])
    assert all(name.endswith("bias") or "norm" in name for name in others["names"])


def test_gradients_reach_every_parameter() -> None:
    model, ids = tiny_model(), random_ids(4, 17)
    next_token_nats(model(ids[:, :-1]), ids[:, 1:]).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_ignored_targets_cost_nothing() -> None:
    logits, targets = torch.randn(2, 5, 7), random_ids(2, 5, vocab=7)
    kept = targets.clone()
    kept[:, 3:] = IGNORE
    torch.testing.assert_close(next_token_nats(logits, kept), next_token_nats(logits[:, :3], targets[:, :3]))


def test_activation_checkpointing_changes_no_gradient() -> None:
    ids = random_ids(4, 17)
    plain, saving = tiny_model(), tiny_model()
    checkpoint_activations(saving)
    for model in (plain, saving):
        next_token_nats(model(ids[:, :-1]), ids[:, 1:]).backward()
    assert list(saving.state_dict()) == list(plain.state_dict())
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_attention_in_fp32_is_the_same_attention() -> None:
    query, key, value = torch.randn(3, 2, 2, 8, 4)
    plain = tiny_model().blocks[0].attention.attend(query, key, value, 0.0)
    torch.testing.assert_close(attend_in_fp32(query, key, value, 0.0), plain)


def test_parameter_and_operation_counts_are_gpt2s() -> None:
    with torch.device("meta"):
        from gpt2.config import ModelConfig
        from gpt2.modeling.transformer import Transformer

        model = Transformer(ModelConfig())
    assert model.count_parameters() == 124_439_808  # the published gpt2 weights
    # 6 · (124.4 M - 1024 · 768 positions) + 12 · 12 · 768 · 1024
    assert model.flops_per_token(1024) == 6 * (124_439_808 - 786_432) + 113_246_208

"""Depth methods: exact counts, an identity goes first, the knapsack against brute force, the order on the testbed."""

import copy
import re
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.contract import from_images, from_trajectory
from reference_impls.maths.gates import one_of
from reference_impls.methods import bk_sdm, laptop_diff, shortgpt, tinyfusion
from reference_impls.prune import calibration_for, prune
from reference_impls.registry import METHODS
from reference_impls.testbed.data import load
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import pretrained
from reference_impls.units import blocks_of

ALL = sorted(name for name, method in METHODS.items() if method.kind == "depth")
DIT, UNET = pretrained("dit"), pretrained("unet")
TRAIN, HELD_OUT = load("digits")


def pruned(method: str, share: float, *, steps: int = 2, seed: int = 0) -> tuple[nn.Module, list[str]]:
    model = copy.deepcopy(DIT)
    report = prune(
        model, calibration_for(method, model, TRAIN, steps=steps, seed=seed), share, method=method, seed=seed
    )
    return model, report.dropped


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_counts_on_the_dit(method: str, share: float, count: int) -> None:
    model, dropped = pruned(method, share)
    assert len(dropped) == len(set(dropped)) == count
    assert [block.name for block in blocks_of(model)] == [b.name for b in blocks_of(DIT) if b.name not in dropped]


@pytest.mark.slow
@pytest.mark.parametrize("method", ALL)
def test_counts_on_the_unet(method: str) -> None:
    model = copy.deepcopy(UNET)
    images, _ = load("mnist16")
    report = prune(model, calibration_for(method, model, images, steps=2), 0.4, method=method)
    if method == "laptop-diff":  # a share of the parameters, not of the blocks
        shortcuts = sum(laptop_diff.freed(UNET, block) for block in blocks_of(UNET))
        assert report.before.parameters - report.after.parameters >= 0.4 * shortcuts
    else:
        assert len(report.dropped) == 7
    x = torch.randn(2, 1, 16, 16)
    assert model(x, torch.rand(2), torch.arange(2)).shape == x.shape


@pytest.mark.parametrize("method", ["laptop-diff", "shortgpt", "tinyfusion"])
def test_a_block_that_does_nothing_goes_first(method: str) -> None:
    model = copy.deepcopy(DIT)
    with torch.no_grad():
        for value in model.blocks[2].modulation.parameters():  # type: ignore[union-attr,index]
            value.zero_()
    calibration = calibration_for(method, model, TRAIN, steps=60)
    if method == "tinyfusion":  # one of each group of four goes; in the first it must be this one
        assert "blocks.2" in prune(model, calibration, 0.25, method=method).dropped
    else:
        assert prune(model, calibration, 1 / 8, method=method).dropped == ["blocks.2"]


def test_influence_by_hand() -> None:
    """A block that turns every token by 90 degrees has influence 1, one that scales it 0, one that flips it 2."""

    class Turn(nn.Module):
        def __init__(self, matrix: list[list[float]]) -> None:
            super().__init__()
            self.matrix = torch.tensor(matrix)

        def forward(self, x: torch.Tensor, *unused: torch.Tensor) -> torch.Tensor:
            return x @ self.matrix

    model = copy.deepcopy(DIT)
    blocks = blocks_of(model)[:3]
    eye = torch.eye(96)
    turned = torch.cat([eye[48:], -eye[:48]])
    for number, matrix in enumerate((turned, 3 * eye, -eye)):
        model.blocks[number] = Turn(matrix.tolist())  # type: ignore[index,union-attr,operator]
    scores = shortgpt.block_influence(model, blocks, from_images(TRAIN, batches=1, size=4))
    torch.testing.assert_close(scores, torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64), rtol=0, atol=1e-5)


def test_output_loss_by_hand() -> None:
    """What LAPTOP-Diff charges a block for is the error at the output without it."""
    calibration = from_trajectory(DIT, n=4, steps=2)
    losses = laptop_diff.output_losses(DIT, blocks_of(DIT), calibration)
    without = copy.deepcopy(DIT)
    without.blocks[3] = nn.Identity()  # type: ignore[index,union-attr,operator]
    without.blocks[3].forward = lambda x, condition: x  # type: ignore[index,union-attr,operator,assignment]
    with torch.no_grad():
        errors = [(b.run(without) - b.run(DIT)).square().mean() for b in calibration]
    assert float(losses[3]) == pytest.approx(float(sum(errors) / len(errors)), rel=1e-5)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(1, 9)), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_knapsack_against_brute_force(items: list[tuple[float, int]], share: float) -> None:
    losses, weights = [loss for loss, _ in items], [weight for _, weight in items]
    least = share * sum(weights)
    found = laptop_diff.cheapest(losses, weights, least)
    assert sum(weights[i] for i in found) >= least
    sets = (chosen for size in range(len(items) + 1) for chosen in combinations(range(len(items)), size))
    best = min(sum(losses[i] for i in chosen) for chosen in sets if sum(weights[i] for i in chosen) >= least)
    assert sum(losses[i] for i in found) == pytest.approx(best)


def test_the_fixed_rule() -> None:
    """Every second block of a stack; of the U-Net the second blocks on the way down, those between up, the middle."""
    assert bk_sdm.order(blocks_of(DIT)) == [1, 3, 5, 7, 0, 2, 4, 6]
    names = [block.name for block in blocks_of(UNET)]
    ordered = [names[number] for number in bk_sdm.order(blocks_of(UNET))]
    assert sorted(ordered) == sorted(names)
    assert ordered[:3] == ["down.1", "down.4", "down.7"]
    assert ordered[3:6] == ["up.1", "up.5", "up.9"]
    assert ordered[6:8] == ["middle.0", "middle.1"]
    assert ordered[8:11] == ["down.6", "up.0", "up.2"]


def test_ways_keep_exactly_what_stays() -> None:
    for blocks in (1, 4, 8, 17):
        for gone in range(blocks + 1):
            ways = tinyfusion.all_ways(blocks, gone)
            assert all(len({len(way) for way in group}) == 1 for group in ways)
            assert sum(len(group[0]) for group in ways) == blocks - gone


def test_one_of_is_one_hot_and_has_a_gradient() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([one_of(logits, 1.0, generator) for _ in range(4_000)])
    assert torch.allclose(drawn.sum(1), torch.ones(4_000))
    torch.testing.assert_close((drawn.detach() > 0.5).float().mean(0), logits.detach().softmax(0), rtol=0, atol=0.03)
    (drawn[0] * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.any()


def test_learning_ways_leaves_the_weights_alone() -> None:
    model = copy.deepcopy(DIT)
    tinyfusion.learn(model, blocks_of(model), tinyfusion.all_ways(8, 4), from_images(TRAIN, batches=2), 0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))
    assert all(value.requires_grad for value in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("method", ["bk-sdm", "shortgpt", "tinyfusion", "laptop-diff"])
def test_no_block_left_is_said(method: str) -> None:
    model, _ = pruned("bk-sdm", 1.0)
    calibration = calibration_for(method, model, TRAIN, steps=1)
    with pytest.raises(ValueError, match=f"{method} drops blocks, and this model has none left"):
        prune(model, calibration, 0.5, method=method)


def test_deterministic() -> None:
    assert pruned("tinyfusion", 0.5, steps=3)[1] == pruned("tinyfusion", 0.5, steps=3)[1]


@pytest.mark.slow
def test_the_order_of_the_methods() -> None:
    """Half of the DiT's blocks; what looks at data beats the mean of all even ways to drop by lot."""
    lost = {method: held_out_loss(pruned(method, 0.5, steps=80)[0], HELD_OUT) for method in ALL}
    assert max(lost["shortgpt"], lost["laptop-diff"]) < lost["bk-sdm"] + 0.02
    assert lost["tinyfusion"] < lost["bk-sdm"] + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("method", ["shortgpt", "laptop-diff"])
def test_mutation_the_best_go(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = held_out_loss(pruned(method, 0.5)[0], HELD_OUT)
    module, name = (shortgpt, "block_influence") if method == "shortgpt" else (laptop_diff, "output_losses")
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: real(*args).max() - real(*args))
    assert held_out_loss(pruned(method, 0.5)[0], HELD_OUT) > good + 0.05


@pytest.mark.parametrize("method", ALL)
def test_bad_requests_change_nothing(method: str) -> None:
    model = copy.deepcopy(DIT)
    calibration = calibration_for(method, model, TRAIN, steps=1)
    told = "blocks are compared over the whole model; give neither a scope nor shares of layers"
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration, 0.5, method=method, scope="global")
    assert len(blocks_of(model)) == 8

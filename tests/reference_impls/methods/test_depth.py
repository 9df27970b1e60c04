"""Depth methods: exact counts, an identity goes first, the knapsack against brute force, mutations of each."""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.gates import one_of
from reference_impls.maths.surgery import drop
from reference_impls.methods import bk_sdm, laptop_diff, shortgpt, tinyfusion
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.units import blocks_of
from reference_impls.testbed.calibration import from_images, from_trajectory
from reference_impls.testbed.data import load
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.models import Denoiser, pretrained
from reference_impls.testbed.unet import UNet
from tests.reference_impls.small_models import small

ALL = sorted(name for name, method in METHODS.items() if method.kind == "depth")
DIT = small("dit", depth=8)
TRAIN, _ = load("digits")


def calls(method: str, model: Denoiser) -> Calibration:
    """As ``calibration_for`` makes them, but few."""
    trains = METHODS[method].needs == "training"
    return from_images(TRAIN, batches=3, size=4) if trains else from_trajectory(model, n=4, steps=2)


def pruned(method: str, share: float) -> tuple[DiT, list[str]]:
    model = copy.deepcopy(DIT)
    return model, prune(model, calls(method, model), share, method=method).dropped


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 2), (1.0, 8)])
def test_counts_on_the_dit(method: str, share: float, count: int) -> None:
    model, dropped = pruned(method, share)
    assert len(dropped) == len(set(dropped)) == count
    assert [block.name for block in blocks_of(model)] == [b.name for b in blocks_of(DIT) if b.name not in dropped]


@pytest.mark.parametrize("method", ALL)
def test_counts_on_the_unet(method: str) -> None:
    model = small("unet")
    all_of_them = sum(laptop_diff.freed(model, block) for block in blocks_of(model))
    report = prune(model, calls(method, model), 0.4, method=method)
    if method == "laptop-diff":  # a share of the parameters, not of the blocks
        assert report.before.parameters - report.after.parameters >= 0.4 * all_of_them
    else:
        assert len(report.dropped) == 3
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.rand(2), torch.arange(2)).shape == x.shape


@pytest.mark.parametrize("method", ["laptop-diff", "shortgpt", "tinyfusion"])
def test_a_block_that_does_nothing_goes_first(method: str) -> None:
    model = pretrained("dit")
    with torch.no_grad():
        for value in model.get_submodule("blocks.2.modulation").parameters():
            value.zero_()
    if method == "tinyfusion":  # one of each group of four goes; in the first it must be this one
        calibration = from_images(TRAIN, batches=40, size=4)
        assert "blocks.2" in prune(model, calibration, 0.25, method=method).dropped
    else:
        calibration = from_trajectory(model, n=4, steps=3)
        assert prune(model, calibration, 1 / 8, method=method).dropped == ["blocks.2"]


@pytest.mark.parametrize(
    ("method", "module", "name", "mutant"),
    [
        ("shortgpt", shortgpt, "block_influence", lambda scores: -scores),
        ("laptop-diff", laptop_diff, "output_losses", lambda scores: scores.max() - scores),
        pytest.param(
            "tinyfusion",
            tinyfusion,
            "learn",
            lambda logits: [-of_group for of_group in logits],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["shortgpt", "laptop-diff", "tinyfusion"],
)
def test_mutation_the_best_go(
    method: str, module: Any, name: str, mutant: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails the test above."""
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args: mutant(real(*args)))
    with pytest.raises(AssertionError):
        test_a_block_that_does_nothing_goes_first(method)


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
    eye = torch.eye(32)
    turned = torch.cat([eye[16:], -eye[:16]])
    for number, matrix in enumerate((turned, 3 * eye, -eye)):
        model.blocks[number] = Turn(matrix.tolist())
    scores = shortgpt.block_influence(model, blocks, from_images(TRAIN, batches=1, size=4))
    torch.testing.assert_close(scores, torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64), rtol=0, atol=1e-5)


class Passing(nn.Module):
    """A block that does nothing."""

    def forward(self, x: torch.Tensor, *unused: torch.Tensor) -> torch.Tensor:
        return x


def test_output_loss_by_hand() -> None:
    """What LAPTOP-Diff charges a block for is the error at the output without it."""
    calibration = from_trajectory(DIT, n=4, steps=2)
    losses = laptop_diff.output_losses(DIT, blocks_of(DIT), calibration)
    without = copy.deepcopy(DIT)
    without.blocks[3] = Passing()
    with torch.no_grad():
        errors = [(b.run(without) - b.run(DIT)).square().mean() for b in calibration]
    assert float(losses[3]) == pytest.approx(float(sum(errors) / len(errors)), rel=1e-5)


def test_influence_looks_at_the_channels_of_a_pixel() -> None:
    stream = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(shortgpt._vectors(stream), stream.permute(0, 2, 3, 1).reshape(-1, 3).double())


def test_what_a_block_frees_is_what_is_missing_without_it() -> None:
    model = small("unet")
    whole = sum(value.numel() for value in model.parameters())
    for block in blocks_of(model):
        without = copy.deepcopy(model)
        drop(without, [block])
        assert laptop_diff.freed(model, block) == whole - sum(value.numel() for value in without.parameters())


def test_the_cheapest_blocks_by_brute_force() -> None:
    """At one share; the knapsack has a test of its own."""
    model, share = small("unet"), 0.4
    calibration, blocks = calls("laptop-diff", model), blocks_of(model)
    losses = laptop_diff.output_losses(model, blocks, calibration).tolist()
    sizes = [laptop_diff.freed(model, block) for block in blocks]
    sets = [chosen for count in range(9) for chosen in combinations(range(8), count)]
    enough = [chosen for chosen in sets if sum(sizes[i] for i in chosen) >= share * sum(sizes)]
    best = min(enough, key=lambda chosen: sum(losses[i] for i in chosen))
    assert prune(model, calibration, share, method="laptop-diff").dropped == [blocks[i].name for i in best]


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
    blocks = blocks_of(UNet())
    names = [block.name for block in blocks]
    ordered = [names[number] for number in bk_sdm.order(blocks)]
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


def test_later_groups_lose_more() -> None:
    """Where the share does not divide evenly."""
    lost = [[4 - len(group[0]) for group in tinyfusion.all_ways(8, gone)] for gone in range(9)]
    assert lost == [[0, 0], [0, 1], [1, 1], [1, 2], [2, 2], [2, 3], [3, 3], [3, 4], [4, 4]]


def test_the_temperature_falls_and_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []

    def watched(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
        used.append(temperature)
        return one_of(logits, temperature, generator)

    monkeypatch.setattr(tinyfusion, "one_of", watched)
    model, batches = small("dit"), from_images(TRAIN, batches=3, size=2)
    first, same, other = (
        torch.cat(tinyfusion.learn(model, blocks_of(model), tinyfusion.all_ways(3, 1), batches, seed))
        for seed in (0, 0, 1)
    )
    assert used == pytest.approx([4.0, 0.4**0.5, 0.1] * 3)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_one_of_is_one_hot_and_has_a_gradient(temperature: float) -> None:
    """What is drawn does not depend on the temperature; how soft its gradient is does."""
    logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([one_of(logits, temperature, generator) for _ in range(1_500)])
    assert torch.allclose(drawn.sum(1), torch.ones(1_500))
    torch.testing.assert_close((drawn.detach() > 0.5).float().mean(0), logits.detach().softmax(0), rtol=0, atol=0.04)
    torch.autograd.backward((drawn[0] * torch.tensor([1.0, 2.0, 3.0])).sum())
    assert logits.grad is not None
    assert logits.grad.any()


def test_learning_ways_leaves_the_weights_alone() -> None:
    model = copy.deepcopy(DIT)
    tinyfusion.learn(model, blocks_of(model), tinyfusion.all_ways(8, 4), from_images(TRAIN, batches=2), 0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))
    assert all(value.requires_grad for value in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["dit", "unet"])
@torch.no_grad()
def test_a_gate_of_zero_is_a_block_that_went(name: str) -> None:
    model = small(name)
    blocks, batch = blocks_of(model), from_images(TRAIN, batches=1, size=4).calls[0]
    for gone in ([], [0, 2]):
        gates = torch.tensor([float(number not in gone) for number in range(len(blocks))])
        with tinyfusion.gated(model, blocks, gates):
            made = batch.run(model)
        without = copy.deepcopy(model)
        drop(without, [blocks[number] for number in gone])
        torch.testing.assert_close(made, batch.run(without))


@torch.no_grad()
def test_updates_are_added_to_the_layers() -> None:
    """W x + B A x, in each Linear of each block, is (W + B A) x."""
    model = small("dit")
    blocks, batch = blocks_of(model), from_images(TRAIN, batches=1, size=4).calls[0]
    by_hand = copy.deepcopy(model)
    layers = [
        layer
        for block in blocks
        for layer in by_hand.get_submodule(block.name).modules()
        if isinstance(layer, nn.Linear)
    ]
    with tinyfusion.low_rank(model, blocks, torch.Generator().manual_seed(0)) as updates:
        torch.testing.assert_close(batch.run(model), batch.run(by_hand))  # they start at nothing
        assert len(updates) == 2 * len(layers) == 2 * 15
        for layer, a, b in zip(layers, updates[::2], updates[1::2], strict=True):
            assert 0.7 < float(a.std()) * layer.in_features**0.5 < 1.3
            b.normal_()
            layer.weight += b @ a
        torch.testing.assert_close(batch.run(model), batch.run(by_hand), rtol=1e-4, atol=1e-4)


def test_updates_are_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, by the loss through the gates: they are what a way is judged by."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    real = tinyfusion.low_rank

    @contextmanager
    def watched(*args: Any) -> Iterator[list[torch.Tensor]]:
        with real(*args) as updates:
            seen.extend((value, value.detach().clone()) for value in updates)
            yield updates

    monkeypatch.setattr(tinyfusion, "low_rank", watched)
    model = small("dit")
    tinyfusion.learn(model, blocks_of(model), tinyfusion.all_ways(3, 1), from_images(TRAIN, batches=12, size=4), 0)
    assert len(seen) == 30
    assert not any(torch.equal(after, before) for after, before in seen)


def test_mutation_updates_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail both tests above."""
    monkeypatch.setattr(
        tinyfusion, "_plus", lambda a, b: lambda layer, inputs, output: output + 0 * (a.sum() * b.sum())
    )
    with pytest.raises(AssertionError):
        test_updates_are_added_to_the_layers()
    with pytest.raises(AssertionError):
        test_updates_are_trained(monkeypatch)


def test_mutation_updates_that_are_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda groups: real(groups[:1]))
    with pytest.raises(AssertionError):
        test_updates_are_trained(monkeypatch)


@pytest.mark.parametrize("method", ["bk-sdm", "shortgpt", "tinyfusion", "laptop-diff"])
def test_no_block_left_is_said(method: str) -> None:
    model, _ = pruned("bk-sdm", 1.0)
    calibration = calls(method, model)
    with pytest.raises(ValueError, match=f"{method} drops blocks, and this model has none left"):
        prune(model, calibration, 0.5, method=method)


def test_deterministic() -> None:
    assert pruned("tinyfusion", 0.5)[1] == pruned("tinyfusion", 0.5)[1]


@pytest.mark.parametrize("method", ALL)
def test_bad_requests_change_nothing(method: str) -> None:
    model = copy.deepcopy(DIT)
    calibration = calls(method, model)
    told = "blocks are compared over the whole model; give neither a scope nor shares of layers"
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration, 0.5, method=method, scope="global")
    assert len(blocks_of(model)) == 8

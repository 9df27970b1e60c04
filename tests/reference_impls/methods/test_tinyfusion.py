"""TinyFusion: ways of groups, gates, low-rank updates that are trained, and mutations of those."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.maths.gates import one_of
from reference_impls.maths.surgery import skip
from reference_impls.methods import tinyfusion
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
DIT = small("dit", depth=8)


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
        skip(without, [blocks[number] for number in gone])
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


def test_deterministic() -> None:
    batches = from_images(TRAIN, batches=3, size=4)
    one, two = (prune(copy.deepcopy(DIT), batches, 0.5, method="tinyfusion").dropped for _ in range(2))
    assert one == two

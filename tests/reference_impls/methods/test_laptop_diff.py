"""LAPTOP-Diff: the loss of a block by hand, what it frees, and the knapsack against brute force."""

import copy
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.maths.surgery import skip
from reference_impls.methods import laptop_diff
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_trajectory
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

DIT = small("dit", depth=8)


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


@pytest.mark.parametrize("keep", [False, True])
def test_what_a_block_frees_is_what_is_missing_without_it(keep: bool) -> None:
    model = small("unet")
    whole = sum(value.numel() for value in model.parameters())
    for block in blocks_of(model):
        without = copy.deepcopy(model)
        skip(without, [block], keep_shortcuts=keep)
        assert laptop_diff.freed(model, block, keep) == whole - sum(value.numel() for value in without.parameters())


def test_the_cheapest_blocks_by_brute_force() -> None:
    """At one share; the knapsack has a test of its own."""
    model, share = small("unet"), 0.4
    calibration, blocks = from_trajectory(model, n=4, steps=2), blocks_of(model)
    losses = laptop_diff.output_losses(model, blocks, calibration).tolist()
    sizes = [laptop_diff.freed(model, block) for block in blocks]
    sets = [chosen for count in range(9) for chosen in combinations(range(8), count)]
    enough = [chosen for chosen in sets if sum(sizes[i] for i in chosen) >= share * sum(sizes)]
    best = min(enough, key=lambda chosen: sum(losses[i] for i in chosen))
    assert prune(model, calibration, share, method="laptop-diff").dropped == [blocks[i].name for i in best]


@settings(max_examples=80)
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

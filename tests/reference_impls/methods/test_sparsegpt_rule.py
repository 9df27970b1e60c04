"""SparseGPT and OBS-Diff beside Alg. 1, worked out one column after another by elimination."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.maths.obs import Hessian
from reference_impls.methods.obs_diff import step_weight
from reference_impls.methods.sparsegpt import decide, rule
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import as_matrix, input_rows, like_weight
from tests.reference_impls.paper_rules.in_turn import packages
from tests.reference_impls.paper_rules.obs_diff import hessian_of, step_weights
from tests.reference_impls.paper_rules.sparsegpt import prune_matrix


def layer(columns: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix of 40 outputs, and the Hessian of correlated inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(40, columns, generator=generator).double()
    inputs = torch.randn(3 * columns, columns, generator=generator) @ torch.randn(columns, columns, generator=generator)
    hessian = Hessian(columns)
    hessian.add(inputs)
    return weight, hessian.mean()


@pytest.mark.parametrize("pattern", [(2, 4), (1, 4), (4, 8)])
@pytest.mark.parametrize("columns", [64, 200])
def test_patterns_are_those_of_the_authors_code(pattern: tuple[int, int], columns: int) -> None:
    weight, hessian = layer(columns, 0)
    request = Request(1 - pattern[0] / pattern[1], Pattern(*pattern))
    made, mask = decide(weight, hessian, request, request.sparsity)
    expected = prune_matrix(weight, hessian, 0.5, pattern)
    assert torch.equal(mask, expected != 0)
    torch.testing.assert_close(made, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_code_prunes_one_weight_more_in_each_block_of_columns(seed: int, share: float) -> None:
    """The stated difference; the mask of a block of 128 columns and what follows differ by hardly anything else."""
    weight, hessian = layer(200, seed)
    _, mask = decide(weight, hessian, Request(share), share)
    theirs = prune_matrix(weight, hessian, share) != 0
    assert int((~theirs[:, :128]).sum()) == int(5_120 * share) + 1
    assert int((~theirs[:, 128:]).sum()) == int(2_880 * share) + 1
    assert float((mask == theirs).double().mean()) >= 0.999


def test_columns_of_a_convolution_are_in_the_order_of_the_authors_code() -> None:
    """All kernel positions of one input channel after the other: the weight as it lies in memory, and its windows."""
    generator = torch.Generator().manual_seed(0)
    inputs, conv = torch.randn(6, 20, 9, 9, generator=generator), nn.Conv2d(20, 24, 3, padding=1)
    windows = functional.unfold(inputs, 3, padding=1).transpose(1, 2).reshape(-1, 180)
    ours, theirs = Hessian(180), Hessian(180)
    ours.add(input_rows(conv, inputs))
    theirs.add(windows)
    made, mask = rule(Request(0.7)).decide("conv", conv, ours)
    expected, kept = decide(conv.weight.detach().flatten(1), theirs.mean(), Request(0.7), 0.7)
    assert torch.equal(like_weight(mask, conv.weight).flatten(1), kept)
    torch.testing.assert_close(like_weight(made, conv.weight).flatten(1), expected, rtol=1e-4, atol=1e-6)
    by_position, _ = decide(as_matrix(conv), ours.mean(), Request(0.7), 0.7)
    assert not torch.equal(by_position != 0, made != 0)


def test_an_input_that_is_always_zero_raises_the_damping_of_the_code() -> None:
    """The other stated difference: without one, the weights that remain are the same to rounding."""
    weight, hessian = layer(64, 1)
    hessian = hessian / 1_000  # so that a diagonal of 1 is much
    hessian[7] = hessian[:, 7] = 0
    made, mask = decide(weight, hessian, Request(0.5, Pattern(2, 4)), 0.5)
    theirs = prune_matrix(weight, hessian, 0.5, (2, 4))
    assert not mask[:, 7].any()
    assert not theirs[:, 7].any()
    assert float((mask == (theirs != 0)).double().mean()) > 0.97
    assert not torch.allclose(made, theirs, rtol=1e-3)


def test_the_hessian_of_obs_diff_from_the_equation(calibration: Calibration) -> None:
    """Eq. (4): a_t from 1.2 to 0.8, for the rows of each step."""
    rows = [torch.randn(30, 5, generator=torch.Generator().manual_seed(step)) for step in range(5)]
    assert step_weights(5) == pytest.approx([step_weight(call) for call in calibration])
    hessian = Hessian(5)
    for call, x in zip(calibration, rows, strict=True):
        hessian.add(x, step_weight(call))
    torch.testing.assert_close(hessian.mean(), hessian_of(rows), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("number", "made"),
    [
        (1, [["a", "b", "c", "d", "e"]]),
        (2, [["a", "b", "c"], ["d", "e"]]),
        (5, [[*"a"], [*"b"], [*"c"], [*"d"], [*"e"]]),
    ],
)
def test_packages_of_layers(number: int, made: Any) -> None:
    assert packages([*"abcde"], number) == made

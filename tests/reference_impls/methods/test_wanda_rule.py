"""Wanda beside the slow rule of the paper: the same weights, for a sparsity and for n:m."""

import copy

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix, prunable
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn, rows_of
from tests.reference_impls.paper_rules.wanda import norms, prune_matrix


def test_norms_one_value_after_another() -> None:
    rows = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    assert norms(rows.tolist()) == pytest.approx(rows.norm(dim=0).tolist())


@pytest.mark.parametrize(("share", "pattern"), [(0.5, None), (0.75, None), (None, (2, 4)), (None, (1, 4))])
def test_the_weights_of_the_paper_are_kept(
    dit: nn.Module, calibration: Calibration, share: float | None, pattern: tuple[int, int] | None
) -> None:
    """At sparsities that leave a whole number in each row, where the code's rounding down changes nothing."""
    model, layers = copy.deepcopy(dit), prunable(dit)
    prune(model, calibration, share, method="wanda", pattern=None if pattern is None else Pattern(*pattern))
    seen = rows_of(dit, calibration, layers)
    for name, layer in layers.items():
        expected = prune_matrix(as_matrix(layer), seen[name], share or 0.0, pattern)
        assert torch.equal(as_matrix(prunable(model)[name]), expected), name


def test_the_first_block_is_that_of_the_authors_code_and_later_ones_see_pruned_inputs(
    dit: nn.Module, calibration: Calibration
) -> None:
    """The stated difference: norms after the blocks before are pruned. It cannot touch the first block."""
    ours, theirs = copy.deepcopy(dit), copy.deepcopy(dit)
    prune(ours, calibration, 0.5, method="wanda")
    order = blocks(theirs, calibration)
    prune_in_turn(theirs, calibration, order, lambda matrix, rows: prune_matrix(matrix, rows, 0.5))
    same = {
        name: torch.equal(as_matrix(layer) != 0, as_matrix(prunable(theirs)[name]) != 0)
        for name, layer in prunable(ours).items()
    }
    assert all(same[name] for name in order[0])
    assert not all(same.values())
    kept = sum(
        int(((layer.weight != 0) & (prunable(theirs)[name].weight != 0)).sum())
        for name, layer in prunable(ours).items()
    )
    assert kept > 0.9 * sum(layer.weight.numel() for layer in prunable(ours).values()) / 2


def test_the_codes_number_of_weights_is_rounded_down() -> None:
    matrix, rows = torch.rand(4, 10, generator=torch.Generator().manual_seed(0)), [torch.ones(3, 10)]
    assert (prune_matrix(matrix, rows, 0.69) == 0).sum(1).tolist() == [6] * 4

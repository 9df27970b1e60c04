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
from tests.reference_impls.small_models import small


def test_norms_one_value_after_another() -> None:
    rows = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    assert norms(rows.tolist()) == pytest.approx(rows.norm(dim=0).tolist())


@pytest.mark.parametrize(("share", "pattern"), [(0.5, None), (0.69, None), (None, (2, 4)), (None, (1, 4))])
@pytest.mark.parametrize("name", ["dit", "unet"])
def test_the_weights_of_the_authors_code_are_kept(
    name: str, calibration: Calibration, share: float | None, pattern: tuple[int, int] | None
) -> None:
    """Also where a row has no whole number of weights to prune, which is rounded down.

    Norms are those after the blocks before are pruned, which only the first block does not feel.
    """
    model, theirs = small(name), small(name)
    dense = {layer: as_matrix(one).clone() for layer, one in prunable(model).items()}
    first = blocks(theirs, calibration)[0]
    of_the_dense = rows_of(theirs, calibration, prunable(theirs))
    prune_in_turn(
        theirs,
        calibration,
        blocks(theirs, calibration),
        lambda matrix, rows: prune_matrix(matrix, rows, share or 0.0, pattern),
    )
    prune(model, calibration, share, method="wanda", pattern=None if pattern is None else Pattern(*pattern))
    for layer, one in prunable(model).items():
        assert torch.equal(as_matrix(one), as_matrix(prunable(theirs)[layer])), layer
    without = {layer: prune_matrix(dense[layer], of_the_dense[layer], share or 0.0, pattern) for layer in dense}
    assert all(torch.equal(without[layer], as_matrix(prunable(model)[layer])) for layer in first)
    assert not all(torch.equal(without[layer], as_matrix(prunable(model)[layer])) for layer in dense)


def test_global_scope_takes_the_norms_of_the_dense_model(dit: nn.Module, calibration: Calibration) -> None:
    """The stated exception: every score is needed before the first mask is known."""
    model, layers = copy.deepcopy(dit), prunable(dit)
    prune(model, calibration, 0.5, method="wanda", scope="global")
    seen = rows_of(dit, calibration, layers)
    scores = {
        name: as_matrix(layer).abs().double() * torch.tensor(norms(torch.cat(seen[name]).tolist())).double()
        for name, layer in layers.items()
    }
    threshold = torch.cat([score.flatten() for score in scores.values()]).median()
    for name, layer in prunable(model).items():
        assert torch.equal(as_matrix(layer) != 0, scores[name] > threshold), name


def test_the_codes_number_of_weights_is_rounded_down() -> None:
    matrix, rows = torch.rand(4, 10, generator=torch.Generator().manual_seed(0)), [torch.ones(3, 10)]
    assert (prune_matrix(matrix, rows, 0.69) == 0).sum(1).tolist() == [6] * 4

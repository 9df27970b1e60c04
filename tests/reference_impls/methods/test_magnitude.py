"""Magnitude: what goes over all layers, in each row, of a pattern, and of strips that four rows share."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern, keep_pattern
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.testbed.dit import DiT


def pruned(dit: nn.Module, calibration: Calibration, **asked: Any) -> nn.Module:
    model = copy.deepcopy(dit)
    prune(model, calibration, **asked)
    return model


def test_scopes_by_hand(dit: nn.Module, calibration: Calibration) -> None:
    """Magnitude over all layers: no weight that went is larger than one that stayed anywhere."""
    model = pruned(dit, calibration, sparsity=0.3, method="magnitude", scope="global")
    sizes = torch.cat([as_matrix(layer).abs().flatten() for layer in prunable(dit).values()])
    kept = torch.cat([as_matrix(layer).flatten() != 0 for layer in prunable(model).values()])
    assert int((~kept).sum()) == math.floor(0.3 * len(kept) + 0.5)
    assert sizes[~kept].max() <= sizes[kept].min()
    model = pruned(dit, calibration, sparsity=0.25, method="magnitude", scope="row")
    for layer in prunable(model).values():
        assert (as_matrix(layer) == 0).sum(1).eq(layer.weight.shape[1] // 4).all()


def test_keep_pattern_is_what_the_model_gets(dit: nn.Module, calibration: Calibration) -> None:
    model = pruned(dit, calibration, pattern=Pattern(1, 4), method="magnitude")
    for name, layer in prunable(dit).items():
        kept = keep_pattern(as_matrix(layer).abs(), Pattern(1, 4))
        assert torch.equal(as_matrix(prunable(model)[name]), as_matrix(layer) * kept)


def test_a_model_without_layers(calibration: Calibration) -> None:
    with pytest.raises(ValueError, match="ReLU has no Linear or convolution of 16 x 16 or more"):
        prune(nn.ReLU(), calibration, 0.5, method="magnitude")


def test_magnitude_keeps_the_largest_strips(dit: DiT, calibration: Calibration) -> None:
    """The sizes kept under the pattern are the most that any choice of it keeps: brute force on the first strips."""
    model = copy.deepcopy(dit)
    prune(model, calibration, method="magnitude", pattern=Pattern(2, 4, rows=4))
    before, after = (as_matrix(prunable(one)["blocks.0.feed_forward.up"]) for one in (dit, model))
    for strip in range(0, 16, 4):
        for first in range(0, 32, 4):
            sizes = before[strip : strip + 4, first : first + 4].abs().sum(0)
            kept = after[strip : strip + 4, first : first + 4].abs().sum()
            torch.testing.assert_close(kept, sizes.topk(2).values.sum())

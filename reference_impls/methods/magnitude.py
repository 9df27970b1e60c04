"""Magnitude pruning: what is small goes.  Han et al., 2015, arXiv:1506.02626, section 3.1; units: 1608.08710.

Maths   single weights: S_ij = |W_ij|; units: S_u = sum of |w| over the weights that u owns.
Differs from the paper: one shot, without its rounds of pruning and training; the share is set, not a threshold.
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept; a score a unit.   Cost  a sort, no data.
Raises  ValueError if a weight is not finite, or for what ``Request`` refuses.
"""

from __future__ import annotations

from torch import nn

from reference_impls.contract import Calibration, Kept, Masks, Request
from reference_impls.layers import as_matrix, prunable
from reference_impls.methods.score_and_drop import drop
from reference_impls.methods.score_and_remove import owned, remove_lowest
from reference_impls.units import groups_of


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Masks:
    """Zero the smallest weights."""
    del calibration
    layers = prunable(model)
    return drop(layers, {name: as_matrix(layer).abs() for name, layer in layers.items()}, request)


def prune_units(model: nn.Module, calibration: Calibration, request: Request) -> Kept:
    """Remove the heads, neurons and channels with the smallest weights."""
    del calibration
    groups = groups_of(model)
    sizes = {name: value.detach().abs() for name, value in model.named_parameters()}
    return remove_lowest(model, groups, {group.name: owned(group, sizes) for group in groups}, request)

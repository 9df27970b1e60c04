"""Magnitude pruning: small weights go.  Han et al., 2015, arXiv:1506.02626, section 3.1.

Maths   S_ij = |W_ij|.
Differs from the paper: one shot, without its rounds of pruning and training; the share is set, not a threshold.
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept.   Cost  a sort, no data.
Raises  ValueError if a weight is not finite, or for what ``Request`` refuses.
"""

from __future__ import annotations

from torch import nn

from reference_impls.contract import Calibration, Masks, Request
from reference_impls.layers import as_matrix, prunable
from reference_impls.methods.score_and_drop import drop


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Masks:
    """Zero the smallest weights."""
    del calibration
    layers = prunable(model)
    return drop(layers, {name: as_matrix(layer).abs() for name, layer in layers.items()}, request)

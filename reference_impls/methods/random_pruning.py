"""Random pruning: the baseline that every score must beat.

Maths   S_ij ~ U(0, 1), independent.
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept.   Cost  nothing.
Raises  ValueError for what ``Request`` refuses.
"""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.contract import Calibration, Masks, Request
from reference_impls.layers import as_matrix, prunable
from reference_impls.methods.score_and_drop import drop


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Masks:
    """Zero weights by lot; the seed decides."""
    del calibration
    generator = torch.Generator().manual_seed(request.seed)
    layers = prunable(model)
    scores = {name: torch.rand(as_matrix(layer).shape, generator=generator) for name, layer in layers.items()}
    return drop(layers, scores, request)

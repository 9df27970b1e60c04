"""Random pruning: the baseline for every importance score.

Maths   S ~ U(0, 1), independent, for each weight or unit; the lowest are pruned.
Differs from the paper: a baseline has none.
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept; a score a unit.   Cost  a sort, no data.
Raises  ValueError if the sparsity is not in [0, 1], the model has no layer to prune or unknown units, or a pattern does
        not fit its rows; for units also for any pattern and for a scope other than "layer".
Run     python -m reference_impls prune --method random --model dit --sparsity 0.5 --out build/random
        python -m reference_impls prune --method random-units --model dit --sparsity 0.5 --out build/random-units
"""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.pruning.chosen import groups_to_prune, layers_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.drop_weights import drop_weights
from reference_impls.pruning.layers import in_columns
from reference_impls.pruning.remove_units import remove_lowest


def prune(model: nn.Module, _calibration: Calibration | None, request: Request) -> Outcome:
    """Zero weights chosen uniformly at random; the seed fixes the mask."""
    generator = torch.Generator().manual_seed(request.seed)
    layers = layers_to_prune(model, request)
    scores = {name: score(layer.weight, generator) for name, layer in layers.items()}
    return drop_weights(layers, scores, request)


def score(weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Of each weight of a layer: a random number, (outputs, inputs)."""
    return in_columns(torch.rand(weight.shape, generator=generator))


def prune_units(model: nn.Module, _calibration: Calibration | None, request: Request) -> Outcome:
    """Remove heads, neurons and channels chosen at random; the seed fixes the choice."""
    generator = torch.Generator().manual_seed(request.seed)
    groups = groups_to_prune(model, request)
    scores = {group.name: torch.rand(group.units, generator=generator) for group in groups}
    return remove_lowest(model, groups, scores, request)

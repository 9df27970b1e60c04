"""Magnitude pruning: prune small weights.  Han et al., 2015, arXiv:1506.02626, section 3; units: 1608.08710, 3.1.

Maths   weights: S_ij = |W_ij|; units: S_u = sum of |w| over the filter of unit u, the rows that make it; the lowest
        are pruned.
Differs from the paper: one-shot, without its rounds of pruning and training. The sparsity is set, the same for each
        layer; the paper sets a threshold, a quality parameter times the standard deviation of the layer's weights.
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept; a score a unit.   Cost  a sort, no data.
Raises  ValueError if the sparsity is not in [0, 1], a weight is not finite, the model has no layer to prune or unknown
        units, or a pattern does not fit its rows; for units also for any pattern and for a scope other than "layer".
Run     python -m reference_impls prune --method magnitude --model dit --sparsity 0.5 --out build/magnitude
        python -m reference_impls prune --method magnitude-units --model dit --sparsity 0.5 --out build/magnitude-units
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.surgery import Group, Part
from reference_impls.pruning.chosen import groups_to_prune, layers_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.drop_weights import drop_weights
from reference_impls.pruning.layers import in_columns
from reference_impls.pruning.remove_units import owned, remove_lowest


def prune(model: nn.Module, _calibration: Calibration | None, request: Request) -> Outcome:
    """Zero the smallest weights."""
    layers = layers_to_prune(model, request)
    return drop_weights(layers, {name: score(layer.weight.detach()) for name, layer in layers.items()}, request)


def score(weight: torch.Tensor, _generator: torch.Generator | None = None) -> torch.Tensor:
    """Of each weight of a layer: its absolute value, (outputs, inputs)."""
    return in_columns(weight).abs()


def prune_units(model: nn.Module, _calibration: Calibration | None, request: Request) -> Outcome:
    """Remove the heads, neurons and channels with the smallest weights."""
    groups = groups_to_prune(model, request)
    sizes = {name: value.detach().abs() for name, value in model.named_parameters() if value.dim() > 1}
    filters = {group.name: replace(group, parts=tuple(filter_parts(group, sizes))) for group in groups}
    return remove_lowest(model, groups, {name: owned(group, sizes) for name, group in filters.items()}, request)


def filter_parts(group: Group, sizes: Mapping[str, torch.Tensor]) -> Iterator[Part]:
    """Where a group's units are made: rows of matrices and convolutions, not scales of norms."""
    return (part for part in group.parts if part.side == "out" and f"{part.layer}.weight" in sizes)

"""OBS-Diff: optimal brain surgeon along the denoising steps.  Zhu et al., 2025, arXiv:2510.06751, section 4.

Maths   H = sum over steps of a_t X_t^T X_t, with a_t = 0.8 + 0.4 ln(T - t + 1) / ln T (Eq. 4), from 1.2 at the first
        denoising step to 0.8 at the last: an early error propagates through all later steps. Weights: pruned column by
        column as in SparseGPT, see ``maths.obs``. Units: S_u = sum over rows and over the columns j of u, in the layer
        that reads it, of w_j^2 / [H^-1]_jj (Eq. 6), for heads with the head's own block of H (Eq. 7); the remaining
        columns are updated to minimise the layer's reconstruction error.
Differs from the paper: layers are calibrated block by block, two passes a block, and groups one by one, not in
        packages, of which the authors have four by default. The units of a group are removed in one step; the authors'
        code removes heads one by one and neurons 64 or more at a time, with new scores in between, and scores a head
        within its block of the inverse Hessian. The scores of the two readers of a joint head are added, not fused by
        rank (Eq. 8). Channels of residual blocks are not in the paper; in front of a GroupNorm their statistics change,
        which the weight update ignores.
Shapes  W (outputs, inputs), X_t (n, inputs) -> new W and mask; a score a unit.
        Cost  O(inputs^3 + outputs * inputs^2) a layer; two passes a block; for units, one pass of the model a group.
Raises  ValueError if the sparsity is not in [0, 1], the scope is "global" or "row", the model has no layer to prune or
        unknown units, a pattern does not fit its rows, a weight or an input is not finite, or a Hessian cannot be
        factorised; for units also for any pattern.
Run     python -m reference_impls prune --method obs-diff --model dit --sparsity 0.5 --out build/obs-diff
        python -m reference_impls prune --method obs-diff-units --model dit --sparsity 0.5 --out build/obs-diff-units
"""

from __future__ import annotations

import math

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.obs import column_scores, remove_columns
from reference_impls.maths.surgery import Group, Part, remove
from reference_impls.methods import sparsegpt
from reference_impls.pruning.blockwise import Rule
from reference_impls.pruning.chosen import groups_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.layers import Layer, as_matrix, column_numbers, set_matrix
from reference_impls.pruning.observers import Hessians, hessian_of, naming, observe
from reference_impls.pruning.remove_units import best_units

FIRST, LAST = 1.2, 0.8


def step_weight(batch: Call) -> float:
    """a_t: ``FIRST`` at the first step, falling faster and faster, ``LAST`` at the last and where there is only one."""
    left = batch.steps - batch.step
    return LAST + (FIRST - LAST) * (math.log(left) / math.log(batch.steps) if left > 1 else 0.0)


def rule(request: Request) -> Rule[Hessians]:
    """How a layer is pruned; raises as ``sparsegpt.selection``."""
    return sparsegpt.rule(request, step_weight)


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Zero weights and update the remaining ones; calibrate along sampling trajectories."""
    return sparsegpt.prune(model, calibration, request, weight=step_weight)


def prune_units(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Remove heads, neurons and channels, group by group, and update the layers that read them."""
    # Not by ``prune_blocks``: it decides each layer alone and keeps its shape. A group is decided over all layers that
    # read it, and removing it changes the width of layers, so that groups are looked up anew before each step.
    kept: dict[str, list[int]] = {}
    for name in [group.name for group in groups_to_prune(model, request)]:
        group = next(group for group in groups_to_prune(model, request) if group.name == name)  # as the model is now
        kept[name] = _prune_group(model, group, calibration, request)
    return Outcome(kept=kept)


def _prune_group(model: nn.Module, group: Group, calibration: Calibration, request: Request) -> list[int]:
    """Choose units, update weights, remove. One or more layers read a unit (both streams of a joint block)."""
    readers = [part for part in group.parts if part.side == "in"]
    layers = {part.layer: _layer(model, part) for part in readers}
    observed = observe(model, calibration, layers, hessian_of, step_weight)
    with naming(group.name):
        hessians = {name: hessian.mean() for name, hessian in observed.items()}
        scores = [_scores(group, part, layers[part.layer], hessians[part.layer]) for part in readers]
        kept = best_units(torch.stack(scores).sum(0), request.share(group.name), group.strata)
        gone = sorted(set(range(group.units)) - set(kept))
        for part in readers:
            layer = layers[part.layer]
            columns = _columns(part, layer)[gone].flatten()
            set_matrix(layer, remove_columns(as_matrix(layer), columns, hessians[part.layer]))
    remove(model, (group, kept))
    return kept


def _scores(group: Group, part: Part, layer: Layer, hessian: torch.Tensor) -> torch.Tensor:
    """OBS error of each unit in a layer that reads it, (units,)."""
    weight, columns = as_matrix(layer), _columns(part, layer)
    if group.kind == "head":
        return torch.stack([column_scores(weight[:, own], hessian[own][:, own]).sum() for own in columns])
    return column_scores(weight, hessian)[columns].sum(1)  # (units, columns of each) -> (units,)


def _layer(model: nn.Module, part: Part) -> Layer:
    return model.get_submodule(part.layer)  # type: ignore[return-value]


def _columns(part: Part, layer: Layer) -> torch.Tensor:
    """Columns of the layer's matrix that each unit owns: all kernel positions of its channels, (units, columns)."""
    return column_numbers(layer.weight)[:, part.index].movedim(0, -1).flatten(1)

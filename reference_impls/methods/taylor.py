"""Taylor pruning: first-order estimate of the loss change.  Molchanov et al., 2019, arXiv:1906.10771, section 3.

Maths   S_u = sum over all t of sum over the weights of u of (w * dL_t/dw)^2: the first-order importance of one weight,
        summed over those of a unit.
Differs from the paper: of a unit, its biases, the scale of its norm and the columns that read it count too, where the
        paper sums over its filter (Eq. 9) or squares the filter's joint contribution (Eq. 8). One-shot, the same
        fraction in each group; the gradients are of the denoising loss, one batch a timestep.
Shapes  one batch a timestep -> a score a unit.   Cost  one backward pass a timestep.
Raises  ValueError if the sparsity is not in [0, 1], a pattern or a scope other than "layer" is requested, the units of
        the model are not known, the calibration has no targets, its timesteps do not rise, or a gradient is not finite.
Run     python -m reference_impls prune --method taylor --model dit --sparsity 0.5 --out build/taylor
"""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods.diff_pruning import accumulated, gradients
from reference_impls.pruning.chosen import groups_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.remove_units import owned, remove_lowest


def squares(model: nn.Module, calibration: Calibration) -> dict[str, torch.Tensor]:
    """(w * dL_t/dw)^2 of every parameter, summed over all timesteps; zero where no loss depends on it.

    Raises:
        ValueError: the calibration has no targets, or its times fall.
    """
    steps = gradients(model, calibration, threshold=0.0)
    return accumulated(model, ({name: product.square() for name, product in one.items()} for one in steps))


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Remove the heads, neurons and channels with the lowest Taylor importance over all timesteps."""
    groups = groups_to_prune(model, request)
    values = squares(model, calibration)
    return remove_lowest(model, groups, {group.name: owned(group, values) for group in groups}, request)

"""Diff-Pruning.  Fang et al., 2023, arXiv:2305.10924, section 4, and the authors' code (VainF/Diff-Pruning).

The code adds up the gradients of all timesteps until the loss falls below the threshold times the largest loss so far,
and scores each weight once, by (weight x summed gradient)^2. Biases do not count. For the scale of a GroupNorm its
importance (torch_pruning/importance.py, TaylorImportance) takes |weight x gradient| instead of the square.
"""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.surgery import Group


def summed_gradients(
    model: nn.Module, calibration: Calibration, threshold: float, *, below: bool
) -> tuple[dict[str, torch.Tensor], int]:
    """Gradients of every parameter, summed over the timesteps that count, and how many count.

    Args:
        model: in the dense state.
        calibration: one batch a timestep, in rising order.
        threshold: of the largest loss so far.
        below: whether the first timestep below the threshold counts: in ddpm_prune.py, but not in ddpm_exp/prune.py.
    """
    model.zero_grad()
    largest, counted = 0.0, 0
    for batch in calibration:
        loss = batch.noise_loss(model)
        largest = max(largest, loss.item())
        stop = loss.item() < threshold * largest
        if stop and not below:
            break
        torch.autograd.backward(loss)
        counted += 1
        if stop:
            break
    found = {name: torch.zeros_like(p) if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    return found, counted


def unit_scores(
    model: nn.Module, group: Group, gradients: dict[str, torch.Tensor], *, authors_norms: bool
) -> list[float]:
    """The score of each unit of a group from summed gradients.

    Args:
        model: it has the weights.
        group: the units.
        gradients: by parameter.
        authors_norms: whether norms and biases count as in the authors' code; otherwise all count squared.
    """
    scores = [0.0] * group.units
    for part in group.parts:
        product = model.get_parameter(f"{part.layer}.weight").detach() * gradients[f"{part.layer}.weight"]
        bias = f"{part.layer}.bias"
        for unit in range(group.units):
            for line in part.index[unit].tolist():
                mine = product[line] if part.side == "out" else product[:, line]
                scores[unit] += float(mine.abs().sum() if authors_norms and mine.dim() == 0 else mine.square().sum())
                if part.side == "out" and not authors_norms and bias in gradients:
                    scores[unit] += float((model.get_parameter(bias).detach()[line] * gradients[bias][line]) ** 2)
    return scores

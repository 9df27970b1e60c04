"""Taylor importance.  Molchanov et al., 2019, arXiv:1906.10771, section 3.1, and NVlabs/Taylor_pruning.

A filter is a set of weights. Its importance is the square of the sum of weight x gradient (Eq. 8: its joint
contribution, which is what a gate behind the filter measures), or the sum of the squares (Eq. 9). Both are
summed over batches.
"""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.surgery import Group


def filter_scores(
    model: nn.Module, calibration: Calibration, groups: tuple[Group, ...]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Joint contribution (Eq. 8) and sum of squares (Eq. 9) of the weights that make each unit."""
    joint = {group.name: [0.0] * group.units for group in groups}
    squares = {group.name: [0.0] * group.units for group in groups}
    for batch in calibration:
        model.zero_grad()
        torch.autograd.backward(batch.noise_loss(model))
        for group in groups:
            products = []
            for part in group.parts:
                weight = model.get_parameter(f"{part.layer}.weight")
                if part.side == "out" and weight.dim() > 1:
                    assert weight.grad is not None
                    products.append((part.index, weight.detach() * weight.grad))
            for unit in range(group.units):
                mine = [product[line] for index, product in products for line in index[unit].tolist()]
                joint[group.name][unit] += sum(float(one.sum()) for one in mine) ** 2
                squares[group.name][unit] += sum(float(one.square().sum()) for one in mine)
    model.zero_grad()
    return joint, squares

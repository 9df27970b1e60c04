"""SR-STE.  Zhou et al., 2021, arXiv:2102.04010, Eq. (9), as in the code of SparseDM (thu-ml/SparseDM, sparse_ops_mask).

The mask is made anew in each forward pass: of every m consecutive weights, the n largest. In a linear layer they are
consecutive inputs; in a convolution, consecutive input channels at one kernel position. The dense weight gets the
gradient at the masked one, and decay times the weight where it is masked. The authors train by AdamW.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.pruning.layers import prunable

DECAY, RATE, WEIGHT_DECAY, BETAS = 2e-4, 2e-4, 0.03, (0.99, 0.999)


def mask_of(weight: torch.Tensor, n: int, m: int) -> torch.Tensor:
    """True for the n largest of every m consecutive input channels, at each kernel position."""
    if weight.dim() == 2:
        return _largest(weight, n, m)
    outputs, inputs, height, width = weight.shape
    by_channel = weight.permute(0, 2, 3, 1).reshape(-1, inputs)
    return _largest(by_channel, n, m).view(outputs, height, width, inputs).permute(0, 3, 1, 2)


def _largest(matrix: torch.Tensor, n: int, m: int) -> torch.Tensor:
    kept = torch.zeros_like(matrix, dtype=torch.bool)
    for i, row in enumerate(matrix.abs().tolist()):
        for first in range(0, len(row), m):
            for best in sorted(range(first, min(first + m, len(row))), key=lambda j: -row[j])[:n]:
                kept[i, best] = True
    return kept


def gradients(
    model: nn.Module, loss: Callable[[nn.Module], torch.Tensor], n: int, m: int, decay: float
) -> dict[str, torch.Tensor]:
    """What each parameter of the dense model is trained by."""
    masked, masks = copy.deepcopy(model), {}
    with torch.no_grad():
        for name, layer in prunable(masked).items():
            masks[f"{name}.weight"] = mask_of(layer.weight, n, m)
            layer.weight.mul_(masks[f"{name}.weight"])
    torch.autograd.backward(loss(masked))
    found = {}
    for name, value in masked.named_parameters():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        dense = model.get_parameter(name).detach()
        found[name] = gradient + (decay * dense * ~masks[name] if name in masks else 0)
    return found


def train(
    model: nn.Module,
    calibration: Calibration,
    n: int,
    m: int,
    optimizer: torch.optim.Optimizer,
) -> None:
    """One step for each batch; at the end the masks are applied."""
    for batch in calibration:
        for name, gradient in gradients(model, batch.loss, n, m, DECAY).items():
            model.get_parameter(name).grad = gradient
        optimizer.step()
    with torch.no_grad():
        for layer in prunable(model).values():
            layer.weight.mul_(mask_of(layer.weight, n, m))

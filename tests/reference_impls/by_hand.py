"""What methods are worked out again from, where a test does not trust their code."""

import math

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.obs import damped

STEPS = [0.8 + 0.4 * math.log(5 - step, 5) for step in range(5)]
"""Weights of the steps by OBS-Diff, for a calibration of five."""


def inputs_of(model: nn.Module, calibration: Calibration, path: str) -> list[torch.Tensor]:
    """What reaches one layer in each call."""
    seen: list[torch.Tensor] = []
    handle = model.get_submodule(path).register_forward_hook(lambda _, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        for batch in calibration:
            model(**batch.arguments)
    handle.remove()
    return seen


def refit(weight: torch.Tensor, mask: torch.Tensor, hessian: torch.Tensor) -> torch.Tensor:
    """The best weights under a fixed mask: least squares for each row on its kept columns."""
    h, w = damped(hessian), weight.double()
    best = torch.zeros_like(w)
    for row in range(len(w)):
        kept = mask[row].nonzero()[:, 0]
        if len(kept):
            best[row, kept] = torch.linalg.solve(h[kept][:, kept], h[kept] @ w[row])
    return best.to(weight.dtype)


def error(weight: torch.Tensor, pruned: torch.Tensor, hessian: torch.Tensor) -> float:
    """Sum over rows of (w - w')^T H (w - w')."""
    difference = (weight - pruned).double()
    return float(((difference @ hessian.double()) * difference).sum())


def descend(model: nn.Module, loss: torch.Tensor, rate: float) -> None:
    """A plain step along the gradient, in place."""
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for value, gradient in zip(model.parameters(), gradients, strict=True):
            value.sub_(rate * gradient)

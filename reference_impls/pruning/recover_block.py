"""Recover a pruned block on its own: train its remaining weights so that it gives what the dense block gave.

Maths   L = sum over calls c of a_c * sum over outputs |y_c - y_c,dense|^2 / |y_c,dense|^2, with the weight a_c that the
        method gives a call. Each step uses all calls, so that there is nothing random in it and several processes add
        up their gradients. Adam under half a cosine; the rate of a layer is ``RATE`` times the root mean square of its
        remaining weights. The weights of the step with the smallest L are kept, so that L never rises.
Masks   pruned weights stay zero; biases, norms and layers that are not pruned stay as they are.
Source  layer-wise reconstruction by gradient, as in AdaRound (Nagel et al., 2020, arXiv:2004.10568, Eq. 21) and, over
        blocks, BRECQ (Li et al., 2021, arXiv:2102.05426, section 3.2), which learn roundings; here it learns weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from reference_impls.maths.hooks import frozen
from reference_impls.maths.masks import check_finite
from reference_impls.pruning.layers import Layer
from reference_impls.pruning.observers import Runnable, Total, alone

RATE = 1e-2
"""Of the root mean square of a layer's remaining weights, a step at most."""
TINY = torch.finfo(torch.float32).tiny


class Weighted(Runnable, Protocol):
    """A call of a block that counts more or less than others."""

    @property
    def weight(self) -> float:
        """How much it counts."""


def recover_block(
    block: nn.Module,
    calls: Sequence[Weighted],
    dense: Sequence[Any],
    layers: Mapping[str, Layer],
    masks: Mapping[str, torch.Tensor],
    steps: int,
    total: Total = alone,
) -> None:
    """Train the pruned layers of a block in place.

    Args:
        block: pruned.
        calls: what it received.
        dense: what the dense block gave, one a call.
        layers: those that were pruned.
        masks: of each layer, shaped as its weight.
        steps: of training, each on all calls.
        total: adds up over several processes, each with its own calls.

    Raises:
        ValueError: the error is not finite.
    """
    kept = {layer.weight: masks[name] for name, layer in layers.items()}
    groups = [{"params": [weight], "lr": RATE * _size(weight, mask)} for weight, mask in kept.items()]
    with frozen(block), torch.enable_grad():
        for weight in kept:
            weight.requires_grad_(True)
        optimiser = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        least, best = torch.inf, [weight.detach().clone() for weight in kept]
        for step in range(steps + 1):
            loss = _set_gradients(list(kept), block, calls, dense, total)
            if loss < least:
                least, best = loss, [weight.detach().clone() for weight in kept]
            if step < steps:
                optimiser.step()
                schedule.step()
                _to_masks(kept)
        for weight, value in zip(kept, best, strict=True):
            weight.requires_grad_(False).copy_(value)
            weight.grad = None


def _size(weight: torch.Tensor, mask: torch.Tensor) -> float:
    """Root mean square of the remaining weights."""
    return float(weight.detach().norm()) / max(int(mask.count_nonzero()), 1) ** 0.5


@torch.no_grad()
def _to_masks(kept: Mapping[torch.Tensor, torch.Tensor]) -> None:
    for weight, mask in kept.items():
        weight.masked_fill_(~mask, 0)


def _set_gradients(
    trained: Sequence[torch.Tensor],
    block: nn.Module,
    calls: Sequence[Weighted],
    dense: Sequence[Any],
    total: Total,
) -> float:
    """Give each trained weight its gradient, over all calls of all processes; the loss."""
    loss = torch.zeros((), dtype=torch.float64)
    for weight in trained:
        weight.grad = torch.zeros_like(weight)
    for call, wanted in zip(calls, dense, strict=True):
        error = call.weight * relative_error(call.run(block), wanted)
        error.backward()
        loss += error.detach().cpu()
    for weight in trained:
        assert weight.grad is not None  # noqa: S101
        weight.grad = total(weight.grad)
    return float(check_finite(f"error of {type(block).__name__}", total(loss)))


def relative_error(output: Any, dense: Any) -> torch.Tensor:
    """Sum over the tensors of an output of |y - y_dense|^2 / |y_dense|^2."""
    pairs = zip(tree_leaves(output), tree_leaves(dense), strict=True)
    errors = [
        (one.float() - other.float()).square().sum() / other.float().square().sum().clamp(min=TINY)
        for one, other in pairs
        if isinstance(other, torch.Tensor) and other.is_floating_point()
    ]
    return torch.stack(errors).sum()

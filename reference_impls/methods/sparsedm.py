"""SparseDM: train an n:m sparse model from a dense one.  Wang et al., 2024, arXiv:2404.10445, section 3.

Maths   forward with W * M, M = the n largest of every m by |W|, recomputed in each step; straight-through gradients,
        and decay of the pruned weights towards zero: dL/dW := dL/d(W*M) + lambda (1 - M) * W   (SR-STE, Zhou et al.,
        2021, arXiv:2102.04010, Eq. 9).
        The optimizer is that of the authors' code, and the groups of a convolution lie along its input channels, as
        there.
Differs from the paper: it fine-tunes for 1e5 steps and more, after a warm-up of 2,500 steps, with knowledge
        distillation; here one step a batch of the calibration, at the full rate from the first step, on the task's loss
        alone (``recover`` with a teacher can follow).
Shapes  W (outputs, inputs) -> mask of the same shape, True = kept.   Cost  training.
Raises  ValueError without a pattern or where it does not fit its rows, for scope "global" or "row", if the model has no
        layer to prune, a batch has no target, or the training diverges, as Adam does on float16 weights.
Run     python -m reference_impls prune --method sparsedm --model dit --pattern 2:4 --out build/sparsedm
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from reference_impls.calls.call import Calibration
from reference_impls.maths.hooks import checkpointed
from reference_impls.maths.masks import Pattern, check_finite
from reference_impls.pruning.chosen import layers_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.drop_weights import drop_weights
from reference_impls.pruning.layers import Layer, as_matrix, in_columns, keep_pattern_of, like_weight

DECAY = 2e-4
"""lambda, from Zhou et al."""
RATE, WEIGHT_DECAY, BETAS = 2e-4, 0.03, (0.99, 0.999)
"""Of AdamW, from the authors' code."""


class StraightThrough(torch.autograd.Function):
    """W -> W * M; straight-through gradient, plus the decay of pruned weights."""

    @staticmethod
    def forward(context: Any, weight: torch.Tensor, mask: torch.Tensor, decay: float) -> torch.Tensor:
        """Mask."""
        context.save_for_backward(weight, mask)
        context.decay = decay
        return weight * mask

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """SR-STE."""
        weight, mask = context.saved_tensors
        return gradient + context.decay * (~mask) * weight, None, None


class Sparse(nn.Module):
    """A weight seen through its n:m mask."""

    def __init__(self, pattern: Pattern, decay: float) -> None:
        """Remember both."""
        super().__init__()
        self.pattern, self.decay = pattern, decay

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Mask by the weight as it is now."""
        mask = keep_pattern_of(weight, in_columns(weight.detach()).abs(), self.pattern)
        return StraightThrough.apply(weight, like_weight(mask, weight), self.decay)


def prune(
    model: nn.Module, calibration: Calibration, request: Request, *, decay: float = DECAY, rate: float = RATE
) -> Outcome:
    """Train under masks that are recomputed in each step, one step a batch, then zero the masked weights."""
    if request.pattern is None:
        raise ValueError("sparsedm makes n:m patterns only; give a pattern, such as 2:4")
    layers = layers_to_prune(model, request)
    for layer in layers.values():  # refuses rows that are too short, before anything changes
        keep_pattern_of(layer.weight, as_matrix(layer), request.pattern)
    with sparse(layers, request.pattern, decay):
        train(model, calibration, rate)
    return drop_weights(layers, {name: as_matrix(layer).abs() for name, layer in layers.items()}, request)


@contextmanager
def sparse(layers: Mapping[str, Layer], pattern: Pattern, decay: float) -> Iterator[None]:
    """Inside, each layer computes with its masked weight and trains the dense one."""
    for layer in layers.values():
        parametrize.register_parametrization(layer, "weight", Sparse(pattern, decay))
    try:
        yield
    finally:
        for layer in layers.values():
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)  # the whole weight stays


def train(model: nn.Module, calibration: Calibration, rate: float) -> None:
    """One step of AdamW for each batch, at a constant rate.

    Raises:
        ValueError: a batch has no target, or the loss is not finite.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, betas=BETAS)
    for batch in calibration:
        optimiser.zero_grad()
        with checkpointed(model):
            check_finite("training loss", batch.loss(model)).backward()
        optimiser.step()

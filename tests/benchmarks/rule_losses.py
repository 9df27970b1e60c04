"""What the measurements beside the papers' rules have in common: a dense model, its calibration, and the loss."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.study.measure import shipped
from reference_impls.study.table import FULL
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import Denoiser

MODELS = ("dit",)
"""What most rules are compared on; the U-Net, where a rule concerns convolutions or norms."""
IMAGES = 150
"""Held-out images of the loss: the first ones, the same for both rules."""


def dense_and_calibration(name: str, method: str, seed: int) -> tuple[Denoiser, Calibration]:
    """The dense model, the caller's own, and the calibration of the published table."""
    dense, training, _ = shipped(name)
    return dense, calibration_for(method, dense, training, seed=seed, steps=FULL.budgets[name].training_steps)


def by_ours(
    dense: nn.Module, calibration: Calibration, method: str, sparsity: float | None, pattern: str | None = None
) -> nn.Module:
    """A pruned copy."""
    model = copy.deepcopy(dense)
    prune(model, calibration, sparsity, method=method, pattern=None if pattern is None else Pattern.parse(pattern))
    return model


def loss(name: str, model: nn.Module) -> float:
    """Denoising loss on the first held-out images."""
    held_out = shipped(name)[2].first(IMAGES)
    return round(held_out_loss(model.eval(), held_out), 5)


def alike(one: Iterable[object], other: Iterable[object]) -> float:
    """Fraction of the first choices that are among the second ones."""
    first, second = set(one), set(other)
    return round(len(first & second) / max(len(first), 1), 5)

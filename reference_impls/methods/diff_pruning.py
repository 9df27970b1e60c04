"""Diff-Pruning: Taylor scores from the informative timesteps only.  Fang et al., 2023, arXiv:2305.10924, section 4.

Maths   S_u = sum over the weights of u of (w * sum over t with L_t >= T * max L of dL_t/dw)^2,
        L_t the noise-prediction loss; t rises from 0 until L_t < T times its maximum (coupled weights are scored as
        one group). As in the authors' code, the scale of a norm counts by |w * dL/dw|, not squared, biases do not
        count, and the largest loss is the running maximum, so that the passes after the last informative step are
        saved.
Differs from the paper: heads, neurons and inner channels are removed, the residual stream keeps its width (pruning it
        needs a dependency graph). Each timestep of the calibration has images and noise of its own. Of a recorded
        pipeline, images are its own samples (see ``calls/targets``), and a step of its sampler is a timestep.
Shapes  one batch a timestep, in rising order -> a score a unit.   Cost  a backward pass an informative timestep.
Raises  ValueError if the sparsity is not in [0, 1], a pattern or a scope other than "layer" is requested, the units of
        the model are not known, the calibration has no targets, its timesteps do not rise, or a gradient is not finite.
Run     python -m reference_impls prune --method diff-pruning --model dit --sparsity 0.5 --out build/diff-pruning
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.hooks import checkpointed
from reference_impls.pruning.chosen import groups_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.remove_units import owned, remove_lowest

THRESHOLD = 0.05
"""T of the paper's CIFAR-10 runs."""


def gradients(model: nn.Module, calibration: Calibration, threshold: float) -> Iterator[dict[str, torch.Tensor]]:
    """W * dL_t/dw of every parameter, for each informative timestep, shaped as the parameters; at least float32.

    Raises:
        ValueError: the calibration has no targets, or its times fall.
    """
    timesteps = by_rising_time(calibration)
    scales = [call.noise_scale for same in timesteps for call in same if call.noise_scale is not None]
    if any(bool(later.max() > before.min()) for before, later in pairwise(scales)):  # the scale falls as time rises
        raise ValueError("the times of the calibration fall; make it with from_images(..., by_time=True)")
    largest = 0.0
    for same in timesteps:
        model.zero_grad(set_to_none=True)
        with checkpointed(model):
            loss = torch.stack([call.noise_loss(model) for call in same]).mean()
            largest = max(largest, loss.item())
            if loss.item() < threshold * largest:
                break
            loss.backward()
        yield {
            name: value.grad.to(torch.promote_types(value.dtype, torch.float32)).mul_(value.detach())  # in its memory
            for name, value in model.named_parameters()
            if value.grad is not None
        }
    model.zero_grad(set_to_none=True)


def by_rising_time(calibration: Calibration) -> list[list[Call]]:
    """The forward passes of each timestep: of recorded ones, of each step of the sampler, from its last one on."""
    numbered = sorted(enumerate(calibration), key=lambda one: -one[1].step)  # stable
    alike = groupby(numbered, key=lambda one: (one[1].step, one[0] if one[1].steps == 1 else None))
    return [[call for _, call in same] for _, same in alike]


def summed(model: nn.Module, calibration: Calibration, threshold: float) -> dict[str, torch.Tensor]:
    """W * dL/dw of every parameter, summed over the informative timesteps; zero where no loss depends on it.

    Raises:
        ValueError: the calibration has no targets, or its times fall.
    """
    return accumulated(model, gradients(model, calibration, threshold))


def accumulated(model: nn.Module, steps: Iterable[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Values of every parameter, summed over steps; at least float32, since small squares vanish in half precision."""
    total = {
        name: torch.zeros_like(value, dtype=torch.promote_types(value.dtype, torch.float32))
        for name, value in model.named_parameters()
    }
    for step in steps:
        for name, value in step.items():
            total[name] += value
    return total


def importance(products: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Importance of every weight: (w * dL/dw)^2, of the scale of a norm |w * dL/dw|; biases have none."""
    return {
        name: product.square() if product.dim() > 1 else product.abs()
        for name, product in products.items()
        if not name.endswith("bias")
    }


def prune(model: nn.Module, calibration: Calibration, request: Request, *, threshold: float = THRESHOLD) -> Outcome:
    """Remove the heads, neurons and channels with the lowest Taylor importance over the informative timesteps."""
    groups = groups_to_prune(model, request)
    values = importance(summed(model, calibration, threshold))
    return remove_lowest(model, groups, {group.name: owned(group, values) for group in groups}, request)

"""Calibration data for the models of the testbed: noised images, or the inputs along sampling trajectories."""

from __future__ import annotations

import torch

from reference_impls.calls.call import Calibration, Call
from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, scales, stratified_times, trajectory
from reference_impls.testbed.models import Denoiser


def image_call(
    x: torch.Tensor,
    t: torch.Tensor,
    label: torch.Tensor,
    *,
    target: torch.Tensor | None = None,
    step: int = 0,
    steps: int = 1,
) -> Call:
    """Inputs of a forward pass: x (n, 1, side, side), t (n,) in [0, 1], label (n,), target v shaped as x."""
    return Call({"x": x, "t": t, "label": label}, step, steps, target, scales(t)[0])


def from_images(
    images: Images, *, batches: int = 8, size: int = 32, by_time: bool = False, seed: int = 0
) -> Calibration:
    """Images with added noise at timesteps spread over [0, 1]; the targets are known.

    Args:
        images: to choose from.
        batches: how many.
        size: images of a batch.
        by_time: one time a batch, rising, instead of all times in each.
        seed: fixes images, times and noise.

    Raises:
        ValueError: there are no images, or no batch is asked for.
    """
    if not len(images) or batches < 1 or size < 1:
        raise ValueError(f"no calibration from {len(images)} images in {batches} batches of {size}")
    generator = torch.Generator().manual_seed(seed)
    calls = []
    for index in range(batches):
        chosen = torch.randint(len(images), (size,), generator=generator)
        t = torch.full((size,), (index + 0.5) / batches) if by_time else stratified_times(size, generator)
        x, v = noised(images.pixels[chosen], torch.randn(images.pixels[chosen].shape, generator=generator), t)
        calls.append(image_call(x, t, images.labels[chosen], target=v))
    return Calibration(tuple(calls))


@torch.no_grad()
def from_trajectory(model: Denoiser, *, n: int = 20, steps: int = 10, classes: int = 10, seed: int = 0) -> Calibration:
    """Inputs of the model along DDIM trajectories, one batch a step.

    Raises:
        ValueError: ``n`` or ``steps`` is not positive.
    """
    if n < 1:
        raise ValueError(f"no calibration from {n} samples")
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, 1, model.side, model.side, generator=generator)
    label = torch.arange(n) % classes
    inputs = list(trajectory(model, noise, label, steps))[:-1]
    calls = (image_call(x, t, label, step=step, steps=steps) for step, (x, t, _) in enumerate(inputs))
    return Calibration(tuple(calls))

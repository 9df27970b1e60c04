"""Recover a pruned model by fine-tuning, or by distillation from the dense model.

Maths   task: |v - v*|^2; with a teacher also |v - v_teacher|^2 (Hinton et al., 2015); with features also the sum over
        places i of w_i |f_i - f_i,teacher|^2 with w_i = 1 (BK-SDM, arXiv:2305.15798, Eq. 4) or
        w_i = 1 / E f_i,teacher^2 (normalised, LAPTOP-Diff, arXiv:2404.11098, section 3.3). |.|^2 is the mean over all
        numbers of an output; the three terms are summed with weight 1, as in BK-SDM's code.
Places  U-Net: the end of each resolution of the down and the up path, as in BK-SDM's code. Transformer, which is in
        neither paper: each block that both models have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from reference_impls.maths.hooks import Hook, hooked
from reference_impls.methods.registry import Features
from reference_impls.pruning.layers import prunable
from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, stratified_times
from reference_impls.units.lookup import feature_places

RATE, BATCH = 5e-4, 64


def recover(
    model: nn.Module,
    images: Images,
    *,
    steps: int,
    teacher: nn.Module | None = None,
    features: Features = "none",
    rate: float = RATE,
    batch: int = BATCH,
    seed: int = 0,
    show: Callable[[int], None] | None = None,
) -> float:
    """Train in place by AdamW under half a cosine; weights that are zero stay zero.

    Args:
        model: a pruned model of the testbed.
        images: what it is trained on.
        steps: training steps.
        teacher: the dense model; None for fine-tuning alone.
        features: feature distillation, plain or normalised; needs a teacher.
        rate: the largest learning rate.
        batch: images of a step.
        seed: fixes images, times and noise.
        show: called after each step with the number of done steps.

    Returns:
        The mean loss of the last tenth of the steps.

    Raises:
        ValueError: ``steps`` is negative, or features are wanted without a teacher.
    """
    if steps < 0:
        raise ValueError(f"steps {steps} is negative")
    if features != "none" and teacher is None:
        raise ValueError(f"features {features!r} need a teacher")
    if not steps:
        return float("nan")
    generator = torch.Generator().manual_seed(seed)
    masks = {layer: layer.weight.detach() != 0 for layer in prunable(model).values()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    shared = shared_places(model, teacher) if teacher is not None and features != "none" else []
    last: list[float] = []
    for step in range(steps):
        chosen = torch.randint(len(images), (batch,), generator=generator)
        x0, label = images.pixels[chosen], images.labels[chosen]
        t = stratified_times(batch, generator)
        x, v = noised(x0, torch.randn(x0.shape, generator=generator), t)
        with streams(model, shared) as mine:
            output = model(x, t, label)
        loss = (output - v).square().mean()
        if teacher is not None:
            with torch.no_grad(), streams(teacher, shared) as wanted:
                target = teacher(x, t, label)
            loss = loss + (output - target).square().mean() + feature_loss(mine, wanted, features)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for layer, mask in masks.items():
                layer.weight.mul_(mask)
        if step >= steps - max(1, steps // 10):
            last.append(loss.item())
        if show is not None:
            show(step + 1)
    return sum(last) / len(last)


def shared_places(model: nn.Module, teacher: nn.Module) -> list[str]:
    """Names of the modules whose outputs are compared, in both models."""
    mine = set(feature_places(model))
    return [name for name in feature_places(teacher) if name in mine]


@contextmanager
def streams(model: nn.Module, places: list[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Fills a mapping with the output of each of these modules in the forward pass inside."""
    seen: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Hook:
        return lambda _module, _inputs, output: seen.__setitem__(name, output)

    with hooked((model.get_submodule(name), hook(name)) for name in places):
        yield seen


def feature_loss(
    mine: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], features: Features
) -> torch.Tensor:
    """Sum over the places of the (normalised) mean squared error of their outputs; zero where there is none."""
    total = torch.zeros(())
    for name, stream in wanted.items():
        error = (mine[name] - stream).square().mean()
        total = total + (error / stream.square().mean() if features == "normalised" else error)
    return total

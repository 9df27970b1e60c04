"""Recover a pruned model by fine-tuning, or by distillation from the dense model.

Maths   task: |v - v*|^2; with a teacher also |v - v_teacher|^2 (Hinton et al., 2015); with features also, for each
        block i that both models have, w_i |f_i - f_i,teacher|^2 with w_i = 1 (BK-SDM, arXiv:2305.15798, Eq. 4) or
        w_i = 1 / E f_i,teacher^2 (normalised, LAPTOP-Diff, arXiv:2404.11098, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from reference_impls.maths.hooks import Hook, hooked
from reference_impls.maths.surgery import Skip
from reference_impls.methods.registry import Features
from reference_impls.pruning.layers import prunable
from reference_impls.pruning.units import blocks_of
from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, stratified_times

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
        features: feature distillation over the blocks that both models have; needs a teacher.
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
    shared = shared_blocks(model, teacher) if teacher is not None and features != "none" else []
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


def shared_blocks(model: nn.Module, teacher: nn.Module) -> list[str]:
    """Names of the teacher's blocks that remain in the model."""
    names = [block.name for block in blocks_of(teacher)]
    return [name for name in names if not isinstance(model.get_submodule(name), Skip)]


@contextmanager
def streams(model: nn.Module, blocks: list[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Fills a mapping with what each of these blocks puts out during the call inside."""
    seen: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Hook:
        return lambda _module, _inputs, output: seen.__setitem__(name, output)

    with hooked((model.get_submodule(name), hook(name)) for name in blocks):
        yield seen


def feature_loss(
    mine: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], features: Features
) -> torch.Tensor:
    """Mean over the blocks of the (normalised) squared error of their outputs; zero where there is none."""
    total = torch.zeros(())
    for name, stream in wanted.items():
        error = (mine[name] - stream).square().mean()
        total = total + (error / stream.square().mean() if features == "normalised" else error)
    return total / max(1, len(wanted))

"""Recover a pruned model by fine-tuning, or by distillation from the dense model.

Maths   task: |v - v*|^2; with a teacher also |v - v_teacher|^2 (Hinton et al., 2015); with features also the sum over
        places i of w_i |f_i - f_i,teacher|^2 with w_i = 1 (BK-SDM, arXiv:2305.15798, Eq. 4) or
        w_i = 1 / E f_i,teacher^2 (normalised, LAPTOP-Diff, arXiv:2404.11098, section 3.3). |.|^2 is the mean over all
        numbers of an output; the terms are summed with weight 1, as in BK-SDM's code.
Data    the testbed has images, so that the task is known. Of a pipeline of diffusers, forward passes of the dense
        denoiser are recorded along its own samples: without a data set there is no task, the teacher and its features
        remain.
Places  U-Net: the end of each resolution of the down and the up path, as in BK-SDM's code, and in diffusers that of the
        middle, too. Transformer, which is in neither paper: each block that both models have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.hooks import Hook, checkpointed, hooked
from reference_impls.maths.masks import check_finite
from reference_impls.methods.registry import Features
from reference_impls.pruning.layers import prunable
from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, stratified_times
from reference_impls.units.lookup import feature_places

RATE, BATCH = 5e-4, 64
RATE_OF_PIPELINES = 1e-4


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
    """Train a model of the testbed in place; weights that are zero stay zero.

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
    if features != "none" and teacher is None:
        raise ValueError(f"features {features!r} need a teacher")
    generator = torch.Generator().manual_seed(seed)
    shared = shared_places(model, teacher) if teacher is not None and features != "none" else []

    def loss() -> torch.Tensor:
        chosen = torch.randint(len(images), (batch,), generator=generator)
        x0, label = images.pixels[chosen], images.labels[chosen]
        t = stratified_times(batch, generator)
        x, v = noised(x0, torch.randn(x0.shape, generator=generator), t)
        with streams(model, shared) as mine:
            output = model(x, t, label)
        total = (output - v).square().mean()
        if teacher is not None:
            with torch.no_grad(), streams(teacher, shared) as wanted:
                target = teacher(x, t, label)
            total = total + (output - target).square().mean() + feature_loss(mine, wanted, features)
        return total

    return train(model, loss, steps, rate, show)


def distil(
    model: nn.Module,
    calls: Calibration,
    *,
    steps: int,
    teacher: nn.Module | None = None,
    features: Features = "none",
    dropped: Collection[str] = (),
    rate: float = RATE_OF_PIPELINES,
    seed: int = 0,
    show: Callable[[int], None] | None = None,
) -> float:
    """Train a denoiser in place to predict what the dense one does; weights that are zero stay zero.

    Args:
        model: pruned, of any class.
        calls: forward passes of the dense model, with its outputs as targets; one a step.
        steps: training steps; all forward passes are seen equally often, in random order.
        teacher: the dense model, for its features.
        features: feature distillation, plain or normalised; needs a teacher.
        dropped: blocks of the teacher that the model lacks.
        rate: the largest learning rate.
        seed: fixes the order.
        show: called after each step with the number of done steps.

    Returns:
        The mean loss of the last tenth of the steps.

    Raises:
        ValueError: ``steps`` is negative, features are wanted without a teacher or are not those of the same places,
            a target is missing, or the loss is not finite.
    """
    if features != "none" and teacher is None:
        raise ValueError(f"features {features!r} need a teacher")
    mine: Sequence[str] = ()
    theirs: Sequence[str] = ()
    if teacher is not None and features != "none":
        mine, theirs = feature_places(model), [name for name in feature_places(teacher) if name not in dropped]
        if len(mine) != len(theirs):
            raise ValueError(
                f"the pruned model has {len(mine)} blocks to compare, and the dense one {len(theirs)} that were not "
                "removed; give the model that it was pruned from, or leave --features out"
            )
    generator = torch.Generator().manual_seed(seed)
    order: list[int] = []

    def loss() -> torch.Tensor:
        if not order:
            order.extend(torch.randperm(len(calls.calls), generator=generator).tolist())
        call = calls.calls[order.pop()]
        with streams(model, mine) as made:
            total = call.loss(model)
        if teacher is not None and theirs:
            with torch.no_grad(), streams(teacher, theirs) as wanted:
                call.run(teacher)
            total = total + feature_loss(made, wanted, features)
        return total

    return train(model, loss, steps, rate, show)


def train(
    model: nn.Module,
    loss: Callable[[], torch.Tensor],
    steps: int,
    rate: float,
    show: Callable[[int], None] | None,
) -> float:
    """Train by AdamW under half a cosine; weights that are zero stay zero.

    Args:
        model: trained in place.
        loss: of the next step.
        steps: how many; none change nothing.
        rate: the largest learning rate.
        show: called after each step with the number of done steps.

    Returns:
        The mean loss of the last tenth of the steps.

    Raises:
        ValueError: ``steps`` is negative, or the loss is not finite.
    """
    if steps < 0:
        raise ValueError(f"steps {steps} is negative")
    if not steps:
        return float("nan")
    masks = {layer: layer.weight.detach() != 0 for layer in prunable(model).values()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    last: list[float] = []
    for step in range(steps):
        optimiser.zero_grad()
        with checkpointed(model):
            value = check_finite("training loss", loss())
            value.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for layer, mask in masks.items():
                layer.weight.masked_fill_(~mask, 0)
        if step >= steps - max(1, steps // 10):
            last.append(value.item())
        if show is not None:
            show(step + 1)
    return sum(last) / len(last)


def shared_places(model: nn.Module, teacher: nn.Module) -> list[str]:
    """Names of the modules whose outputs are compared, in both models."""
    mine = set(feature_places(model))
    return [name for name in feature_places(teacher) if name in mine]


@contextmanager
def streams(model: nn.Module, places: Sequence[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Fills a mapping with the outputs of these modules in the forward pass inside, by the number of the place.

    Of a block that returns several tensors, such as the streams of image and text, each counts.
    """
    seen: dict[str, torch.Tensor] = {}

    def hook(place: int) -> Hook:
        def see(_module: nn.Module, _inputs: object, output: object) -> None:
            outputs = output if isinstance(output, tuple) else (output,)
            seen.update(
                {f"{place}.{number}": one for number, one in enumerate(outputs) if isinstance(one, torch.Tensor)}
            )

        return see

    with hooked((model.get_submodule(name), hook(place)) for place, name in enumerate(places)):
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

"""Pruning combined with samplers, int8, recovery by distillation, and layer-wise sparsity search, measured.

Every row is measured on samples: distance is the mean squared error to the dense model's samples from the same noise
in ``REFERENCE_STEPS`` DDIM steps, and the cost of an image is the MACs of all its forward passes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from reference_impls.files.packed import safetensors_bytes
from reference_impls.methods.prune import calibration_for, cost, prune
from reference_impls.methods.registry import Features
from reference_impls.number_format import percent
from reference_impls.study import int8, ratio_search
from reference_impls.study.measure import Budget, shipped
from reference_impls.study.records import CombinationRow
from reference_impls.study.recover import recover
from reference_impls.testbed import classifier, metrics
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.diffusion import Model, ddim, dpm_solver
from reference_impls.testbed.models import DATA_OF

REFERENCE_STEPS = 60
Sampler = Callable[[Model, torch.Tensor, torch.Tensor], torch.Tensor]
SAMPLERS: dict[str, tuple[int, Sampler]] = {
    "DDIM, 10 steps": (10, partial(ddim, steps=10)),
    "DDIM, 5 steps": (5, partial(ddim, steps=5)),
    "DPM-Solver++, 10 steps": (10, partial(dpm_solver, steps=10)),
    "DPM-Solver++, 5 steps": (5, partial(dpm_solver, steps=5)),
}
FIRST = "DDIM, 10 steps"


def combinations(
    name: str, budget: Budget, seed: int, methods: Collection[str] | None = None
) -> Iterator[CombinationRow]:
    """All rows of one model and seed, or those of some methods."""
    dense, images, _ = shipped(name)

    def pruned(method: str, sparsity: float, **options: Any) -> nn.Module:
        model = copy.deepcopy(dense)
        prune(model, calibration_for(method, dense, images, seed=seed), sparsity, method=method, seed=seed, **options)
        return model

    def wanted(method: str) -> bool:
        return methods is None or method in methods

    row = partial(_row, name, budget, seed)
    for pruning in ("dense", "obs-diff, 50%", "obs-diff-units, 50%"):
        method, _, _ = pruning.partition(",")
        if wanted(method):
            model = dense if method == "dense" else pruned(method, 0.5)
            for sampler in SAMPLERS:
                yield row("samplers", pruning, sampler, model, sampler)
            rounded = copy.deepcopy(model)
            int8.quantize(rounded)
            yield row("quantization", pruning, "nothing", model, FIRST)
            yield row("quantization", pruning, "int8", rounded, FIRST)
    if wanted("shortgpt"):
        thin = pruned("shortgpt", 0.5)
        yield row("distillation", "shortgpt, 50%", "nothing", thin, FIRST)
        ways: tuple[tuple[str, nn.Module | None, Features], ...] = (
            ("fine-tuning", None, "none"),
            ("output distillation", dense, "none"),
            ("output and feature distillation", dense, "normalised"),
        )
        for how, teacher, features in ways:
            student = copy.deepcopy(thin)
            steps, batch = budget.recovery_steps, budget.recovery_batch
            recover(student, images, steps=steps, teacher=teacher, features=features, batch=batch, seed=seed)
            yield row("distillation", "shortgpt, 50%", how, student.eval(), FIRST)
    if wanted("magnitude"):
        yield row("search", "magnitude, 70%", "uniform sparsity", pruned("magnitude", 0.7), FIRST)
        shares = ratio_search.search(dense, from_images(images, batches=2, size=32, seed=seed), 0.7, seed=seed)
        searched = pruned("magnitude", 0.7, shares=shares)
        yield row("search", "magnitude, 70%", "layer-wise sparsity search", searched, FIRST)
    for method in filter(wanted, ("magnitude", "wanda")):
        for sparsity in (0.5, 0.7):
            for scope, words in (("layer", "comparison per layer"), ("row", "comparison per output row")):
                model = pruned(method, sparsity, scope=scope)
                yield row("scope", f"{method}, {percent(sparsity)}", words, model, FIRST)


@cache
def reference(name: str, n: int, seed: int) -> torch.Tensor:
    """The dense model's samples from the noise of this seed, in many steps."""
    dense = shipped(name)[0]
    return ddim(dense, *metrics.start(dense.side, n, seed=seed), REFERENCE_STEPS)


@torch.no_grad()
def _row(
    name: str,
    budget: Budget,
    seed: int,
    claim: str,
    pruning: str,
    combined_with: str,
    model: nn.Module,
    sampler: str,
) -> CombinationRow:
    """Measure."""
    dense, images, held_out = shipped(name)
    noise, label = metrics.start(dense.side, budget.samples, seed=seed)
    calls, sample = SAMPLERS[sampler]
    samples, judge = sample(model, noise, label), classifier.pretrained(DATA_OF[name])
    target = reference(name, budget.samples, seed)
    macs, _ = cost(model, from_images(images, batches=1, size=1)).counted()
    return CombinationRow(
        model=name,
        claim=claim,
        pruning=pruning,
        combined_with=combined_with,
        seed=seed,
        held_out_loss=round(metrics.held_out_loss(model, held_out.first(budget.held_out)), 5),
        distance=round(float((samples - target).square().mean()), 5),
        class_accuracy=round(float((judge(samples).argmax(1) == label).float().mean()), 4),
        frechet_distance=round(metrics.frechet_distance(judge.features(samples), judge.features(held_out.pixels)), 3),
        macs_per_picture=macs * calls,
        bytes=len(safetensors_bytes(model, zeros=False)),
    )

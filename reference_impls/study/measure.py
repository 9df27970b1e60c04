"""One row of the table: prune a model of the testbed, measure it, recover it, measure it again."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from reference_impls.files.packed import safetensors_bytes
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.contract import Report
from reference_impls.study.records import NoiseRow, TableRow
from reference_impls.study.recover import recover
from reference_impls.testbed import metrics
from reference_impls.testbed.data import Images, load
from reference_impls.testbed.models import DATA_OF, Denoiser, pretrained


@dataclass(frozen=True)
class Budget:
    """Images, samples and steps of a row."""

    held_out: int
    """Images of the denoising loss."""
    samples: int
    """Samples of the MSE to dense samples, class accuracy and Fréchet distance."""
    training_steps: int
    """Of methods that train masks or gates."""
    recovery_steps: int
    recovery_batch: int = 64


@dataclass(frozen=True)
class Job:
    """Model, method and sparsity of one measurement."""

    model: str
    method: str
    sparsity: float
    pattern: str | None
    seed: int
    keep_shortcuts: bool = False


@cache
def _shipped(name: str) -> tuple[Denoiser, Images, Images]:
    """Read once in each process; its model is not given to other modules."""
    return (pretrained(name), *load(DATA_OF[name]))


def shipped(name: str) -> tuple[Denoiser, Images, Images]:
    """A dense model, the caller's own to change, its training and its held-out images."""
    model, images, held_out = _shipped(name)
    return copy.deepcopy(model), images, held_out


@cache
def dense_samples(name: str, n: int, seed: int) -> torch.Tensor:
    """The dense model's samples from the same noise."""
    model = _shipped(name)[0]
    return metrics.samples(model, model.side, n, seed=seed)


def dense_row(name: str, budget: Budget, seed: int) -> TableRow:
    """The dense model, measured in the same way."""
    model, images, _ = shipped(name)
    report = prune(copy.deepcopy(model), calibration_for("magnitude", model, images), 0.0, method="magnitude")
    return _row(Job(name, "", 0.0, None, seed), report, model, budget, 0, 0.0)


def measure_job(job: Job, budget: Budget) -> list[TableRow]:
    """One-shot, and recovered where the budget has steps for it.

    Raises:
        ValueError: the method refuses the job.
    """
    dense, images, _ = shipped(job.model)
    model = copy.deepcopy(dense)
    torch.manual_seed(job.seed)
    calibration = calibration_for(job.method, dense, images, seed=job.seed, steps=budget.training_steps)
    pattern = None if job.pattern is None else Pattern.parse(job.pattern)
    share = job.sparsity if pattern is None else None
    report = prune(
        model,
        calibration,
        share,
        method=job.method,
        pattern=pattern,
        seed=job.seed,
        keep_shortcuts=job.keep_shortcuts,
    )
    rows = [_row(job, report, model, budget, 0, 0.0)]
    if budget.recovery_steps:
        started = time.perf_counter()
        recover(
            model,
            images,
            steps=budget.recovery_steps,
            teacher=dense,
            features=METHODS[job.method].features,
            batch=budget.recovery_batch,
            seed=job.seed,
        )
        seconds = time.perf_counter() - started
        rows.append(_row(job, report, model, budget, budget.recovery_steps, seconds))
    return rows


def _row(job: Job, report: Report, model: nn.Module, budget: Budget, steps: int, seconds: float) -> TableRow:
    held_out = _shipped(job.model)[2].first(budget.held_out)
    dense = dense_samples(job.model, budget.samples, job.seed)
    quality = metrics.measure(
        model.eval(), DATA_OF[job.model], n=budget.samples, seed=job.seed, dense=dense, held_out=held_out
    )
    shares = report.achieved.values()
    macs, macs_nonzero = report.after.counted()
    return TableRow(
        model=job.model,
        method=job.method or None,
        kind=METHODS[job.method].kind if job.method else None,
        sparsity=job.sparsity,
        achieved=round(sum(shares) / len(shares), 4),
        pattern=job.pattern,
        seed=job.seed,
        recovery_steps=steps,
        held_out_loss=round(quality.held_out_loss, 5),
        drift=round(quality.drift, 5) if job.method and quality.drift is not None else None,
        class_accuracy=round(quality.class_accuracy, 4),
        frechet_distance=round(quality.frechet_distance, 3),
        parameters=report.after.parameters,
        nonzero=report.after.nonzero,
        macs=macs,
        macs_nonzero=macs_nonzero,
        bytes=len(safetensors_bytes(model, zeros=True)),
        bytes_packed=len(safetensors_bytes(model, zeros=False)),
        prune_seconds=report.seconds,
        recover_seconds=round(seconds, 2),
        keep_shortcuts=job.keep_shortcuts,
    )


NOISY_METHOD, NOISY_SHARE = "magnitude", 0.5
"""A deterministic method, so that two measurements differ only in the noise of the metrics."""


def noise(model: str, budget: Budget, seeds: int) -> Iterator[NoiseRow]:
    """The dense model and a pruned one, each measured with one budget and many seeds."""
    dense, images, held_out = shipped(model)
    pruned = copy.deepcopy(dense)
    prune(pruned, calibration_for(NOISY_METHOD, dense, images), NOISY_SHARE, method=NOISY_METHOD)
    for method, measured in ((None, dense), (NOISY_METHOD, pruned)):
        for seed in range(seeds):
            quality = metrics.measure(
                measured,
                DATA_OF[model],
                n=budget.samples,
                seed=seed,
                dense=dense_samples(model, budget.samples, seed) if method else None,
                held_out=held_out.first(budget.held_out),
                held_out_seed=seed,
            )
            yield NoiseRow(
                model,
                method,
                seed,
                round(quality.held_out_loss, 5),
                None if quality.drift is None else round(quality.drift, 5),
                round(quality.class_accuracy, 5),
                round(quality.frechet_distance, 5),
            )

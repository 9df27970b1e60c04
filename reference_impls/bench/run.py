"""The whole benchmark: layers, models, time of the first call; and the file with its results.

Protocol: every implementation computes the same product of the same numbers, in one process that is limited to as many
cores as threads; each result is checked against float64 to 1e-5 before anything is timed; implementations are timed
alternately, so that a busy moment affects all of them; the minimum of at least 20 runs is reported, on one thread of
the processor's time. Speed-up is over the fastest dense library.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from reference_impls.bench.first_call import first_call
from reference_impls.bench.goals import goals
from reference_impls.bench.implementations import implementations
from reference_impls.bench.layers import Case
from reference_impls.bench.records import Goal, KernelRow, WholeModel
from reference_impls.bench.timing import cores, fma_peak, interleaved, two_threads_over_one
from reference_impls.bench.whole_models import MODELS, end_to_end
from reference_impls.files.machine import cpu_name
from reference_impls.kernels import build
from reference_impls.number_format import percent

PACKAGES = ("torch", "numpy", "scipy", "sparse-dot-mkl", "mkl", "jax", "diffusers")


@dataclass(frozen=True)
class Measured:
    """What a run measured."""

    threads: int
    peak: float
    """Floating-point operations per second that the cores can do."""
    rows: list[KernelRow]
    ends: list[WholeModel]
    goals: list[Goal]


def run(
    cases: Sequence[Case], threads: int, *, models: bool, show: Callable[[int, int, str], None], least: int = 20
) -> Measured:
    """Measure.

    Args:
        cases: layers and sparsities.
        threads: of every library, and cores of the process.
        models: also time whole models, two threads and the first call.
        show: takes the number of done steps, of all steps, and the next one.
        least: runs of each implementation, at least.

    Raises:
        RuntimeError: a result is wrong.
    """
    steps = len(cases) + (MODELS + 2) * models
    rows: list[KernelRow] = []
    ends: list[WholeModel] = []
    with cores(threads):
        peak = fma_peak(threads)
        for number, case in enumerate(cases):
            show(number, steps, f"{case.layer.name}, {percent(case.sparsity)}")
            rows += measure(case, threads, peak, least)
        show(len(cases), steps, "whole models")
        for end in end_to_end(least) if models else ():
            ends.append(end)
            show(len(cases) + len({done.name for done in ends}), steps, end.name)
    both = two_threads_over_one(least) if models else None
    first = first_call() if models else None
    show(steps, steps, "done")
    return Measured(threads, peak, rows, ends, goals(rows, ends, both, first))


@torch.no_grad()
def measure(case: Case, threads: int, peak: float, least: int) -> list[KernelRow]:
    """All implementations of one layer at one sparsity, timed alternately.

    Raises:
        RuntimeError: a result is wrong.
    """
    found = implementations(case, threads)
    seconds = interleaved({f"{one.pattern} {one.library}": one.call for one in found}, least=least)
    took = [seconds[f"{one.pattern} {one.library}"] for one in found]
    dense = min(time for one, time in zip(found, took, strict=True) if one.kind == "dense")
    return [
        KernelRow(
            case.layer.name,
            one.pattern,
            case.sparsity,
            one.library,
            one.kind,
            round(time, 8),
            round(dense / time, 3),
            round(case.layer.operations * (1 if one.kind == "dense" else 1 - case.sparsity) / time / peak, 3),
        )
        for one, time in zip(found, took, strict=True)
    ]


def record(measured: Measured, command: str) -> dict[str, object]:
    """The results as one JSON document, which is committed."""
    about = made_with(command, measured.threads)
    about["machine"]["peak_gflops"] = round(measured.peak / 1e9, 1)
    return {
        **about,
        "goals": [{**asdict(goal), "verdict": goal.verdict} for goal in measured.goals],
        "end_to_end": [{**asdict(end), "speed_up": round(end.speed_up, 3)} for end in measured.ends],
        "rows": [asdict(row) for row in measured.rows],
    }


def made_with(command: str, threads: int) -> dict[str, Any]:
    """The command, the machine and the versions of a measurement."""
    return {
        "command": command,
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": threads},
        "versions": {
            "python": platform.python_version(),
            "compiler": build.compiler_version(),
            **{name: _version(name) for name in PACKAGES},
        },
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""One rival on one layer, and the race that gives the row its numbers."""

from __future__ import annotations

import torch

from reference_impls.bench.layers import Case
from reference_impls.bench.race import race
from reference_impls.bench.records import KernelRow
from reference_impls.bench.rivals import rivals


@torch.no_grad()
def measure(case: Case, threads: int, peak: float, least: int) -> list[KernelRow]:
    """All rivals on one layer at one sparsity, in one race.

    Raises:
        RuntimeError: a result is wrong.
    """
    racing = rivals(case, threads)
    seconds = race({f"{rival.pattern} {rival.library}": rival.call for rival in racing}, least=least)
    took = [seconds[f"{rival.pattern} {rival.library}"] for rival in racing]
    dense = min(time for rival, time in zip(racing, took, strict=True) if rival.kind == "dense")
    return [
        KernelRow(
            case.layer.name,
            rival.pattern,
            case.sparsity,
            rival.library,
            rival.kind,
            round(time, 8),
            round(dense / time, 3),
            round(case.layer.operations * (1 if rival.kind == "dense" else 1 - case.sparsity) / time / peak, 3),
        )
        for rival, time in zip(racing, took, strict=True)
    ]

"""One layer at one sparsity: its implementations timed alternately, a row each."""

from __future__ import annotations

import torch

from reference_impls.bench.implementations import implementations
from reference_impls.bench.layers import Case
from reference_impls.bench.records import KernelRow
from reference_impls.bench.timing import interleaved


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

"""One rival on one layer, and the race that gives the row its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reference_impls.bench.layers import Case
from reference_impls.bench.race import race
from reference_impls.bench.rivals import rivals


@dataclass(frozen=True)
class Row:
    """What one library took for one layer. Patterns: unstructured, n:m, n:mxrows, or tiles that go together."""

    layer: str
    pattern: str
    sparsity: float
    library: str
    kind: str
    """dense, sparse (a library), csr or shared (ours)."""
    seconds: float
    speed_up: float
    """Over the fastest dense rival of the same race."""
    share_of_peak: float
    """Multiply-adds that were needed, without those by zero, of what the cores could do in the time."""


@torch.no_grad()
def measure(case: Case, threads: int, peak: float, least: int) -> list[Row]:
    """All rivals on one layer at one sparsity, in one race.

    Raises:
        RuntimeError: a result is wrong.
    """
    found = rivals(case, threads)
    seconds = race({f"{one.pattern} {one.library}": one.call for one in found}, least=least)
    took = [seconds[f"{one.pattern} {one.library}"] for one in found]
    dense = min(time for one, time in zip(found, took, strict=True) if one.kind == "dense")
    return [
        Row(
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

"""L1 norms of filters.  Li et al., 2016, arXiv:1608.08710, section 3.1: s_j = sum of |F_ij|."""

from __future__ import annotations

import math

from torch import nn

from reference_impls.maths.surgery import Group


def filter_norms(model: nn.Module, group: Group) -> list[float]:
    """The sum of absolute weights in the rows that make each unit, one weight after another."""
    sums = [0.0] * group.units
    for part in group.parts:
        weight = model.get_submodule(part.layer).weight
        assert isinstance(weight, nn.Parameter)
        if part.side != "out" or weight.dim() < 2:  # norms have no filters
            continue
        rows = [float(sum(abs(value) for value in row.flatten().tolist())) for row in weight]
        for unit in range(group.units):
            sums[unit] += sum(rows[line] for line in part.index[unit].tolist())
    return sums


def kept_units(norms: list[float], share: float, strata: int) -> list[int]:
    """What remains without the smallest m of each stratum, at least one unit; of equal ones the earlier remains."""
    size = len(norms) // strata
    keep = max(1, size - math.floor(share * size + 0.5))
    kept: list[int] = []
    for first in range(0, len(norms), size):
        kept += sorted(range(first, first + size), key=lambda unit: (-norms[unit], unit))[:keep]
    return sorted(kept)

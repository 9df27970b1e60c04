"""ShortGPT's block influence, vector by vector.  Men et al., 2024, arXiv:2403.03853, Eq. (1)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def block_influence(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> float:
    """1 - E[x_i . x_(i+1) / (|x_i| |x_(i+1)|)] over the vectors of the hidden states in front of and behind a block."""
    cosines = []
    for x, y in zip(before, after, strict=True):
        product = sum(a * b for a, b in zip(x, y, strict=True))
        cosines.append(product / (math.sqrt(sum(a * a for a in x)) * math.sqrt(sum(b * b for b in y))))
    return 1 - sum(cosines) / len(cosines)


def removed(influence: Sequence[float], count: int) -> set[int]:
    """Algorithm 1: the blocks of the lowest influence."""
    return set(sorted(range(len(influence)), key=lambda block: influence[block])[:count])

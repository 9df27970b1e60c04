"""LAPTOP-Diff by brute force: every set of blocks.  Zhang et al., 2024, arXiv:2404.11098, section 3.

The authors published no code. The surrogate of a set is the sum of the output losses of its blocks, each removed alone
(the additivity that the paper finds); the best set frees at least the asked parameters and has the least surrogate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations


def best_sets(losses: Sequence[float], freed: Sequence[int], least: float) -> list[set[int]]:
    """The sets of the least surrogate among all that free ``least`` parameters or more; several if they tie."""
    sets = [set(chosen) for size in range(len(losses) + 1) for chosen in combinations(range(len(losses)), size)]
    enough = [chosen for chosen in sets if sum(freed[block] for block in chosen) >= least]
    lowest = min(sum(losses[block] for block in sorted(chosen)) for chosen in enough)
    return [chosen for chosen in enough if sum(losses[block] for block in sorted(chosen)) <= lowest * (1 + 1e-12)]


def normalised_feature_loss(mine: Sequence[Sequence[float]], teachers: Sequence[Sequence[float]]) -> float:
    """Section 3.3: of each place the squared difference over the teacher's own square, summed over the places."""
    total = 0.0
    for student, teacher in zip(mine, teachers, strict=True):
        total += sum((a - b) ** 2 for a, b in zip(student, teacher, strict=True)) / sum(b * b for b in teacher)
    return total

"""OBS-Diff.  Zhu et al., 2025, arXiv:2510.06751, section 4, and the rule of the authors' code (Alrightlone/OBS-Diff).

Layers are calibrated in packages, by default four: one run of the sampler each, after the packages before are pruned.
Units are removed one by one (heads) or 64 and more at a time (neurons), and scored again in between. The score of a
head is the sum of w^2 / L_jj^2 over its columns, where L L^T is the head's block of the inverse Hessian.
"""

from __future__ import annotations

import math

import torch

PACKAGES, LEAST_NEURONS, DAMPING = 4, 64, 0.01


def step_weights(steps: int) -> list[float]:
    """Eq. (4): from 1.2 to 0.8, along a logarithm."""
    return [0.8 + 0.4 * math.log(steps - step) / math.log(steps) for step in range(steps)]


def hessian_of(rows: list[torch.Tensor]) -> torch.Tensor:
    """Weighted mean of x x^T over the rows of all steps."""
    weights = step_weights(len(rows))
    total = sum(a * len(x) for a, x in zip(weights, rows, strict=True))
    matrix = torch.zeros(rows[0].shape[1], rows[0].shape[1], dtype=torch.float64)
    for a, x in zip(weights, rows, strict=True):
        matrix += a * x.double().T @ x.double() / total
    return matrix


def remove_units(
    matrix: torch.Tensor, hessian: torch.Tensor, units: list[list[int]], count: int, *, heads: bool
) -> tuple[list[int], torch.Tensor]:
    """The removed units, in the order in which they go, and the new matrix (outputs, inputs), zero in their columns.

    Args:
        matrix: of the layer that reads the units.
        hessian: (inputs, inputs), not damped.
        units: the columns of each unit.
        count: how many are removed.
        heads: whether units are heads: one at a time, with the score of heads.
    """
    w, h = matrix.double().clone(), hessian.double().clone()
    h += DAMPING * h.diagonal().mean() * torch.eye(len(h), dtype=torch.float64)
    left = list(range(len(units)))
    gone: list[int] = []
    while len(gone) < count:
        columns = [column for unit in left for column in units[unit]]
        inverse = torch.zeros_like(h)
        inverse[torch.tensor(columns)[:, None], torch.tensor(columns)] = torch.linalg.inv(h[columns][:, columns])
        scores = {unit: _score(w, inverse, units[unit], heads=heads) for unit in left}
        at_once = 1 if heads else min(count - len(gone), LEAST_NEURONS)
        now = sorted(left, key=lambda unit: scores[unit])[:at_once]
        removed = [column for unit in now for column in units[unit]]
        w -= w[:, removed] @ torch.linalg.inv(inverse[removed][:, removed]) @ inverse[removed]
        w[:, removed] = 0
        gone += now
        left = [unit for unit in left if unit not in now]
    return gone, w.to(matrix.dtype)


def _score(w: torch.Tensor, inverse: torch.Tensor, columns: list[int], *, heads: bool) -> float:
    block = inverse[columns][:, columns]
    pivots = torch.linalg.cholesky(block).diagonal() ** 2 if heads else block.diagonal()
    return float((w[:, columns] ** 2 / pivots).sum())

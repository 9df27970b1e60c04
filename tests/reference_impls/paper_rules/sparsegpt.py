"""SparseGPT.  Frantar and Alistarh, 2023, arXiv:2301.00774, Alg. 1, and the rule of the authors' code
(IST-DASLab/sparsegpt, fasterprune).

In each block of 128 columns, the code prunes all scores up to the one with the number floor(weights x sparsity),
counted from 0: one weight more than asked. Of every m columns, the m - n lowest scores go when the first is reached.
Inputs that are always zero count as 1 in the Hessian, also in the mean that sets the damping.
"""

from __future__ import annotations

import torch

BLOCK, DAMPING = 128, 0.01


def prune_matrix(
    matrix: torch.Tensor, hessian: torch.Tensor, sparsity: float, pattern: tuple[int, int] | None = None
) -> torch.Tensor:
    """New matrix (outputs, inputs), by the Hessian (inputs, inputs) of its inputs; one column after another."""
    w, h = matrix.double().clone(), hessian.double().clone()
    for j in range(len(h)):
        if h[j, j] == 0:
            h[j, j] = 1
            w[:, j] = 0
    h += DAMPING * h.diagonal().mean() * torch.eye(len(h), dtype=torch.float64)
    columns = w.shape[1]
    rest = torch.linalg.inv(h)  # the inverse Hessian of the columns that are not reached yet
    inverse_rows = []
    for _ in range(columns):  # by elimination, so that no factorisation is shared with ours
        inverse_rows.append(rest[0])
        rest = (rest - torch.outer(rest[:, 0], rest[0]) / rest[0, 0])[1:, 1:]
    pivots = torch.stack([row[0] for row in inverse_rows])
    gone = torch.zeros_like(w, dtype=torch.bool)
    for j in range(columns):
        if pattern is None and j % BLOCK == 0:
            scores = w[:, j : j + BLOCK] ** 2 / pivots[j : j + BLOCK]
            rising = sorted(scores.flatten().tolist())
            gone[:, j : j + BLOCK] = scores <= rising[min(int(len(rising) * sparsity), len(rising) - 1)]
        if pattern is not None and j % pattern[1] == 0:
            n, m = pattern
            for i, scores in enumerate((w[:, j : j + m] ** 2 / pivots[j : j + m]).tolist()):
                for lowest in sorted(range(m), key=lambda k: scores[k])[: m - n]:
                    gone[i, j + lowest] = True
        row = inverse_rows[j]
        w[:, j:] -= torch.outer(w[:, j] * gone[:, j] / row[0], row)
        w[gone[:, j], j] = 0
    return w.to(matrix.dtype)

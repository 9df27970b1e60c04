"""Wanda.  Sun et al., 2023, arXiv:2306.11695, Eq. (1), and the rule of the authors' code (locuslab/wanda, prune_wanda).

The code prunes floor(inputs x sparsity) weights in each row, and of every m consecutive ones the m - n with the lowest
scores. It works through the blocks of a model: the norms of a block are those after the blocks before it are pruned.
"""

from __future__ import annotations

import math

import torch


def norms(rows: list[list[float]]) -> list[float]:
    """Euclidean norm of each input over all rows."""
    return [math.sqrt(sum(row[j] ** 2 for row in rows)) for j in range(len(rows[0]))]


def kept_in_row(weights: list[float], norm: list[float], sparsity: float) -> list[bool]:
    """All but the lowest scores of one output."""
    scores = [abs(w) * n for w, n in zip(weights, norm, strict=True)]
    rising = sorted(range(len(scores)), key=lambda j: scores[j])
    gone = set(rising[: int(len(scores) * sparsity)])
    return [j not in gone for j in range(len(scores))]


def kept_in_groups(weights: list[float], norm: list[float], n: int, m: int) -> list[bool]:
    """All but the m - n lowest scores of every m consecutive ones."""
    kept: list[bool] = []
    for first in range(0, len(weights), m):
        scores = [abs(w) * x for w, x in zip(weights[first : first + m], norm[first : first + m], strict=True)]
        gone = set(sorted(range(m), key=lambda j: scores[j])[: m - n])
        kept += [j not in gone for j in range(m)]
    return kept


def prune_matrix(
    matrix: torch.Tensor, rows: list[torch.Tensor], sparsity: float, pattern: tuple[int, int] | None = None
) -> torch.Tensor:
    """The matrix with zeros where the rule prunes; ``rows`` are its inputs in each call."""
    norm = torch.cat(rows).double().norm(dim=0).tolist()
    kept = [
        kept_in_row(row, norm, sparsity) if pattern is None else kept_in_groups(row, norm, *pattern)
        for row in matrix.tolist()
    ]
    return matrix * torch.tensor(kept)

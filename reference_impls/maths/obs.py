"""Optimal brain surgeon: the error of removing a weight, and the update of the remaining ones that minimises it.

Hassibi and Stork, 1992. For one output row w of a linear layer with inputs X, the error |wX - w'X|^2 has the Hessian
H = X X^T (up to a factor). Removing weight j costs w_j^2 / [H^-1]_jj (Eq. 5), and the best change of the others is
-w_j / [H^-1]_jj * H^-1[:, j].

``sweep`` is the column-by-column pruning of SparseGPT (Frantar and Alistarh, 2023, arXiv:2301.00774, section 3): masks
are chosen from left to right, and only the columns to the right are updated. With U = chol(H^-1)^T upper triangular,
[H^-1 of the remaining columns]_jj = U_jj^2, so one factorisation serves all steps and all rows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from reference_impls.maths.masks import check_finite

DAMPING = 0.01
"""Fraction of the mean diagonal that is added to it: H is singular with fewer samples than inputs."""
BLOCK = 128

Select = Callable[[torch.Tensor], torch.Tensor]
"""Scores of the columns whose mask is chosen at once (rows, columns) -> mask of the same shape, True = kept."""


class Hessian:
    """H = sum over batches of weight * X^T X, in float64; its value does not depend on the batch size."""

    def __init__(self, width: int) -> None:
        """Begin at zero; ``width`` is the number of inputs."""
        self.matrix = torch.zeros(width, width, dtype=torch.float64)
        self.samples = 0.0

    def add(self, inputs: torch.Tensor, weight: float = 1.0) -> None:
        """Add inputs (n, width), each counted ``weight`` times.

        Raises:
            ValueError: the width differs, there are no inputs, the weight is negative, or a value is not finite.
        """
        if inputs.dim() != 2 or inputs.shape[1] != len(self.matrix) or not len(inputs):
            raise ValueError(f"inputs of shape {tuple(inputs.shape)} do not fit {len(self.matrix)} columns")
        if not weight >= 0:
            raise ValueError(f"weight {weight} is negative")
        x = check_finite("inputs", inputs).double()
        self.matrix += weight * (x.T @ x)
        self.samples += weight * len(x)

    def mean(self) -> torch.Tensor:
        """H per sample, (width, width).

        Raises:
            ValueError: no inputs were added.
        """
        if not self.samples:
            raise ValueError("the Hessian has seen no inputs")
        return self.matrix / self.samples


def dead(hessian: torch.Tensor) -> torch.Tensor:
    """Inputs that were always zero, (columns,): changes of their weights cause no error."""
    return hessian.diagonal() == 0


def damped(hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """H with a larger diagonal, so that it can be inverted; dead inputs count there as a mean one."""
    h = check_finite("Hessian", hessian).double().clone()
    diagonal, silent = h.diagonal(), dead(hessian)
    mean = 1.0 if bool(silent.all()) else float(diagonal[~silent].mean())
    diagonal[silent] = mean
    diagonal += damping * mean
    return h


def inverse(hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """H^-1 for the damped H; raises as ``cholesky``."""
    return torch.cholesky_inverse(cholesky(damped(hessian, damping)))


def cholesky(matrix: torch.Tensor, *, upper: bool = False) -> torch.Tensor:
    """The factor of a Hessian or of its inverse.

    Raises:
        ValueError: there is none.
    """
    try:
        return torch.linalg.cholesky(matrix, upper=upper)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise ValueError("its Hessian cannot be factorised; calibrate with more samples or others") from error


def sweep(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    select: Select,
    *,
    together: int = BLOCK,
    block: int = BLOCK,
    damping: float = DAMPING,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Prune a matrix column by column; the columns to the right compensate for what is removed.

    Two widths are independent: ``together`` is the number of columns whose mask is chosen at once, which changes the
    result; ``block`` is the number of columns updated before the remaining matrix, which changes the cost only.

    Args:
        weight: (rows, columns).
        hessian: (columns, columns), of the inputs.
        select: chooses the mask of ``together`` columns at once, from the scores w^2 / U_jj^2 that they have when the
            first of them is reached, with all columns before them pruned and compensated for; 0 for weights of dead
            inputs, which are removed first. At the end of a row there may be fewer columns.
        together: columns whose mask is chosen at once: m for an n:m pattern (Alg. 1: B_s = m), ``BLOCK`` for
            unstructured sparsity.
        block: columns of one lazy update; rounded up to a multiple of ``together``.
        damping: see ``damped``.

    Returns:
        The new weight in the old dtype, zero where the mask is False; and the mask.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, ``together`` or ``block`` is not positive, or the
            Hessian cannot be factorised.
    """
    rows, columns = check_finite("weight", weight).shape
    if min(together, block) < 1:
        raise ValueError(f"sweep: {together} columns together and a block of {block}; give at least one of each")
    block = -(-block // together) * together  # no decision is cut in two
    if hessian.shape != (columns, columns):
        raise ValueError(f"Hessian of shape {tuple(hessian.shape)} does not fit {columns} columns")
    w = weight.double().clone()
    upper = cholesky(inverse(hessian, damping), upper=True)  # U, with H^-1 = U^T U
    silent = dead(hessian)
    mask = torch.ones(rows, columns, dtype=torch.bool)
    for start in range(0, columns, block):
        stop = min(start + block, columns)
        errors = torch.zeros(rows, stop - start, dtype=torch.float64)
        for j in range(start, stop):
            if (j - start) % together == 0:
                now = slice(j, min(j + together, stop))
                scores = w[:, now] ** 2 / upper.diagonal()[now] ** 2  # (rows, together)
                mask[:, now] = select(scores.masked_fill(silent[now], 0.0))
            kept = w[:, j] * mask[:, j]
            error = (w[:, j] - kept) / upper[j, j]  # (rows,)
            w[:, j:stop] -= error[:, None] * upper[j, j:stop]
            w[:, j] = kept
            errors[:, j - start] = error
        w[:, stop:] -= errors @ upper[start:stop, stop:]  # the block's errors, compensated by all columns after it
    return w.to(weight.dtype), mask


def column_scores(weight: torch.Tensor, hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """Error of removing each column alone: sum over rows of w_j^2 / [H^-1]_jj, (columns,)."""
    costs = weight.double().square().sum(0) / inverse(hessian, damping).diagonal()
    return costs.masked_fill(dead(hessian), 0.0)


def remove_columns(
    weight: torch.Tensor, gone: torch.Tensor, hessian: torch.Tensor, damping: float = DAMPING
) -> torch.Tensor:
    """Zero whole columns and update the others to minimise the error: W - W_S ([H^-1]_SS)^-1 [H^-1]_S.

    Args:
        weight: (rows, columns).
        gone: S, the numbers of the removed columns.
        hessian: (columns, columns), of the inputs.
        damping: see ``damped``.

    Returns:
        The new weight in the old dtype, with zeros in the columns of S.
    """
    inverted, w = inverse(hessian, damping), weight.double()
    new = w - w[:, gone] @ torch.linalg.solve(inverted[gone][:, gone], inverted[gone])
    new[:, gone] = 0  # the solution is zero there but for rounding
    return new.to(weight.dtype)

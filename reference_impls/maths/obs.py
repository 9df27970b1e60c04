"""Optimal brain surgeon: the error of removing a weight, and the update of the remaining ones that minimises it.

Hassibi and Stork, 1992. For one output row w of a linear layer with inputs X, the error |wX - w'X|^2 has the Hessian
H = X X^T (up to a factor). Removing weight j costs w_j^2 / [H^-1]_jj (Eq. 5), and the best change of the others is
-w_j / [H^-1]_jj * H^-1[:, j].

``sweep`` is the column-by-column pruning of SparseGPT (Frantar and Alistarh, 2023, arXiv:2301.00774, section 3): masks
are chosen from left to right, and only the columns to the right are updated. With H^-1 = U^T U, U upper triangular,
[H^-1 of the remaining columns]_jj = U_jj^2, so one factorisation serves all steps and all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from reference_impls.maths.masks import check_finite

DAMPING = 0.01
"""Fraction of the mean diagonal that is added to it: H is singular with fewer samples than inputs."""
UNSEEN = "it was given no inputs; leave the layer out with --exclude, or calibrate with passes that use it"
BLOCK = 128
PIECE = 32
"""Columns of a block that are updated one at a time; they and their errors stay in the processor's cache."""

Select = Callable[[torch.Tensor], torch.Tensor]
"""Scores of the columns whose mask is chosen at once (rows, columns) -> mask of the same shape, True = kept."""


class Hessian:
    """H = sum over batches of weight * X^T X; its value does not depend on the batch size."""

    def __init__(self, width: int, dtype: torch.dtype = torch.float64) -> None:
        """Begin at zero; ``width`` is the number of inputs."""
        self.matrix = torch.zeros(width, width, dtype=dtype)
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
        x = check_finite("inputs", inputs).to(self.matrix.dtype)
        self.matrix = self.matrix.to(x.device)  # of the layer
        self.matrix.addmm_(x.T, x, alpha=weight)
        self.samples += weight * len(x)

    def reduce(self, total: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Replace the sums by their totals over several processes."""
        self.matrix = total(self.matrix)
        self.samples = float(total(torch.tensor([self.samples], dtype=torch.float64)))

    def mean(self) -> torch.Tensor:
        """H per sample, (width, width).

        Raises:
            ValueError: no inputs were added.
        """
        if not self.samples:
            raise ValueError(UNSEEN)
        return self.matrix / self.samples


def dead(hessian: torch.Tensor) -> torch.Tensor:
    """Inputs that were always zero, (columns,): changes of their weights cause no error."""
    return hessian.diagonal() == 0


def damped(hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """H with a larger diagonal, so that it can be inverted; dead inputs count there as a mean one."""
    h = check_finite("Hessian", hessian).clone()
    diagonal, silent = h.diagonal(), dead(hessian)
    mean = 1.0 if bool(silent.all()) else float(diagonal[~silent].mean())
    diagonal[silent] = mean
    diagonal += damping * mean
    return h


def inverse(hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """H^-1 for the damped H; raises as ``cholesky``."""
    return torch.cholesky_inverse(cholesky(damped(hessian, damping)))


def cholesky(matrix: torch.Tensor) -> torch.Tensor:
    """The lower factor of a Hessian.

    Raises:
        ValueError: there is none.
    """
    try:
        return torch.linalg.cholesky(matrix)
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

    With H = R R^T, R upper triangular, U is the inverse of R, and a square block on the diagonal of U is the inverse of
    that of R. A block of columns is updated once, when it is reached, by D R U: D are the changes of all columns before
    it, R their rows and its columns, U its own block. So H is factorised once and never inverted. Inside a block the
    errors are passed on to the right, column by column in pieces of ``PIECE``, and piece by piece over the block.

    Three widths: ``together`` is the number of columns whose mask is chosen at once, which changes the result;
    ``block`` and ``PIECE`` change the cost only.

    Args:
        weight: (rows, columns).
        hessian: (columns, columns), of the inputs. The computation has its precision or the weight's, the higher one,
            and at least float32.
        select: chooses the mask of ``together`` columns at once, from the scores w^2 / U_jj^2 that they have when the
            first of them is reached, with all columns before them pruned and compensated for; 0 for weights of dead
            inputs, which are removed first. At the end of a row there may be fewer columns.
        together: columns whose mask is chosen at once: m for an n:m pattern (Alg. 1: B_s = m), ``BLOCK`` for
            unstructured sparsity.
        block: columns that are updated at once from those before; rounded up to a multiple of ``together``.
        damping: see ``damped``.

    Returns:
        The new weight in the old dtype, zero where the mask is False; and the mask.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, ``together`` or ``block`` is not positive, or the
            Hessian cannot be factorised.
    """
    columns = check_finite("weight", weight).shape[1]
    if min(together, block) < 1:
        raise ValueError(f"sweep: {together} columns together and a block of {block}; give at least one of each")
    block = -(-block // together) * together  # no decision is cut in two
    if hessian.shape != (columns, columns):
        raise ValueError(f"Hessian of shape {tuple(hessian.shape)} does not fit {columns} columns")
    precision = torch.promote_types(weight.dtype, torch.promote_types(hessian.dtype, torch.float32))
    root = _upper_root(damped(hessian.to(precision), damping))  # R
    silent = dead(hessian)
    w = weight.T.to(root.dtype, copy=True).contiguous()  # (columns, rows): a column of the matrix is contiguous
    changes = torch.zeros_like(w)  # D, what was taken from each weight
    mask = torch.ones_like(w, dtype=torch.bool)
    for start in range(0, columns, block):
        own = slice(start, min(start + block, columns))
        width = own.stop - start
        inverse_root = torch.linalg.solve_triangular(root[own, own], torch.eye(width).to(root), upper=True)  # U
        now = w[own] + inverse_root.T @ (root[:start, own].T @ changes[:start])
        for first, last in _pieces(width, together):
            errors = torch.empty_like(now[first:last])
            for j in range(first, last):
                if j % together == 0:
                    some = slice(j, min(j + together, width))
                    there = slice(start + some.start, start + some.stop)
                    scores = (now[some] / inverse_root.diagonal()[some, None]).square()  # (together, rows)
                    mask[there] = select(scores.masked_fill(silent[there, None], 0.0).T).T
                kept = now[j] * mask[start + j]
                error = torch.div(now[j] - kept, inverse_root[j, j], out=errors[j - first])  # (rows,)
                now[j] = kept
                now[j + 1 : last].addr_(inverse_root[j, j + 1 : last], error, alpha=-1)
            now[last:] -= inverse_root[first:last, last:].T @ errors
        changes[own] = w[own] - now
        w[own] = now
    return w.T.to(weight.dtype).contiguous(), mask.T.contiguous()


def _upper_root(matrix: torch.Tensor) -> torch.Tensor:
    """R upper triangular with R R^T = the matrix: the Cholesky factor for the reversed order of columns."""
    return cholesky(matrix.flip(0, 1)).flip(0, 1)


def _pieces(width: int, together: int) -> Iterator[tuple[int, int]]:
    """First and last column of each piece of a block; a decision begins a piece, or lies inside one."""
    step = PIECE // together * together or together
    for first in range(0, width, step):
        last = min(first + step, width)
        for begin in range(first, last, PIECE):
            yield begin, min(begin + PIECE, last)


def column_scores(weight: torch.Tensor, hessian: torch.Tensor, damping: float = DAMPING) -> torch.Tensor:
    """Error of removing each column alone: sum over rows of w_j^2 / [H^-1]_jj, (columns,)."""
    costs = weight.double().square().sum(0) / inverse(hessian.double(), damping).diagonal()
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
    inverted, w = inverse(hessian.double(), damping), weight.double()
    new = w - w[:, gone] @ torch.linalg.solve(inverted[gone][:, gone], inverted[gone])
    new[:, gone] = 0  # the solution is zero there but for rounding
    return new.to(weight.dtype)

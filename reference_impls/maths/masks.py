"""From scores to masks: keep the k best, over a matrix, in each row, over all layers, or n of every m.

A mask is True where a weight is kept. Exactly as many weights are kept as asked, whatever the ties: the choice goes by
a stable order and never by a threshold, which would prune at sparsity 0, overshoot on ties and fail at sparsity 1.
Among equal scores the later one goes first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Pattern:
    """n:m sparsity: n weights are kept of every m consecutive ones along the input; also in blocks of rows."""

    n: int
    m: int
    rows: int = 1
    """Consecutive outputs with the same pattern, so that a kernel loads an input once for all of them."""

    def __post_init__(self) -> None:
        """Refuse patterns that keep no weight or more than m.

        Raises:
            ValueError: not 1 <= n <= m, or not 1 <= rows.
        """
        if not 1 <= self.n <= self.m:
            raise ValueError(f"pattern {self.n}:{self.m} must keep 1 to {self.m} of {self.m} weights")
        if self.rows < 1:
            raise ValueError(f"pattern {self}: the number of rows must be at least 1")

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read ``2:4``, or ``2:4x4`` for one pattern in blocks of four rows.

        Raises:
            ValueError: the text is not positive whole numbers n:m or n:mxrows with n <= m.
        """
        match = re.fullmatch(r"([0-9]{1,6}):([0-9]{1,6})(?:x([0-9]{1,6}))?", text)
        if match is None:
            raise ValueError(f"pattern {text!r} is not n:m, such as 2:4, or n:m x rows, such as 2:4x4")
        return cls(int(match[1]), int(match[2]), int(match[3] or 1))

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
        return 1 - self.n / self.m

    def __str__(self) -> str:
        """As it is read."""
        return f"{self.n}:{self.m}" + (f"x{self.rows}" if self.rows > 1 else "")


@dataclass(frozen=True)
class Tile:
    """A block of weights that are pruned together: rows x columns of a matrix."""

    rows: int = 1
    columns: int = 1

    def __post_init__(self) -> None:
        """Refuse empty tiles.

        Raises:
            ValueError: a side is not positive.
        """
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"block {self} is empty")

    @classmethod
    def parse(cls, text: str) -> Tile:
        """Read ``16x16``.

        Raises:
            ValueError: the text is not two positive whole numbers.
        """
        match = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", text)
        if match is None:
            raise ValueError(f"block {text!r} is not rows x columns, such as 4x1 or 16x16")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """As it is read."""
        return f"{self.rows}x{self.columns}"

    def pool(self, scores: torch.Tensor) -> torch.Tensor:
        """Mean score of each tile of a matrix; tiles at the edge may be smaller, and count by what they hold.

        Raises:
            ValueError: a score is not finite.
        """
        rows, columns = check_finite("scores", scores).shape
        down, right = -rows % self.rows, -columns % self.columns
        sums, counts = (
            functional.pad(values, (0, right, 0, down))
            .unfold(0, self.rows, self.rows)
            .unfold(1, self.columns, self.columns)
            for values in (scores, torch.ones_like(scores))
        )  # (tiles down, tiles right, rows, columns)
        return sums.sum((2, 3)) / counts.sum((2, 3))

    def spread(self, mask: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """A mask of tiles as one of weights."""
        whole = mask.repeat_interleave(self.rows, 0).repeat_interleave(self.columns, 1)
        return whole[: shape[0], : shape[1]]


ALONE = Tile()
"""Every weight by itself: unstructured sparsity."""


def check_sparsity(sparsity: float) -> float:
    """The sparsity itself.

    Raises:
        ValueError: it is not a number from 0 to 1.
    """
    if isinstance(sparsity, bool) or not isinstance(sparsity, (int, float)) or not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity must be between 0 and 1, not {sparsity!r}")
    return float(sparsity)


def check_finite(name: str, values: torch.Tensor) -> torch.Tensor:
    """The values themselves.

    Raises:
        ValueError: one of them is NaN or infinite; the message has the name and the shape.
    """
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} of shape {tuple(values.shape)} holds NaN or infinite values")
    return values


def pruned_count(total: int, sparsity: float) -> int:
    """How many of ``total`` are pruned: the nearest whole number, halves up."""
    return min(total, math.floor(check_sparsity(sparsity) * total + 0.5))


def keep_best(scores: torch.Tensor, sparsity: float) -> torch.Tensor:
    """Mask of any shape that drops the lowest scores of the whole tensor.

    Raises:
        ValueError: the sparsity is not in [0, 1], or a score is not finite.
    """
    return keep_all_but(scores, pruned_count(scores.numel(), sparsity))


def keep_all_but(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Mask of any shape that drops exactly ``count`` of the lowest scores of the whole tensor.

    Raises:
        ValueError: a score is not finite.
    """
    return _drop(check_finite("scores", scores).flatten()[None], count).view(scores.shape)


def keep_best_in_rows(scores: torch.Tensor, sparsity: float) -> torch.Tensor:
    """Mask (rows, columns) that drops the same number of the lowest scores in each row.

    Raises:
        ValueError: the scores are not a matrix or not finite, or the sparsity is not in [0, 1].
    """
    if scores.dim() != 2:
        raise ValueError(f"scores of shape {tuple(scores.shape)} are not a matrix")
    return _drop(check_finite("scores", scores), pruned_count(scores.shape[1], sparsity))


def keep_pattern(scores: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """Mask (rows, columns) that keeps the n highest scores of every m consecutive columns.

    Columns left over at the end, fewer than m, are all kept: such a group is never longer than the pattern allows
    on hardware, and a weight that no kernel could skip is not worth losing.

    Raises:
        ValueError: the scores are not a matrix or not finite, or a row is shorter than m.
    """
    if scores.dim() != 2:
        raise ValueError(f"scores of shape {tuple(scores.shape)} are not a matrix")
    rows, columns = check_finite("scores", scores).shape
    if columns < pattern.m:
        raise ValueError(f"pattern {pattern} does not fit rows of {columns} weights")
    whole = columns - columns % pattern.m
    groups = scores[:, :whole].reshape(-1, pattern.m)  # (rows * groups, m)
    mask = torch.ones_like(scores, dtype=torch.bool)
    mask[:, :whole] = _drop(groups, pattern.m - pattern.n).view(rows, whole)
    return mask


def keep_best_over_layers(scores: Mapping[str, torch.Tensor], sparsity: float) -> dict[str, torch.Tensor]:
    """Masks for several tensors that drop the lowest scores of all of them together.

    Raises:
        ValueError: there is no tensor, the sparsity is not in [0, 1], or a score is not finite.
    """
    if not scores:
        raise ValueError("no scores to choose from")
    flat = torch.cat([check_finite(name, value).flatten() for name, value in scores.items()])
    mask = _drop(flat[None], pruned_count(flat.numel(), sparsity))[0]
    parts = mask.split([value.numel() for value in scores.values()])
    return {name: part.view(value.shape) for (name, value), part in zip(scores.items(), parts, strict=True)}


def _drop(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Mask that drops the ``count`` lowest of each row of a matrix; of equal ones the later.

    By selection instead of sorting: linear in the number of scores, with the mask as the only array of their size.
    """
    width = scores.shape[1]
    if count in (0, width):
        return torch.full_like(scores, count == 0, dtype=torch.bool)
    border = scores.kthvalue(count, dim=1, keepdim=True).values
    mask = scores > border
    missing = width - count - mask.sum(1)  # scores equal to the border that are kept, in each row
    rows = missing.nonzero()[:, 0]
    equal = scores[rows] == border[rows]
    mask[rows] |= equal & (equal.cumsum(1) <= missing[rows, None])
    return mask

"""From scores to masks: keep the k best, over a matrix, in each row, over all layers, or n of every m.

A mask is True where a weight is kept. Exactly as many weights are kept as asked, whatever the ties: the choice goes by
a stable order and never by a threshold, which would prune at sparsity 0, overshoot on ties and fail at sparsity 1.
Among equal scores the later one goes first.

Where weights are pruned in tiles, a tile counts by its area, and tiles at the edges of a matrix are smaller. Of all
sets of whole tiles, one is pruned whose area is nearest to the requested number of weights, of two equally near ones
the larger; of all sets with this area, the one with the lowest sum of scores. With tiles of one size these are the
tiles with the lowest scores. See ``areas.keep_all_but_area``, also for matrices with too many sets to compare.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from reference_impls.maths.areas import EQUAL, keep_all_but_area
from reference_impls.maths.selection import in_order, kth_lowest
from reference_impls.near_names import unknown

MANY = 1 << 16
"""Scores from which on counting their digits is faster than ``kthvalue``."""
FEW = 32
"""Scores of a group up to which comparing each with each other is faster than ``kthvalue``."""


AXES = ("channels", "kernel")


@dataclass(frozen=True)
class Pattern:
    """n:m sparsity: n weights are kept of every m consecutive ones along the input; also in blocks of rows."""

    n: int
    m: int
    rows: int = 1
    """Consecutive outputs with the same pattern, so that a kernel loads an input once for all of them."""
    axis: str = "channels"
    """What is consecutive in a convolution. *channels*: input channels at one kernel position, as kernels of sparse
    tensor cores read them with channels last. *kernel*: kernel positions of one input channel, then of the next, as the
    weight lies in memory, which is the order of SparseGPT's code."""

    def __post_init__(self) -> None:
        """Refuse patterns that keep no weight or more than m.

        Raises:
            ValueError: not 1 <= n <= m, or not 1 <= rows, or the axis is unknown.
        """
        if self.axis not in AXES:
            raise ValueError(unknown("pattern axis", self.axis, AXES))
        if not 1 <= self.n <= self.m:
            raise ValueError(f"pattern {self.n}:{self.m} must keep 1 to {self.m} of {self.m} weights")
        if self.rows < 1:
            raise ValueError(f"pattern {self}: the number of rows must be at least 1")

    @classmethod
    def parse(cls, text: str, axis: str = "channels") -> Pattern:
        """Read ``2:4``, or ``2:4x4`` for one pattern in blocks of four rows.

        Raises:
            ValueError: the text is not positive whole numbers n:m or n:mxrows with n <= m, or the axis is unknown.
        """
        match = re.fullmatch(r"([0-9]{1,6}):([0-9]{1,6})(?:x([0-9]{1,6}))?", text)
        if match is None:
            raise ValueError(f"pattern {text!r} is not n:m, such as 2:4, or n:m x rows, such as 2:4x4")
        return cls(int(match[1]), int(match[2]), int(match[3] or 1), axis)

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
        return 1 - self.n / self.m

    def __str__(self) -> str:
        """As it is read, without its axis."""
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
        """Mean score of each tile of a matrix, of the weights that it holds: (tiles down, tiles right).

        Means are taken in float64: in half precision they would be rounded, or infinite.
        """
        if self == ALONE:
            return scores
        rows, columns = scores.shape
        whole = functional.pad(scores.double(), (0, -columns % self.columns, 0, -rows % self.rows))
        tiles = whole.unfold(0, self.rows, self.rows).unfold(1, self.columns, self.columns)
        areas = self.areas(scores.shape).to(scores.device)
        return tiles.sum((2, 3)) / areas  # (tiles down, tiles right, rows, columns) summed

    def areas(self, shape: torch.Size) -> torch.Tensor:
        """Number of weights in each tile of a matrix, fewer at its edges: (tiles down, tiles right)."""
        heights, widths = (
            (size - torch.arange(0, size, side)).clamp(max=side)
            for size, side in zip(shape, (self.rows, self.columns), strict=True)
        )
        return heights[:, None] * widths

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


def is_finite(values: torch.Tensor) -> bool:
    """Whether no value is NaN or infinite; without an array of their size."""
    if not values.numel() or not values.is_floating_point():
        return True
    return all(bool(torch.isfinite(end)) for end in values.aminmax())  # a NaN is both


def check_finite(name: str, values: torch.Tensor) -> torch.Tensor:
    """The values themselves.

    Raises:
        ValueError: one of them is NaN or infinite; the message has the name and the shape.
    """
    if not is_finite(values):
        raise ValueError(f"{name} of shape {tuple(values.shape)} holds NaN or infinite values")
    return values


def pruned_count(total: int, sparsity: float) -> int:
    """How many of ``total`` are pruned: the nearest whole number, halves up."""
    return min(total, math.floor(check_sparsity(sparsity) * total + 0.5))


def keep_best(scores: torch.Tensor, sparsity: float, tile: Tile = ALONE) -> torch.Tensor:
    """Mask that drops the lowest scores of the whole tensor; of any shape, or with tiles a matrix.

    Raises:
        ValueError: the sparsity is not in [0, 1], a score is not finite, or there are tiles and no matrix.
    """
    if tile == ALONE:
        return keep_all_but(scores, pruned_count(scores.numel(), sparsity))
    return keep_all_but(scores, check_sparsity(sparsity) * scores.numel(), tile)


def keep_all_but(scores: torch.Tensor, weights: float, tile: Tile = ALONE) -> torch.Tensor:
    """Mask that drops the lowest scores of the whole tensor: as many weights as asked, or as near as tiles allow.

    Args:
        scores: of any shape, or with tiles a matrix.
        weights: how many to drop; the nearest whole number, halves up. Below 0 is 0, and too many are all.
        tile: weights that are pruned together.

    Raises:
        ValueError: a score is not finite, or there are tiles and no matrix.
    """
    if tile == ALONE:
        count = min(scores.numel(), max(0, math.floor(weights + 0.5)))
        return _drop(check_finite("scores", scores).flatten()[None], count).view(scores.shape)
    pooled = tile.pool(_matrix(scores))
    mask = _keep_tiles(pooled.flatten(), tile.areas(scores.shape).flatten(), weights)
    return tile.spread(mask.view(pooled.shape), scores.shape)


def keep_best_in_rows(scores: torch.Tensor, sparsity: float, tile: Tile = ALONE) -> torch.Tensor:
    """Mask (rows, columns) that drops the same number of the lowest scores in each row, or in each row of tiles.

    Raises:
        ValueError: the scores are not a matrix or not finite, or the sparsity is not in [0, 1].
    """
    columns = _matrix(scores).shape[1]
    pooled = tile.pool(scores)
    if columns % tile.columns == 0:
        return tile.spread(_drop(pooled, pruned_count(pooled.shape[1], sparsity)), scores.shape)
    share = check_sparsity(sparsity)
    strips = zip(pooled, tile.areas(scores.shape), strict=True)
    mask = torch.stack([keep_all_but_area(strip, areas, share * int(areas.sum())) for strip, areas in strips])
    return tile.spread(mask, scores.shape)


def keep_pattern(scores: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """Mask (rows, columns) that keeps the n highest scores of every m consecutive columns.

    With a pattern of several rows, the mean scores of these rows decide; fewer rows at the end share a pattern, too, so
    that the sparsity does not depend on the number of rows.

    Columns left over at the end, fewer than m, are all kept: such a group is never longer than the pattern allows
    on hardware, and a weight that no kernel could skip is not worth losing.

    Raises:
        ValueError: the scores are not a matrix or not finite, or a row is shorter than m.
    """
    columns = _matrix(scores).shape[1]
    if columns < pattern.m:
        raise ValueError(f"pattern {pattern} does not fit rows of {columns} weights")
    strip = Tile(pattern.rows, 1)
    pooled = strip.pool(scores)
    whole = columns - columns % pattern.m
    groups = pooled[:, :whole].reshape(-1, pattern.m)  # (strips * groups, m)
    mask = torch.ones_like(pooled, dtype=torch.bool)
    drop = _drop_of_few if pattern.m <= FEW and scores.device.type == "cpu" else _drop
    mask[:, :whole] = drop(groups, pattern.m - pattern.n).view(-1, whole)
    return strip.spread(mask, scores.shape)


def keep_best_over_layers(
    scores: Mapping[str, torch.Tensor], sparsity: float, tile: Tile = ALONE
) -> dict[str, torch.Tensor]:
    """Masks for several tensors that drop the lowest scores of all of them together.

    Raises:
        ValueError: there is no tensor, the sparsity is not in [0, 1], a score is not finite, or there are tiles and no
            matrices.
    """
    if not scores:
        raise ValueError("no scores to choose from")
    for name, value in scores.items():
        check_finite(name, value)
    dtype = functools.reduce(torch.promote_types, (value.dtype for value in scores.values()))
    masks = keep_best_of_all(scores.values, [value.shape for value in scores.values()], sparsity, tile, dtype)
    return dict(zip(scores, masks, strict=True))


def keep_best_of_all(
    scores: Callable[[], Iterable[torch.Tensor]],
    shapes: Sequence[torch.Size],
    sparsity: float,
    tile: Tile = ALONE,
    dtype: torch.dtype = torch.float32,
) -> Iterator[torch.Tensor]:
    """As ``keep_best_over_layers``, for tensors of which one at a time is in memory; with tiles, all mean scores are.

    Args:
        scores: goes through all tensors anew, as often as it is called: once for each 16 bits of
            a score, and once more.
        shapes: of the tensors, in their order.
        sparsity: of all of them together.
        tile: weights that are pruned together.
        dtype: of the scores, or wider than all of theirs.
    """
    if tile != ALONE:
        pooled = [tile.pool(value) for value in scores()]
        areas = torch.cat([tile.areas(shape).flatten() for shape in shapes])
        flat = torch.cat([value.flatten() for value in pooled])
        kept = _keep_tiles(flat, areas, check_sparsity(sparsity) * int(areas.sum()))
        parts = kept.split([value.numel() for value in pooled])
        for part, value, shape in zip(parts, pooled, shapes, strict=True):
            yield tile.spread(part.view(value.shape), shape)
        return
    total = sum(shape.numel() for shape in shapes)
    count = pruned_count(total, sparsity)
    if count in (0, total):
        yield from (torch.full(shape, count == 0, dtype=torch.bool) for shape in shapes)
        return
    border = kth_lowest(scores, count, dtype)
    missing = border.lower + border.equal - count
    for value in scores():
        mask, missing = _keep_above(value, border.value, missing)
        yield mask


def _matrix(scores: torch.Tensor) -> torch.Tensor:
    if scores.dim() != 2:
        raise ValueError(f"scores of shape {tuple(scores.shape)} are not a matrix")
    return check_finite("scores", scores)


def _keep_tiles(scores: torch.Tensor, areas: torch.Tensor, weights: float) -> torch.Tensor:
    """As ``keep_all_but_area``; tiles of one area are only counted."""
    area = int(areas.max())
    if int(areas.min()) < area:
        return keep_all_but_area(scores, areas, weights)
    count = math.floor((weights + EQUAL) / area + 0.5)
    return _drop(scores[None], min(len(scores), max(0, count)))[0]


def _drop(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Mask that drops the ``count`` lowest of each row of a matrix; of equal ones the later.

    By selection instead of sorting: linear in the number of scores, with the mask as the only array of their size.
    """
    width = scores.shape[1]
    if count in (0, width):
        return torch.full_like(scores, count == 0, dtype=torch.bool)
    if len(scores) == 1 and width >= MANY:
        border = kth_lowest(lambda: (scores,), count, scores.dtype)
        return _keep_above(scores, border.value, border.lower + border.equal - count)[0]
    borders = scores.kthvalue(count, dim=1, keepdim=True).values
    mask = scores > borders
    missing = width - count - mask.sum(1)  # scores equal to the border that are kept, in each row
    rows = missing.nonzero()[:, 0]
    equal = scores[rows] == borders[rows]
    mask[rows] |= equal & (equal.cumsum(1) <= missing[rows, None])
    return mask


def _drop_of_few(scores: torch.Tensor, count: int) -> torch.Tensor:
    """As ``_drop``, for short rows on a CPU: a score is dropped if enough others of its row are better."""
    mask = torch.empty(scores.shape, dtype=torch.bool)
    width = scores.shape[1]
    for part, own in zip(scores.split(MANY), mask.split(MANY), strict=True):  # stays in the processor's cache
        columns = np.ascontiguousarray(in_order(part).T)
        better = np.zeros(columns.shape, np.int8)
        for early in range(width):
            for late in range(early + 1, width):
                first = columns[early] >= columns[late]
                better[late] += first
                better[early] += ~first
        own.numpy()[:] = (better < width - count).T
    return mask


def _keep_above(scores: torch.Tensor, border: torch.Tensor, equal: int) -> tuple[torch.Tensor, int]:
    """Mask of the scores above a border and of the first so many that are equal to it; how many of those are left."""
    scores = scores.to(border.dtype)
    if scores.device.type == "cpu":
        numbers, limit = in_order(scores), in_order(border)
        mask = torch.from_numpy(numbers > limit)
        kept = torch.from_numpy(np.flatnonzero(numbers == limit)[:equal])
    else:
        mask = scores > border
        kept = (scores == border).flatten().nonzero()[:equal, 0]
    mask.view(-1)[kept] = True
    return mask, equal - len(kept)

"""Which tiles to prune, where some of them hold fewer weights than others."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

MOST_SETS = 1_000_000
"""Sets of tiles that are compared; a matrix with more of them is so large that half a tile is little of it."""
EQUAL = 1e-6
"""Areas whose distances from the request differ by less are equally near: in binary, 0.7 * 45 is not quite 31.5."""


def keep_all_but_area(scores: torch.Tensor, areas: torch.Tensor, weights: float) -> torch.Tensor:
    """Mask (tiles,) that drops the set of tiles whose area is nearest to a number of weights, True = kept.

    Of equally near areas it is the largest; of all sets with this area, the one with the lowest sum of scores over its
    weights. Among tiles of one area the lowest scores are dropped, of equal ones the later; so a set is known by its
    number of tiles of each area, of which a matrix has at most four: inside, at the right edge, at the lower edge, in
    the corner.

    If there are more than ``MOST_SETS`` sets, tiles are dropped by rising score instead, up to the tile where their
    area is nearest. This misses the request by at most half a tile.

    Args:
        scores: mean score of the weights of each tile, (tiles,).
        areas: number of weights in each tile, (tiles,).
        weights: the requested number.
    """
    device, scores = scores.device, scores.cpu()  # the tiles are few
    order = scores.argsort(descending=True, stable=True).flip(0)
    classes = sorted((order[areas[order] == area] for area in areas.unique()), key=len)
    if math.prod(len(tiles) + 1 for tiles in classes[:-1]) > MOST_SETS:
        classes = [order]
    *few, most = classes
    area, lost = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)  # (sets of the few,)
    for tiles in few:
        area = (area[:, None] + _running(areas[tiles])).flatten()
        lost = (lost[:, None] + _running((scores * areas)[tiles])).flatten()
    reached = _running(areas[most])
    above = torch.searchsorted(reached, weights - area)
    ends = torch.stack([above - 1, above]).clamp(0, len(most))  # of the most, (2, sets of the few)
    area, lost = area + reached[ends], lost + _running((scores * areas)[most])[ends]
    gap = (area - weights).abs()
    near = gap <= gap.min() + EQUAL
    near &= area == area[near].max()
    best = lost.masked_fill(~near, math.inf).argmin()
    mask = torch.ones_like(scores, dtype=torch.bool)
    mask[most[: ends.flatten()[best]]] = False
    for tiles, number in zip(few, torch.unravel_index(best % len(gap[0]), [len(one) + 1 for one in few]), strict=True):
        mask[tiles[:number]] = False
    return mask.to(device)


def _running(values: torch.Tensor) -> torch.Tensor:
    """Sums of the first 0, 1, 2, ... values, in float64."""
    return functional.pad(values.double().cumsum(0), (1, 0))

"""Magnitude pruning by a threshold.  Han et al., 2015, arXiv:1506.02626, section 4.

The threshold of a layer is a quality parameter times the standard deviation of the layer's weights. Here one parameter
serves all layers, and is chosen so that the requested fraction of all weights is pruned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


def thresholds(weights: Mapping[str, list[float]], sparsity: float) -> dict[str, float]:
    """The largest magnitude that is pruned in each layer."""
    deviations = {name: _deviation(values) for name, values in weights.items()}
    rising = sorted(abs(value) / deviations[name] for name, values in weights.items() for value in values)
    quality = rising[math.floor(sparsity * len(rising) + 0.5) - 1]
    return {name: quality * deviation for name, deviation in deviations.items()}


def _deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def without_the_smallest(weight: list[list[float]], sparsity: float) -> list[list[bool]]:
    """True where a weight of a matrix is kept: all but the smallest, of equal ones the earlier is kept."""
    places = [(i, j) for i, row in enumerate(weight) for j in range(len(row))]
    places.sort(key=lambda place: -abs(weight[place[0]][place[1]]))
    kept = set(places[: len(places) - math.floor(sparsity * len(places) + 0.5)])
    return [[(i, j) in kept for j in range(len(row))] for i, row in enumerate(weight)]

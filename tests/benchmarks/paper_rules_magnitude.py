"""Magnitude: the same sparsity in each layer, or the paper's threshold in units of each layer's standard deviation."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

from reference_impls.pruning.layers import as_matrix, prunable, set_matrix
from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.magnitude import thresholds


def measure(_seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50 and 70%; nothing is random."""
    for name in MODELS:
        dense, calibration = dense_and_calibration(name, "magnitude", 0)
        for sparsity in (0.5, 0.7):
            paper = copy.deepcopy(dense)
            weights = {path: as_matrix(layer).flatten().tolist() for path, layer in prunable(paper).items()}
            largest = thresholds(weights, sparsity)
            for path, layer in prunable(paper).items():
                matrix = as_matrix(layer)
                set_matrix(layer, matrix * (matrix.abs() > largest[path]))
            ours = by_ours(dense, calibration, "magnitude", sparsity)
            losses = [loss(name, one) for one in (ours, paper)]
            yield Compared("magnitude-threshold", name, sparsity, "denoising loss", (losses[0],), (losses[1],))

"""Wanda: the nearest number of weights of a row, or as in the authors' code, the number rounded down."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial

from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn
from tests.reference_impls.paper_rules.wanda import prune_matrix


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 70%, where rows have no whole number of weights to prune."""
    sparsity = 0.7
    for name in MODELS:
        found: list[list[float]] = [[], []]
        for seed in seeds:
            dense, calibration = dense_and_calibration(name, "wanda", seed)
            paper = copy.deepcopy(dense)
            prune_in_turn(paper, calibration, blocks(paper, calibration), partial(prune_matrix, sparsity=sparsity))
            for values, one in zip(found, (by_ours(dense, calibration, "wanda", sparsity), paper), strict=True):
                values.append(loss(name, one))
        yield Compared("wanda-rounding", name, sparsity, "denoising loss", tuple(found[0]), tuple(found[1]))

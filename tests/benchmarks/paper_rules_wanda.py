"""Wanda: norms of the dense model, or as the authors take them, block by block after the blocks before are pruned."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial

from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn
from tests.reference_impls.paper_rules.wanda import prune_matrix


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50% and at 2:4."""
    for name in MODELS:
        for sparsity, pattern in ((0.5, None), (None, "2:4")):
            found: list[list[float]] = [[], []]
            for seed in seeds:
                dense, calibration = dense_and_calibration(name, "wanda", seed)
                paper = copy.deepcopy(dense)
                rule = partial(prune_matrix, sparsity=sparsity or 0.5, pattern=(2, 4) if pattern else None)
                prune_in_turn(paper, calibration, blocks(paper, calibration), rule)
                ours = by_ours(dense, calibration, "wanda", sparsity, pattern)
                for values, one in zip(found, (ours, paper), strict=True):
                    values.append(loss(name, one))
            metric = "denoising loss" + (f" at {pattern}" if pattern else "")
            yield Compared("wanda-block-by-block", name, sparsity, metric, tuple(found[0]), tuple(found[1]))

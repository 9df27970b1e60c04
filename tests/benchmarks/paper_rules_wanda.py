"""Wanda: the nearest number of weights of a row, or as in the authors' code, the number rounded down."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial

from torch import nn

from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn
from tests.reference_impls.paper_rules.wanda import prune_matrix

KEY = "wanda-rounding"


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 70%, where rows have no whole number of weights to prune, and the achieved sparsities."""
    sparsity = 0.7
    for name in MODELS:
        losses: list[list[float]] = [[], []]
        zeros = [0.0, 0.0]
        for seed in seeds:
            dense, calibration = dense_and_calibration(name, "wanda", seed)
            paper = copy.deepcopy(dense)
            prune_in_turn(paper, calibration, blocks(paper, calibration), partial(prune_matrix, sparsity=sparsity))
            both = by_ours(dense, calibration, "wanda", sparsity), paper
            zeros = [fraction_of_zeros(one) for one in both]
            for values, one in zip(losses, both, strict=True):
                values.append(loss(name, one))
        yield Compared(KEY, name, sparsity, "denoising loss", tuple(losses[0]), tuple(losses[1]))
        yield Compared(KEY, name, sparsity, "achieved sparsity", (zeros[0],), (zeros[1],))


def fraction_of_zeros(model: nn.Module) -> float:
    """Over the weights of all pruned layers; the same for each seed."""
    matrices = [as_matrix(layer) for layer in prunable(model).values()]
    return round(sum(int((matrix == 0).sum()) for matrix in matrices) / sum(matrix.numel() for matrix in matrices), 5)

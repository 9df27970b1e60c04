"""SparseGPT: exact counts and dead inputs left out of the damping, or as the authors' code has them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from unittest import mock

import torch

from reference_impls.maths.obs import Hessian
from reference_impls.pruning import observers
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn
from tests.reference_impls.paper_rules.sparsegpt import prune_matrix

SPARSITY = 0.5
CHANNELS = 32
"""Of a group in the comparison of groups: the 3x3 convolutions of the testbed become one to four of them."""


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50%, and how many weights are kept by both; convolutions in groups of channels and whole."""

    def rule(matrix: torch.Tensor, rows: list[torch.Tensor]) -> torch.Tensor:
        hessian = Hessian(matrix.shape[1])
        for one in rows:
            hessian.add(one)
        return prune_matrix(matrix, hessian.mean(), SPARSITY)

    for name in MODELS:
        losses: list[list[float]] = [[], []]
        both_keep: list[float] = []
        for seed in seeds:
            dense, calibration = dense_and_calibration(name, "sparsegpt", seed)
            paper = copy.deepcopy(dense)
            prune_in_turn(paper, calibration, blocks(paper, calibration), rule)
            ours = by_ours(dense, calibration, "sparsegpt", SPARSITY)
            for values, one in zip(losses, (ours, paper), strict=True):
                values.append(loss(name, one))
            first, second = kept(ours), kept(paper)
            both_keep.append(round(float((first & second).sum() / first.sum()), 5))
        yield Compared("sparsegpt-code", name, SPARSITY, "denoising loss", tuple(losses[0]), tuple(losses[1]))
        yield Compared("sparsegpt-code", name, SPARSITY, "weights kept alike", tuple(both_keep))
    for sparsity in (0.5, 0.7):
        in_groups, whole = list[float](), list[float]()
        for seed in seeds:
            dense, calibration = dense_and_calibration("unet", "sparsegpt", seed)
            whole.append(loss("unet", by_ours(dense, calibration, "sparsegpt", sparsity)))
            with mock.patch.multiple(observers, STEP=CHANNELS, WIDEST=9 * CHANNELS):
                in_groups.append(loss("unet", by_ours(dense, calibration, "sparsegpt", sparsity)))
        yield Compared("sparsegpt-groups", "unet", sparsity, "denoising loss", tuple(in_groups), tuple(whole))


def kept(model: torch.nn.Module) -> torch.Tensor:
    """Whether each weight of the layers is not zero."""
    return torch.cat([as_matrix(layer).flatten() != 0 for layer in prunable(model).values()])

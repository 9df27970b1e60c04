"""OBS-Diff on weights: calibrated block by block, or as the authors do, in four packages of layers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, packages, prune_in_turn
from tests.reference_impls.paper_rules.obs_diff import PACKAGES, hessian_of
from tests.reference_impls.paper_rules.sparsegpt import prune_matrix


def rule(matrix: torch.Tensor, rows: list[torch.Tensor], sparsity: float) -> torch.Tensor:
    """The authors' decision for one layer."""
    return prune_matrix(matrix, hessian_of(rows), sparsity)


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50%."""
    for name in MODELS:
        for sparsity in (0.5,):
            found: list[list[float]] = [[], []]
            for seed in seeds:
                dense, calibration = dense_and_calibration(name, "obs-diff", seed)
                paper = copy.deepcopy(dense)
                in_order = [layer for block in blocks(paper, calibration) for layer in block]
                prune_in_turn(paper, calibration, packages(in_order, PACKAGES), partial(rule, sparsity=sparsity))
                for values, one in zip(found, (by_ours(dense, calibration, "obs-diff", sparsity), paper), strict=True):
                    values.append(loss(name, one))
            yield Compared("obs-diff-packages", name, sparsity, "denoising loss", tuple(found[0]), tuple(found[1]))

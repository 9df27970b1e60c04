"""SparseGPT: exact counts and dead inputs left out of the damping, or as the authors' code has them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.maths.obs import Hessian
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import MODELS, alike, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import blocks, prune_in_turn
from tests.reference_impls.paper_rules.sparsegpt import prune_matrix


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50% and at 2:4, and how many weights are kept by both."""
    for name in MODELS:
        for sparsity, pattern in ((0.5, None), (None, "2:4")):
            ours_found, paper_found, kept_found = [], [], []
            for seed in seeds:
                dense, calibration = dense_and_calibration(name, "sparsegpt", seed)
                paper = copy.deepcopy(dense)

                def rule(matrix: torch.Tensor, rows: list[torch.Tensor], shape: str | None = pattern) -> torch.Tensor:
                    hessian = Hessian(matrix.shape[1])
                    for one in rows:
                        hessian.add(one)
                    return prune_matrix(matrix, hessian.mean(), 0.5, (2, 4) if shape else None)

                prune_in_turn(paper, calibration, blocks(paper, calibration), rule)
                ours = by_ours(dense, calibration, "sparsegpt", sparsity, pattern)
                ours_found.append(loss(name, ours))
                paper_found.append(loss(name, paper))
                kept_found.append(alike(kept(ours), kept(paper)))
            at = f" at {pattern}" if pattern else ""
            key = "sparsegpt-code"
            yield Compared(key, name, sparsity, "denoising loss" + at, tuple(ours_found), tuple(paper_found))
            yield Compared(key, name, sparsity, "weights kept alike" + at, tuple(kept_found))


def kept(model: torch.nn.Module) -> set[tuple[str, int]]:
    """Name of the layer and place of each weight that is not zero."""
    return {
        (name, place)
        for name, layer in prunable(model).items()
        for place in as_matrix(layer).flatten().nonzero()[:, 0].tolist()
    }

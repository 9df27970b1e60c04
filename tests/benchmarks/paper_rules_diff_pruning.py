"""Diff-Pruning: the first timestep below the threshold, which one of the authors' two scripts includes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence

import torch

from reference_impls.methods import taylor
from reference_impls.methods.diff_pruning import THRESHOLD
from reference_impls.pruning.contract import Request
from reference_impls.pruning.remove_units import owned, remove_lowest
from reference_impls.study.records import Compared
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import groups_of
from tests.benchmarks.rule_losses import by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.diff_pruning import summed_gradients, unit_scores

MODEL, SPARSITY = "unet", 0.3
SQUARES = "with the squares of each timestep summed, as by taylor"


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses of the U-Net at 30%."""
    ours, paper, squares = [], [], []
    for seed in seeds:
        dense, calibration = dense_and_calibration(MODEL, "diff-pruning", seed)
        gradients, counted = summed_gradients(dense, calibration, THRESHOLD, below=True)
        theirs = {
            group.name: torch.tensor(unit_scores(dense, group, gradients, authors_norms=True))
            for group in groups_of(dense)
        }
        informative = type(calibration)(calibration.calls[: counted - 1])
        summed = taylor.squares(dense, informative)
        ours.append(loss(MODEL, by_ours(dense, calibration, "diff-pruning", SPARSITY)))
        paper.append(lowest_removed(dense, theirs))
        squares.append(lowest_removed(dense, {group.name: owned(group, summed) for group in groups_of(dense)}))
    variants = {SQUARES: tuple(squares)}
    yield Compared("diff-pruning-last-step", MODEL, SPARSITY, "denoising loss", tuple(ours), tuple(paper), variants)


def lowest_removed(dense: Denoiser, scores: Mapping[str, torch.Tensor]) -> float:
    """Denoising loss without the units of the lowest scores."""
    model = copy.deepcopy(dense)
    remove_lowest(model, groups_of(model), scores, Request(SPARSITY))
    return loss(MODEL, model)

"""Taylor: squares summed over all weights of a unit, or over its filter alone, or the filter's joint contribution."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.pruning.contract import Request
from reference_impls.pruning.remove_units import remove_lowest
from reference_impls.study.records import Compared
from reference_impls.units.lookup import groups_of
from tests.benchmarks.rule_losses import MODELS, by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.taylor import filter_scores


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 30 and 50%."""
    for name in MODELS:
        found: dict[float, list[list[float]]] = {sparsity: [[], [], []] for sparsity in (0.3, 0.5)}
        for seed in seeds:
            dense, calibration = dense_and_calibration(name, "taylor", seed)
            joint, squares = filter_scores(dense, calibration, groups_of(dense))
            for sparsity, (ours, paper, other) in found.items():
                ours.append(loss(name, by_ours(dense, calibration, "taylor", sparsity)))
                for values, scores in ((paper, squares), (other, joint)):
                    model = copy.deepcopy(dense)
                    tensors = {path: torch.tensor(one) for path, one in scores.items()}
                    remove_lowest(model, groups_of(model), tensors, Request(sparsity))
                    values.append(loss(name, model))
        for sparsity, (ours, paper, other) in found.items():
            variants = {"by Eq. (8)": tuple(other)}
            yield Compared("taylor-filter", name, sparsity, "denoising loss", tuple(ours), tuple(paper), variants)

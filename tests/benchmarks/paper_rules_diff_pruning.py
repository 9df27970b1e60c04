"""Diff-Pruning: squares summed over timesteps, or as the authors' code does, the square of the summed gradients."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.methods.diff_pruning import THRESHOLD, squared_taylor
from reference_impls.pruning.contract import Request
from reference_impls.pruning.remove_units import best_units, owned, remove_lowest
from reference_impls.study.records import Compared
from reference_impls.units.lookup import groups_of
from tests.benchmarks.rule_losses import alike, dense_and_calibration, loss
from tests.reference_impls.paper_rules.diff_pruning import summed_gradients, unit_scores

SUM, NORMS = "diff-pruning-sum", "diff-pruning-norms"
Scores = dict[str, torch.Tensor]


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses of the U-Net at 30%, and how many units are kept by both."""
    for name in ("unet",):
        losses: dict[tuple[float, str], list[float]] = {}
        chosen: dict[tuple[float, str], list[float]] = {}
        for seed in seeds:
            dense, calibration = dense_and_calibration(name, "diff-pruning", seed)
            groups = groups_of(dense)
            squares, _ = squared_taylor(dense, calibration, THRESHOLD)
            gradients, _ = summed_gradients(dense, calibration, THRESHOLD, below=False)
            rules: dict[str, Scores] = {"ours": {group.name: owned(group, squares) for group in groups}}
            for rule, norms in ((SUM, False), (NORMS, True)):
                rules[rule] = {
                    group.name: torch.tensor(unit_scores(dense, group, gradients, authors_norms=norms))
                    for group in groups
                }
            for sparsity in (0.3,):
                kept = {
                    rule: {
                        (group.name, unit)
                        for group in groups
                        for unit in best_units(scores[group.name], sparsity, group.strata)
                    }
                    for rule, scores in rules.items()
                }
                for rule, scores in rules.items():
                    model = copy.deepcopy(dense)
                    remove_lowest(model, groups_of(model), scores, Request(sparsity))
                    losses.setdefault((sparsity, rule), []).append(loss(name, model))
                    chosen.setdefault((sparsity, rule), []).append(alike(kept["ours"], kept[rule]))
        for sparsity in (0.3,):
            ours = tuple(losses[sparsity, "ours"])
            for rule in (SUM, NORMS):
                yield Compared(rule, name, sparsity, "denoising loss", ours, tuple(losses[sparsity, rule]))
                yield Compared(rule, name, sparsity, "units kept alike", tuple(chosen[sparsity, rule]))

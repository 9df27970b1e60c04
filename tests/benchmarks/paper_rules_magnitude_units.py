"""Magnitude of units: with the biases and the columns that read a unit, or of its filter alone, as in the paper."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.methods.prune import calibration_for, prune
from reference_impls.pruning.contract import Request
from reference_impls.pruning.remove_units import remove_lowest
from reference_impls.pruning.units import groups_of
from reference_impls.study.measure import shipped
from reference_impls.study.records import Compared
from reference_impls.testbed.metrics import held_out_loss
from tests.reference_impls.paper_rules.magnitude_units import filter_norms


def measure(_seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses at 50 and 70%; nothing is random."""
    for model, images in (("dit", 497), ("unet", 150)):
        for sparsity in (0.5, 0.7):
            dense, training, held_out = shipped(model)
            ours, paper = copy.deepcopy(dense), copy.deepcopy(dense)
            prune(ours, calibration_for("magnitude-units", dense, training), sparsity, method="magnitude-units")
            groups = groups_of(paper)
            norms = {group.name: torch.tensor(filter_norms(paper, group)) for group in groups}
            remove_lowest(paper, groups, norms, Request(sparsity))
            losses = [round(held_out_loss(one, held_out.first(images)), 5) for one in (ours, paper)]
            yield Compared("magnitude-units-filter", model, sparsity, "denoising loss", (losses[0],), (losses[1],))

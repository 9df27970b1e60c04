"""OBS-Diff on units: removed at once, or as the authors do, one after another with new scores in between."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import pruned_count
from reference_impls.maths.obs import column_scores, remove_columns
from reference_impls.maths.surgery import remove
from reference_impls.pruning.layers import as_matrix, prunable, set_matrix
from reference_impls.study.records import Compared
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import groups_of
from tests.benchmarks.rule_losses import by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.in_turn import rows_of
from tests.reference_impls.paper_rules.obs_diff import hessian_of, remove_units

KEY = "obs-diff-units-one-by-one"


def by_theirs(model: Denoiser, calibration: Calibration, sparsity: float) -> Denoiser:
    """Groups in turn, each read by one layer, as all of the DiT are."""
    for name in [group.name for group in groups_of(model)]:
        group = next(group for group in groups_of(model) if group.name == name)
        (part,) = (part for part in group.parts if part.side == "in")
        layer = prunable(model)[part.layer]
        hessian = hessian_of(rows_of(model, calibration, {part.layer: layer})[part.layer])
        count = min(pruned_count(group.units, sparsity), group.units - 1)
        columns, heads = part.index.tolist(), group.kind == "head"
        gone, matrix = remove_units(as_matrix(layer), hessian, columns, count, heads=heads)
        set_matrix(layer, matrix)
        remove(model, (group, [unit for unit in range(group.units) if unit not in gone]))
    return model


def random_layer(seed: int) -> tuple[float, float]:
    """Error of 96 outputs of 96 inputs after half of the inputs are removed, by both rules, one input at a time."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(96, 96, generator=generator).double()
    mixed = torch.randn(400, 96, generator=generator) @ torch.randn(96, 96, generator=generator)
    hessian = mixed.double().T @ mixed.double() / 400
    once = column_scores(weight, hessian).argsort()[:48]
    ours = remove_columns(weight, once, hessian)
    _, paper = remove_units(weight, hessian, [[column] for column in range(96)], 48, heads=True)
    before = float(((weight @ hessian) * weight).sum())
    first, second = (float((((weight - one) @ hessian) * (weight - one)).sum()) / before for one in (ours, paper))
    return round(first, 6), round(second, 6)


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses of the DiT at 50%; relative error of random layers."""
    for sparsity in (0.5,):
        found: list[list[float]] = [[], []]
        for seed in seeds:
            dense, calibration = dense_and_calibration("dit", "obs-diff-units", seed)
            ours = by_ours(dense, calibration, "obs-diff-units", sparsity)
            paper = by_theirs(copy.deepcopy(dense), calibration, sparsity)
            for values, one in zip(found, (ours, paper), strict=True):
                values.append(loss("dit", one))
        yield Compared(KEY, "dit", sparsity, "denoising loss", tuple(found[0]), tuple(found[1]))
    first, second = zip(*(random_layer(seed) for seed in seeds), strict=True)
    yield Compared(KEY, "random layers, 96×96", 0.5, "squared error relative to that of all weights", first, second)

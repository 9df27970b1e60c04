"""EcoDiff: ranking of units within their group or over all groups of their kind, and masks of different seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import torch

from reference_impls.calls.call import Calibration
from reference_impls.methods import ecodiff
from reference_impls.methods.prune import calibration_for
from reference_impls.pruning.contract import Request
from reference_impls.pruning.remove_units import remove_lowest
from reference_impls.study.measure import shipped
from reference_impls.study.records import Compared
from reference_impls.study.table import FULL
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.units.lookup import groups_of

SPARSITIES = (0.5, 0.7)
MODEL = "dit"

Alphas = Mapping[str, torch.Tensor]
Kept = frozenset[tuple[str, int]]


def learned(model: str, seed: int) -> Alphas:
    """Log alpha, learned as for the published table."""
    dense, images, _ = shipped(model)
    made: Calibration = calibration_for("ecodiff", dense, images, seed=seed, steps=FULL.budgets[model].training_steps)
    return ecodiff.learn(dense, groups_of(dense), made, seed)


@torch.no_grad()
def pruned(model: str, alphas: Alphas, sparsity: float, *, over_groups: bool = True) -> tuple[float, Kept]:
    """Denoising loss of the pruned model, and its units."""
    dense, _, held_out = shipped(model)
    outcome = remove_lowest(dense, groups_of(dense), alphas, Request(sparsity), over_groups=over_groups)
    loss = held_out_loss(dense.eval(), held_out.first(FULL.budgets[model].held_out))
    return round(loss, 5), frozenset((name, unit) for name, units in outcome.kept.items() for unit in units)


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses and agreement of masks at 50 and 70%."""
    units = sum(group.units for group in groups_of(shipped(MODEL)[0]))
    ours = [learned(MODEL, seed) for seed in seeds]
    for sparsity in SPARSITIES:
        losses, masks = zip(*(pruned(MODEL, alphas, sparsity) for alphas in ours), strict=True)
        by_group = tuple(pruned(MODEL, alphas, sparsity, over_groups=False)[0] for alphas in ours)
        yield Compared("ecodiff-ranking", MODEL, sparsity, "denoising loss with ranking=group", by_group, losses)
        alike = tuple(round(1 - len(one ^ other) / units, 4) for one, other in combinations(masks, 2))
        yield Compared("ecodiff-seeds", MODEL, sparsity, "units chosen alike by two seeds", alike)

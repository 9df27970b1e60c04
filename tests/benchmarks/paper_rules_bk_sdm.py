"""BK-SDM: the authors' smaller U-Nets beside ours, and the same blocks with kept shortcuts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

from torch import nn

from reference_impls.methods.prune import calibration_for, prune
from reference_impls.study.measure import shipped
from reference_impls.study.records import Compared
from reference_impls.study.recover import RATE, recover
from reference_impls.study.table import FULL
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.unet import UNet
from tests.reference_impls.paper_rules import bk_sdm as rule

BASE, TINY = 6 / 17, 11 / 17
KEPT = "with --keep-shortcuts"


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """The first size in parameters and one-shot, the third size one-shot, and the first size after recovery."""
    dense, images, held_out = shipped("unet")
    assert isinstance(dense, UNet)
    budget = FULL.budgets["unet"]

    def pruned(sparsity: float, *, keep: bool = False) -> nn.Module:
        model = copy.deepcopy(dense)
        calibration = calibration_for("bk-sdm", dense, images)
        prune(model, calibration, sparsity, method="bk-sdm", keep_shortcuts=keep)
        return model

    def recovered(model: nn.Module, seed: int) -> nn.Module:
        recover(
            model,
            images,
            steps=budget.recovery_steps,
            teacher=dense,
            features="plain",
            batch=budget.recovery_batch,
            seed=seed,
        )
        return model.eval()

    def as_the_authors(seed: int) -> nn.Module:
        steps, batch = budget.recovery_steps, budget.recovery_batch
        return rule.recovered(rule.base(dense), dense, images, steps=steps, batch=batch, rate=RATE, seed=seed)

    def loss(model: nn.Module) -> float:
        return round(held_out_loss(model, held_out.first(budget.held_out)), 5)

    def size(model: nn.Module) -> float:
        return float(sum(value.numel() for value in model.parameters()))

    ours, kept, theirs = pruned(BASE), pruned(BASE, keep=True), rule.base(dense)
    yield Compared(
        "bk-sdm-shortcuts", "unet", BASE, "parameters", (size(ours),), (size(theirs),), {KEPT: (size(kept),)}
    )
    yield Compared(
        "bk-sdm-shortcuts", "unet", BASE, "denoising loss", (loss(ours),), (loss(theirs),), {KEPT: (loss(kept),)}
    )
    third, their_third = pruned(TINY), rule.tiny(dense)
    yield Compared("bk-sdm-resampling", "unet", TINY, "denoising loss", (loss(third),), (loss(their_third),))
    yield Compared(
        "bk-sdm-shortcuts",
        "unet",
        BASE,
        f"denoising loss after {budget.recovery_steps} steps of recovery",
        tuple(loss(recovered(pruned(BASE), seed)) for seed in seeds),
        tuple(loss(as_the_authors(seed)) for seed in seeds),
        {KEPT: tuple(loss(recovered(pruned(BASE, keep=True), seed)) for seed in seeds)},
    )

"""TinyFusion beside the authors' training loop: schedule, rates, rank, and a mask for each sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from reference_impls.methods import tinyfusion
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.pruning.contract import Request
from reference_impls.pruning.skip_blocks import skip_blocks
from reference_impls.study.measure import shipped
from reference_impls.study.records import Compared
from reference_impls.study.table import FULL
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.units.lookup import blocks_of
from tests.benchmarks.rule_losses import IMAGES
from tests.reference_impls.paper_rules.tinyfusion import learned_options

MODEL = "dit"
"""The authors' code is for transformers; the blocks of the U-Net change the width of the stream."""


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses, and blocks chosen otherwise, at 50% of the blocks, from the same batches."""
    budget = FULL.budgets[MODEL]
    for sparsity in (0.5,):
        losses: list[tuple[float, float]] = []
        differ: list[float] = []
        for seed in seeds:
            ours, images, held_out = shipped(MODEL)
            theirs = shipped(MODEL)[0]
            batches = calibration_for("tinyfusion", ours, images, seed=seed, steps=budget.training_steps)
            names = [block.name for block in blocks_of(ours)]
            ways = tinyfusion.all_ways(len(names), round(sparsity * len(names)))
            options, start = [], 0
            for group in ways:
                members = range(start, min(start + tinyfusion.SIZE, len(names)))
                options.append(torch.tensor([[float(block in way) for block in members] for way in group]))
                start = members.stop
            chosen = learned_options(theirs, names, options, batches.calls, seed)
            kept = {block for group, choice in zip(ways, chosen, strict=True) for block in group[choice]}
            gone = set(range(len(names))) - kept
            skip_blocks(theirs, blocks_of(theirs), gone, Request(sparsity))
            report = prune(ours, batches, sparsity, method="tinyfusion", seed=seed)
            both = [held_out_loss(model.eval(), held_out.first(IMAGES)) for model in (ours, theirs)]
            losses.append((round(both[0], 5), round(both[1], 5)))
            differ.append(float(len({names[number] for number in gone} - set(report.dropped))))
        ours_losses, their_losses = zip(*losses, strict=True)
        yield Compared("tinyfusion-loop", MODEL, sparsity, "denoising loss", ours_losses, their_losses)
        same = tuple(1 - count / round(sparsity * len(names)) for count in differ)
        yield Compared("tinyfusion-loop", MODEL, sparsity, "removed blocks chosen alike", same)

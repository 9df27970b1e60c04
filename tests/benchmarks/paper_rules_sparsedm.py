"""SparseDM: Adam under half a cosine, or AdamW as in the authors' code."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch

from reference_impls.maths.masks import Pattern, keep_pattern
from reference_impls.study.records import Compared
from tests.benchmarks.rule_losses import by_ours, dense_and_calibration, loss
from tests.reference_impls.paper_rules.sparsedm import BETAS, RATE, WEIGHT_DECAY, train


def fast_mask(weight: torch.Tensor, n: int, m: int) -> torch.Tensor:
    """As the slow ``mask_of`` on a linear layer, but fast: a test compares them."""
    return keep_pattern(weight.detach().abs(), Pattern(n, m))


def measure(seeds: Sequence[int]) -> Iterator[Compared]:
    """Denoising losses of the DiT at 2:4, without the authors' warm-up of 2,500 steps."""
    ours, paper = [], []
    for seed in seeds:
        dense, calibration = dense_and_calibration("dit", "sparsedm", seed)
        ours.append(loss("dit", by_ours(dense, calibration, "sparsedm", None, "2:4")))
        model = copy.deepcopy(dense)
        adamw = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, betas=BETAS)
        train(model, calibration, 2, 4, adamw, mask=fast_mask)
        paper.append(loss("dit", model))
    yield Compared("sparsedm-optimizer", "dit", None, "denoising loss at 2:4", tuple(ours), tuple(paper))

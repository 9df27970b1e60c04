"""Layer-wise sparsity search by evolution.  Sieberling et al., 2024, arXiv:2410.14649 (EvoPress).

Maths   A candidate is a sparsity for each layer; the sparsity of all layers together is fixed. A child moves one step
        of sparsity from one layer of its parent to another; of the parent and its children the one with the smallest
        loss becomes the next parent (a 1 + lambda strategy, section 3).
Differs from the paper: one round of selection a generation, and the loss is the task's on training images.
Raises  ValueError if the sparsity leaves no room to move.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import prunable

STEP = 0.15
"""Fraction of the smaller of two layers whose pruned weights a mutation moves."""


def search(
    model: nn.Module,
    calibration: Calibration,
    sparsity: float,
    *,
    generations: int = 30,
    children: int = 4,
    method: str = "magnitude",
    seed: int = 0,
) -> dict[str, float]:
    """Sparsity of each layer, the best found; the model is not changed.

    Args:
        model: the dense model.
        calibration: batches with targets, on which the candidates compete.
        sparsity: of all prunable weights together.
        generations: rounds.
        children: candidates of a round.
        method: an unstructured method.
        seed: fixes the mutations.

    Raises:
        ValueError: see ``prune``; or the calibration has no targets.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = {name: layer.weight.numel() for name, layer in prunable(model).items()}
    best = dict.fromkeys(sizes, sparsity)
    least = loss_of(model, calibration, sparsity, best, method)
    for _ in range(generations):
        for child in [mutated(best, sizes, generator) for _ in range(children)]:
            loss = loss_of(model, calibration, sparsity, child, method)
            if loss < least:
                best, least = child, loss
    return best


def mutated(shares: dict[str, float], sizes: dict[str, int], generator: torch.Generator) -> dict[str, float]:
    """A copy with more pruned weights in some layers and as many fewer in others; sparsities stay in [0, 1]."""
    names = list(shares)
    child = dict(shares)
    for _ in range(1 + int(torch.randint(3, (1,), generator=generator))):
        more, less = (names[int(i)] for i in torch.randperm(len(names), generator=generator)[:2])
        weights = STEP * min(sizes[more], sizes[less])
        weights = min(weights, (1 - child[more]) * sizes[more], child[less] * sizes[less])
        child[more] = min(1.0, child[more] + weights / sizes[more])
        child[less] = max(0.0, child[less] - weights / sizes[less])
    return child


@torch.no_grad()
def loss_of(
    model: nn.Module, calibration: Calibration, sparsity: float, shares: dict[str, float], method: str
) -> float:
    """Mean loss of the model pruned with these sparsities."""
    candidate = copy.deepcopy(model)
    prune(candidate, calibration, sparsity, method=method, shares=shares)
    return sum(batch.loss(candidate).item() for batch in calibration) / len(calibration.calls)

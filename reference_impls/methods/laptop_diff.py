"""LAPTOP-Diff: layers by an additive output loss, as a knapsack.  Zhang et al., 2024, arXiv:2404.11098, section 3.

Maths   L_i = E |model(x) - model without i (x)|^2; the loss of removing several is taken as the sum of theirs (Eq. 5),
        so the best set minimises the sum of L_i over the removed blocks, subject to removing at least the requested
        fraction of parameters.
Differs from the paper: blocks of the testbed instead of single layers; sparsity is the fraction of the parameters that
        can be removed. A block of the U-Net is removed with its shortcut and its skip connection; where the width of
        the stream changes, those columns of the shortcut stay that read the stream. `--keep-shortcuts` keeps both.
        There is no public code. Its recovery is ``recover(..., features="normalised")``.
Shapes  forward passes of a sampler -> one loss a block.   Cost  one pass over the calibration data a block.
Raises  ValueError if the sparsity is not in [0, 1], a pattern, a scope other than "layer" or sparsities of single
        layers are requested, the blocks of the model are not known, or an output is not finite.
Run     python -m reference_impls prune --method laptop-diff --model dit --sparsity 0.5 --out build/laptop-diff
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.hooks import replaced
from reference_impls.maths.masks import check_finite
from reference_impls.maths.surgery import Block, replacement
from reference_impls.pruning.chosen import blocks_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.skip_blocks import skip_blocks


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Remove the set of blocks with the requested fraction of parameters and the smallest sum of losses."""
    blocks, keep = blocks_to_prune(model, request), request.keep_shortcuts
    losses = check_finite("output losses of the blocks", output_losses(model, blocks, calibration, keep)).tolist()
    weights = [freed(model, block, keep) for block in blocks]
    gone = cheapest(losses, weights, math.ceil(round(request.sparsity * sum(weights), 6)))  # .55 * 20 is above 11
    return skip_blocks(model, blocks, gone, request)


@torch.no_grad()
def output_losses(
    model: nn.Module, blocks: Sequence[Block], calibration: Calibration, keep_shortcuts: bool = False
) -> torch.Tensor:
    """L_i of each block, (blocks,)."""
    dense = [batch.run(model) for batch in calibration]
    losses = torch.zeros(len(blocks), dtype=torch.float64)
    for index, block in enumerate(blocks):
        without = replacement(model, block, keep_shortcuts=keep_shortcuts)
        with replaced({model.get_submodule(block.name): without.forward}):
            for batch, output in zip(calibration, dense, strict=True):
                losses[index] += (batch.run(model) - output).double().square().mean()
    return losses / len(dense)


def freed(model: nn.Module, block: Block, keep_shortcuts: bool = False) -> int:
    """Parameters that are removed with a block: all but those of its replacement."""
    stays = replacement(model, block, keep_shortcuts=keep_shortcuts).parameters()
    whole = model.get_submodule(block.name).parameters()
    return sum(value.numel() for value in whole) - sum(value.numel() for value in stays)


def cheapest(losses: Sequence[float], weights: Sequence[int], least: float) -> set[int]:
    """The set of items with the smallest sum of losses whose weights sum to ``least`` or more.

    Exact: of the sets of the first items, the Pareto-optimal ones are kept, by rising loss.
    """
    best: list[tuple[float, int, frozenset[int]]] = [(0.0, 0, frozenset())]  # (loss, weight, items)
    for item, (loss, weight) in enumerate(zip(losses, weights, strict=True)):
        grown = [(cost + loss, mass + weight, chosen | {item}) for cost, mass, chosen in best]
        heaviest, unbeaten = -1, []
        for choice in sorted(best + grown, key=lambda choice: (choice[0], -choice[1])):
            if choice[1] > heaviest:
                unbeaten.append(choice)
                heaviest = choice[1]
        best = unbeaten
    return set(next(choice for choice in best if choice[1] >= least)[2])

"""The step that depth methods share: the blocks to remove -> each is replaced by a ``Skip``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import nn

from reference_impls.maths.masks import check_finite, pruned_count
from reference_impls.maths.surgery import Block, skip
from reference_impls.pruning.contract import Outcome, Request


def count_of(blocks: Sequence[Block], request: Request) -> int:
    """How many blocks to remove: the nearest whole number, halves up; possibly all."""
    return pruned_count(len(blocks), request.sparsity)


def skip_blocks(model: nn.Module, blocks: Sequence[Block], gone: Collection[int], request: Request) -> Outcome:
    """Remove the blocks of these numbers; returns their names in model order."""
    chosen = [block for index, block in enumerate(blocks) if index in gone]
    skip(model, chosen, keep_shortcuts=request.keep_shortcuts)
    return Outcome(dropped=[block.name for block in chosen])


def skip_lowest(model: nn.Module, blocks: Sequence[Block], scores: torch.Tensor, request: Request) -> Outcome:
    """Remove the blocks with the lowest scores; of equal ones the earlier.

    Raises:
        ValueError: a score is not finite; nothing is changed.
    """
    order = check_finite("scores of the blocks", scores).argsort(stable=True)
    return skip_blocks(model, blocks, set(order[: count_of(blocks, request)].tolist()), request)

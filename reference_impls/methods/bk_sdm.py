"""BK-SDM: remove blocks by a fixed rule, recover by distillation.  Kim et al., 2023, arXiv:2305.15798, section 3.

Maths   U-Net, removed in this order: of each resolution the second block of the down path and those between the first
        and the last of the up path, then the middle, then the remaining ones, from the innermost resolution on (Base,
        Small, Tiny in this order): the last block of an up path is kept, since it takes the oldest skip connection. A
        stack of equal blocks: every second one, from the second on. Recovery: task + output + feature losses (Eq. 1
        to 4), which is ``recover(..., teacher=dense, features="plain")``.
        A block is removed with its shortcut and its skip connection.
Differs from the paper: it has three sizes; here the sparsity decides how many blocks of this order are removed, and
        the third size, which also removes the layers that resample, keeps them. After the third size come blocks that
        change the width of the stream; those columns of their shortcut stay that read the stream. Transformers are
        not in the paper. `--keep-shortcuts` keeps the shortcut and the skip connection of a removed block.
Shapes  no data -> names of blocks.   Cost  nothing; the paper spends it all on recovery.
Raises  ValueError if the sparsity is not in [0, 1], a pattern, a scope other than "layer" or sparsities of single
        layers are requested, or the blocks of the model are not known.
Run     python -m reference_impls prune --method bk-sdm --model dit --sparsity 0.5 --out build/bk-sdm
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, zip_longest

from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.surgery import Block
from reference_impls.pruning.chosen import blocks_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.skip_blocks import count_of, skip_blocks
from reference_impls.units.lookup import blocks_of

PLACE = re.compile(r"(?P<part>down|mid|up)(?:dle|_blocks?\.?(?P<level>\d*)\.\w+)?\.(?P<place>\d+)$")
"""Blocks of the testbed, as in ``down.3``, and of diffusers, as in ``down_blocks.0.attentions.1``."""


def prune(model: nn.Module, _calibration: Calibration | None, request: Request) -> Outcome:
    """Remove the first blocks of the rule's order."""
    blocks, every = blocks_to_prune(model, request), blocks_of(model)
    places = {block.name: number for number, block in enumerate(blocks)}
    first = [places[every[number].name] for number in order(every) if every[number].name in places]
    return skip_blocks(model, blocks, set(first[: count_of(blocks, request)]), request)


def order(blocks: Sequence[Block]) -> list[int]:
    """Numbers of the blocks in the order of their removal."""
    levels: dict[str, list[list[list[int]]]] = {"down": [], "mid": [], "up": []}
    last: tuple[str, str, int] = ("", "", -2)
    for number, block in enumerate(blocks):
        match = PLACE.match(block.name)
        if match is None:
            odd = list(range(1, len(blocks), 2))
            return odd + [number for number in range(len(blocks)) if number not in odd]
        part, level, place = match["part"], match["level"] or "", int(match["place"])
        if last[:2] != (part, level) or place > last[2] + 1:  # a layer that resamples: a new resolution begins
            levels[part].append([])
        if last != (part, level, place):
            levels[part][-1].append([])
        levels[part][-1][-1].append(number)  # of diffusers: a residual block, then the attention behind it
        last = (part, level, place)
    seconds = [number for level in levels["down"] for place in level[1:] for number in place]
    between = [number for level in levels["up"] for place in level[1:-1] for number in place]
    middle = [number for level in levels["mid"] for place in level for number in place]
    left = [
        number
        for pair in zip_longest(reversed(levels["down"]), levels["up"], fillvalue=())  # from the innermost on
        for number in chain(*chain(*pair))
        if number not in {*seconds, *between}
    ]
    return seconds + between + middle + left

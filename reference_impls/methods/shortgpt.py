"""ShortGPT: remove blocks that change the stream least.  Men et al., 2024, arXiv:2403.03853, section 3.1, Eq. (1).

Maths   BI_i = 1 - E[ cos(x_in, x_out) ] of block i, over all tokens (or pixels) of all forward passes; blocks with the
        lowest are removed.
Differs from the paper: the forward passes are those of a sampler, and every timestep counts the same. The paper
        prunes language models. Of the U-Net, x_in is the stream without the skip connection; where a block changes the
        width of the stream, the columns of its shortcut that read the stream make x_in. With `--keep-shortcuts`, x_in
        is the output of the whole shortcut.
Shapes  streams (n, ..., width) -> one score a block.   Cost  forward passes only.
Raises  ValueError if the sparsity is not in [0, 1], a pattern, a scope other than "layer" or sparsities of single
        layers are requested, the blocks of the model are not known, or a stream is not finite.
Run     python -m reference_impls prune --method shortgpt --model dit --sparsity 0.5 --out build/shortgpt
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from reference_impls.calls.call import Calibration
from reference_impls.maths.hooks import Hook, hooked
from reference_impls.maths.surgery import Block, Skip, replacement, streams
from reference_impls.pruning.chosen import blocks_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.skip_blocks import skip_lowest


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Remove the blocks whose output is most similar to their input."""
    blocks = blocks_to_prune(model, request)
    scores = block_influence(model, blocks, calibration, request.keep_shortcuts)
    return skip_lowest(model, blocks, scores, request)


@torch.no_grad()
def block_influence(
    model: nn.Module, blocks: tuple[Block, ...], calibration: Calibration, keep_shortcuts: bool = False
) -> torch.Tensor:
    """BI of each block, (blocks,)."""
    influence = torch.zeros(len(blocks), dtype=torch.float64)

    def hook(index: int, skip: Skip) -> Hook:
        def see(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            pairs = zip(streams(skip(*inputs, **named)), streams(output), strict=True)
            similar = [
                functional.cosine_similarity(_vectors(before), _vectors(after), dim=1)
                for before, after in pairs
                if after is not None  # the last block of Stable Diffusion 3 has no text to give
            ]
            influence[index] += 1 - float(torch.cat(similar).mean())

        return see

    hooks = []
    for index, block in enumerate(blocks):
        skip = replacement(model, block, keep_shortcuts=keep_shortcuts)
        hooks.append((model.get_submodule(block.name), hook(index, skip)))
    with hooked(hooks, named=True):
        for batch in calibration:
            batch.run(model)
    return influence / len(calibration.calls)


def _vectors(stream: torch.Tensor) -> torch.Tensor:
    """Tokens (n, tokens, width) or pixels (n, channels, h, w) -> (all of them, width), in float64."""
    flat = stream.flatten(2).transpose(1, 2) if stream.dim() == 4 else stream
    return flat.reshape(-1, flat.shape[-1]).double()

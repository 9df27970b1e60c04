"""The testbed's models with few weights, all random: for what does not depend on training, in milliseconds."""

from typing import Literal, overload

import torch

from reference_impls.testbed.dit import DiT
from reference_impls.testbed.models import Denoiser
from reference_impls.testbed.unet import UNet


@overload
def small(name: Literal["dit"], *, depth: int = 3) -> DiT: ...
@overload
def small(name: Literal["unet"]) -> UNet: ...
@overload
def small(name: str, *, depth: int = 3) -> Denoiser: ...
def small(name: str, *, depth: int = 3) -> Denoiser:
    """A model for pictures of 8x8 in which every layer has a say, the same in each call; the depth is the DiT's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DiT(width=32, depth=depth, hidden=64) if name == "dit" else UNet(8, 16, (1, 2), 1, (4,))
        with torch.no_grad():
            for value in model.parameters():  # layers that start at zero would hide every mistake behind them
                if value.dim() > 1:
                    value.normal_(std=0.15)
    return model.eval()

"""DiT as its authors wrote it.  Peebles and Xie, 2023, arXiv:2212.09748, section 3; for counting only.

The class of diffusers gives every block an embedder of its own, and so counts 75 million parameters more. TinyDiT and
other depth-pruned models are this one with fewer blocks.
"""

from __future__ import annotations

import torch
from torch import nn

FREQUENCIES = 256
"""Width of the sinusoidal embedding of time."""


class Block(nn.Module):
    """The layers of one adaLN-zero block."""

    def __init__(self, width: int) -> None:
        """Make them."""
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.modulation = nn.Linear(width, 6 * width)


class OriginalDiT(nn.Module):
    """All layers of the model; it has no forward pass.

    Args:
        width: size of a token.
        depth: number of blocks.
        patch: side of a patch of latents.
        side: side of the latents.
        channels: of the latents; the output has twice as many, for mean and variance.
        classes: one more is learned, for no class.
    """

    def __init__(
        self, width: int, depth: int, patch: int = 2, side: int = 32, channels: int = 4, classes: int = 1_000
    ) -> None:
        """Make them."""
        super().__init__()
        self.patchify = nn.Conv2d(channels, width, patch, stride=patch)
        self.position = nn.Parameter(torch.empty(1, (side // patch) ** 2, width), requires_grad=False)
        self.time = nn.Sequential(nn.Linear(FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, patch * patch * 2 * channels)

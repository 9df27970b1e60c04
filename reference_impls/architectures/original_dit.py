"""DiT as its authors wrote it.  Peebles and Xie, 2023, arXiv:2212.09748, section 3; for counting only.

The class of diffusers gives every block an embedder of its own, and so counts 75 million parameters more. TinyDiT and
other depth-pruned models are this one with fewer blocks.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

FREQUENCIES = 256
"""Width of the sinusoidal embedding of time."""


class Block(nn.Module):
    """One adaLN-zero block."""

    def __init__(self, width: int, heads: int) -> None:
        """Make the layers."""
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(N, T, width) and (N, width) -> (N, T, width)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(functional.silu(condition))[:, None].chunk(
            6, dim=2
        )  # each (N, 1, width)
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (N, heads, T, width / heads)
            for part in self.qkv(self.norm(x) * (1 + scale1) + shift1).chunk(3, dim=2)
        )
        attended = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (N, T, width)
        x = x + gate1 * self.out(attended)
        inner = functional.gelu(self.up(self.norm(x) * (1 + scale2) + shift2), approximate="tanh")
        result: torch.Tensor = x + gate2 * self.down(inner)
        return result


class OriginalDiT(nn.Module):
    """The whole model.

    Args:
        width: size of a token.
        depth: number of blocks.
        heads: of attention in each block.
        patch: side of a patch of latents.
        side: side of the latents.
        channels: of the latents; the output has twice as many, for mean and variance.
        classes: one more is learned, for no class.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int = 16,
        patch: int = 2,
        side: int = 32,
        channels: int = 4,
        classes: int = 1_000,
    ) -> None:
        """Make the layers."""
        super().__init__()
        self.patchify = nn.Conv2d(channels, width, patch, stride=patch)
        self.position = nn.Parameter(torch.empty(1, (side // patch) ** 2, width), requires_grad=False)
        self.time = nn.Sequential(nn.Linear(FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, patch * patch * 2 * channels)

    def forward(self, sample: torch.Tensor, frequencies: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """One call, up to the patches that would be put together.

        Args:
            sample: latents (N, channels, side, side).
            frequencies: the sines and cosines of the time (N, 256).
            label: class (N,).

        Returns:
            (N, T, patch * patch * 2 * channels), T patches.
        """
        x = self.patchify(sample).flatten(2).transpose(1, 2) + self.position  # (N, T, width)
        condition = self.time(frequencies) + self.label(label.long())
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(functional.silu(condition))[:, None].chunk(2, dim=2)
        return self.head(self.norm(x) * (1 + scale) + shift)

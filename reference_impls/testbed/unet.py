"""A diffusion U-Net for 16x16 digits.  Ho et al., 2020, arXiv:2006.11239, appendix B, made small.

Three resolutions of 32, 64 and 64 channels, two residual blocks each, attention at 8x8 and 4x4, skip connections from
the way down to the way up. The time and the class are added inside each residual block.
Units that can go without touching the residual stream: an inner channel of a residual block (whole GroupNorm groups
exactly, single channels up to the statistics of their group), an attention head.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from reference_impls.maths.surgery import Skip
from reference_impls.testbed.data import CLASSES
from reference_impls.testbed.embeddings import Condition

GROUPS = 8


class ResBlock(nn.Module):
    """Two 3×3 convolutions with GroupNorm and SiLU, the condition between them, and a shortcut around."""

    def __init__(self, channels_in: int, channels_out: int, condition: int) -> None:
        """Make the layers; the second convolution starts at zero, so that a new block is its shortcut."""
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.condition = nn.Linear(condition, channels_out)
        self.norm2 = nn.GroupNorm(GROUPS, channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()
        for value in self.conv2.parameters():
            nn.init.zeros_(value)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(n, channels_in, h, w), (n, condition) -> (n, channels_out, h, w)."""
        inner = self.conv1(functional.silu(self.norm1(x)))
        inner = inner + self.condition(functional.silu(condition))[:, :, None, None]
        return self.shortcut(x) + self.conv2(functional.silu(self.norm2(inner)))


class SpatialAttention(nn.Module):
    """Self-attention over the pixels of a small image, with a shortcut around."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        """Make the layers; ``heads`` divides ``channels``."""
        super().__init__()
        self.heads, self.head_size = heads, channels // heads
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) -> the same shape."""
        n, channels, height, width = x.shape
        pixels = self.norm(x).flatten(2).transpose(1, 2)  # (n, h*w, channels)
        q, k, v = self.qkv(pixels).view(n, height * width, 3, self.heads, self.head_size).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)  # (n, heads, h*w, head_size)
        pixels = self.out(mixed.transpose(1, 2).reshape(n, height * width, self.heads * self.head_size))
        return x + pixels.transpose(1, 2).reshape(n, channels, height, width)


class Stage(nn.Module):
    """A residual block, with attention after it where the image is small enough."""

    def __init__(self, channels_in: int, channels_out: int, condition: int, attention: bool, skipped: int = 0) -> None:
        """Make the layers; the last ``skipped`` channels of the input are a skip connection."""
        super().__init__()
        self.skipped = skipped
        self.block = ResBlock(channels_in, channels_out, condition)
        self.attention = SpatialAttention(channels_out) if attention else nn.Identity()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Block, then attention."""
        return self.attention(self.block(x, condition))


class UNet(nn.Module):
    """The whole model: noisy image, time and class -> v.

    Args:
        side: pixels of a side; a multiple of 4.
        channels: channels of the largest resolution.
        multipliers: channels of each resolution, as multiples.
        blocks: residual blocks of each resolution on the down path; one more on the up path.
        attention_sides: resolutions with attention.
        classes: number of classes.
    """

    def __init__(
        self,
        side: int = 16,
        channels: int = 32,
        multipliers: tuple[int, ...] = (1, 2, 2),
        blocks: int = 2,
        attention_sides: tuple[int, ...] = (8, 4),
        classes: int = CLASSES,
    ) -> None:
        """Make the layers."""
        super().__init__()
        self.side = side
        width = 4 * channels
        self.condition = Condition(width, classes)
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        now, skips = channels, [channels]
        for level, multiplier in enumerate(multipliers):
            attention = side >> level in attention_sides
            for _ in range(blocks):
                self.down.append(Stage(now, channels * multiplier, width, attention))
                now = channels * multiplier
                skips.append(now)
            if level < len(multipliers) - 1:
                self.down.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                skips.append(now)
        self.middle = nn.ModuleList([Stage(now, now, width, True), Stage(now, now, width, False)])
        for level, multiplier in reversed(list(enumerate(multipliers))):
            attention = side >> level in attention_sides
            for _ in range(blocks + 1):
                skipped = skips.pop()
                self.up.append(Stage(now + skipped, channels * multiplier, width, attention, skipped))
                now = channels * multiplier
            if level:
                self.up.append(nn.Conv2d(now, now, 3, padding=1))
        self.norm = nn.GroupNorm(GROUPS, now)
        self.last = nn.Conv2d(now, 1, 3, padding=1)
        for value in self.last.parameters():
            nn.init.zeros_(value)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """(n, 1, side, side), (n,), (n,) -> v (n, 1, side, side)."""
        condition = self.condition(t, label)  # (n, width)
        x = self.first(x)
        skips = [x]
        for layer in self.down:
            x = layer(x, condition) if isinstance(layer, (Stage, Skip)) else layer(x)
            skips.append(x)
        for layer in self.middle:
            x = layer(x, condition)
        for layer in self.up:
            if isinstance(layer, (Stage, Skip)):
                x = layer(torch.cat([x, skips.pop()], dim=1), condition)
            else:
                x = layer(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.last(functional.silu(self.norm(x)))

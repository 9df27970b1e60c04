"""The U-Net of DDPM as the code of DDIM writes it.  Song et al., 2020, arXiv:2010.02502; for counting only.

It has the layers of diffusers' UNet2DModel, but attention projects with 1×1 convolutions. Diff-Pruning prunes this
class, so its models are this one with other widths. torch-pruning takes equally many channels from each of the 32
groups of a norm, which rounds their number; channels that no norm reads are pruned exactly by the ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

GROUPS = 32
"""Of every norm."""


class Attention(nn.Module):
    """One head over all positions."""

    def __init__(self, width: int, inner: int) -> None:
        """Make the layers; inner is the width of queries, keys and values."""
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.q, self.k, self.v = (nn.Conv2d(width, inner, 1) for _ in range(3))
        self.out = nn.Conv2d(inner, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width, H, W) -> the same."""
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2) for layer in (self.q, self.k, self.v))  # (N, inner, H*W)
        weights = torch.bmm(q.transpose(1, 2), k).mul(q.shape[1] ** -0.5).softmax(2)  # (N, H*W, H*W)
        attended = torch.bmm(v, weights.transpose(1, 2)).unflatten(2, x.shape[2:])  # (N, inner, H, W)
        return x + self.out(attended)


class Block(nn.Module):
    """Two convolutions with the time added in between, a shortcut, and on some levels attention.

    Args:
        inputs: channels that come in.
        width: channels between the convolutions.
        outputs: channels that go out.
        time: width of the time embedding.
        inner: width inside attention; None for no attention.
    """

    def __init__(self, inputs: int, width: int, outputs: int, time: int, inner: int | None) -> None:
        """Make the layers."""
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1)
        self.time = nn.Linear(time, width)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, outputs, 3, padding=1)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.attention = nn.Identity() if inner is None else Attention(outputs, inner)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) and (N, time) -> (N, outputs, H, W)."""
        h = self.conv1(functional.silu(self.norm1(x))) + self.time(functional.silu(time))[:, :, None, None]
        h = self.shortcut(x) + self.conv2(functional.silu(self.norm2(h)))
        return self.attention(h)


class Down(nn.Module):
    """Halve height and width; padded on the right and below only."""

    def __init__(self, width: int) -> None:
        """Make the layer."""
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width, H, W) -> (N, width, H/2, W/2)."""
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    """Double height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make the layer."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, 2H, 2W)."""
        return self.conv(functional.interpolate(x, scale_factor=2.0))


class DDIMUNet(nn.Module):
    """The whole model.

    Args:
        widths: channels of each level, from the finest to the coarsest.
        time: width of the time embedding.
        attention: levels whose blocks end in attention, counted from 0; the middle always has it.
        unnormed: for each level, the width of channels that no norm reads: those inside attention, and those
            between the last block of the up path and its upsampling if that block has no attention. As the widths
            where not given; they differ after pruning.
        frequencies: sines and cosines of the time, which are no weights and so are not pruned.
        blocks: of each level on the down path; one more on the up path.
        channels: of the image.
    """

    def __init__(
        self,
        widths: Sequence[int],
        time: int,
        attention: Sequence[int],
        unnormed: Sequence[int] | None = None,
        frequencies: int = 128,
        blocks: int = 2,
        channels: int = 3,
    ) -> None:
        """Make the layers, in the order in which they run."""
        super().__init__()
        unnormed = unnormed or widths
        coarsest = len(widths) - 1
        inside = [unnormed[level] if level in attention else None for level in range(len(widths))]
        self.frequencies = frequencies
        self.embedding = nn.Sequential(nn.Linear(frequencies, time), nn.SiLU(), nn.Linear(time, time))
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1)

        now, skips = widths[0], [widths[0]]
        self.down = nn.ModuleList()
        for level, width in enumerate(widths):
            for _ in range(blocks):
                self.down.append(Block(now, width, width, time, inside[level]))
                now = width
                skips.append(now)
            if level != coarsest:
                self.down.append(Down(now))
                skips.append(now)

        self.middle = nn.ModuleList((Block(now, now, now, time, unnormed[-1]), Block(now, now, now, time, None)))

        self.up = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for block in range(blocks + 1):
                upsampled_next = block == blocks and level > 0
                outputs = unnormed[level] if upsampled_next and inside[level] is None else width
                self.up.append(Block(now + skips.pop(), width, outputs, time, inside[level]))
                now = outputs
            if level > 0:
                self.up.append(Up(now, width))
                now = width
        self.norm = nn.GroupNorm(GROUPS, now)
        self.last = nn.Conv2d(now, channels, 3, padding=1)

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """(N, channels, H, W) and (N,) -> (N, channels, H, W)."""
        half = self.frequencies // 2
        rates = torch.exp(torch.arange(half, device=sample.device) * (-math.log(10_000) / (half - 1)))
        angles = timestep[:, None] * rates  # (N, half)
        time = self.embedding(torch.cat((angles.sin(), angles.cos()), 1))

        x = self.first(sample)
        skips = [x]
        for layer in self.down:
            x = layer(x, time) if isinstance(layer, Block) else layer(x)
            skips.append(x)
        for layer in self.middle:
            x = layer(x, time)
        for layer in self.up:
            x = layer(torch.cat((x, skips.pop()), 1), time) if isinstance(layer, Block) else layer(x)
        return self.last(functional.silu(self.norm(x)))

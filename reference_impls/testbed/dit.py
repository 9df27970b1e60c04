"""A diffusion transformer for 8x8 digits, small enough for a laptop.  Peebles and Xie, 2023, arXiv:2212.09748.

Patches of 2x2 become 16 tokens of width 96; eight blocks of attention (4 heads) and feed-forward (4x) follow, each
modulated by the condition (adaLN-zero, section 3.2); a last modulated layer predicts v for each patch.
Units that can go without touching the residual stream: an attention head, a feed-forward neuron, a whole block.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

from reference_impls.testbed.data import CLASSES
from reference_impls.testbed.embeddings import Condition


class Attention(nn.Module):
    """Self-attention over tokens: (n, tokens, width) -> (n, tokens, width).

    The size of a head is kept apart from width / heads, so that whole heads can be removed and the scale of the
    others stays as it was.
    """

    def __init__(self, width: int, heads: int) -> None:
        """Make the layers; ``heads`` divides ``width``."""
        super().__init__()
        self.heads, self.head_size = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the tokens."""
        n, tokens, _ = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, self.head_size).permute(2, 0, 3, 1, 4)  # (n, h, tokens, d)
        mixed = functional.scaled_dot_product_attention(q, k, v)  # (n, h, tokens, d)
        return self.out(mixed.transpose(1, 2).reshape(n, tokens, self.heads * self.head_size))


class FeedForward(nn.Sequential):
    """Two layers with a GELU between, on each token alone."""

    up: nn.Linear
    down: nn.Linear

    def __init__(self, width: int, hidden: int) -> None:
        """Make the layers."""
        super().__init__(
            OrderedDict(
                up=nn.Linear(width, hidden), activation=nn.GELU(approximate="tanh"), down=nn.Linear(hidden, width)
            )
        )


class Block(nn.Module):
    """Attention and feed-forward, each shifted, scaled and gated by the condition."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        """Make the layers; the gates start at zero, so that a new block is the identity."""
        super().__init__()
        self.attention = Attention(width, heads)
        self.feed_forward = FeedForward(width, hidden)
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Tokens (n, tokens, width) and condition (n, width) -> tokens."""
        parts = self.modulation(functional.silu(condition))[:, None].chunk(6, dim=-1)  # six of (n, 1, width)
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = parts
        x = x + gate_a * self.attention(self.norm(x) * (1 + scale_a) + shift_a)
        return x + gate_f * self.feed_forward(self.norm(x) * (1 + scale_f) + shift_f)


class DiT(nn.Module):
    """The whole model: noisy image, time and class -> v.

    Args:
        side: pixels of a side; ``patch`` divides it.
        patch: pixels of a patch's side.
        width: size of a token.
        depth: number of blocks.
        heads: heads of each attention.
        hidden: neurons of each feed-forward part.
        classes: number of classes.
    """

    def __init__(
        self,
        side: int = 8,
        patch: int = 2,
        width: int = 96,
        depth: int = 8,
        heads: int = 4,
        hidden: int = 384,
        classes: int = CLASSES,
    ) -> None:
        """Make the layers."""
        super().__init__()
        self.side, self.patch = side, patch
        self.patchify = nn.Conv2d(1, width, patch, stride=patch)
        self.position = nn.Parameter(torch.randn(1, (side // patch) ** 2, width) * 0.02)
        self.condition = Condition(width, classes)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, patch * patch)
        for layer in (self.modulation, self.head):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """(n, 1, side, side), (n,), (n,) -> v (n, 1, side, side)."""
        condition = self.condition(t, label)  # (n, width)
        tokens = self.patchify(x).flatten(2).transpose(1, 2) + self.position  # (n, tokens, width)
        for block in self.blocks:
            tokens = block(tokens, condition)
        shift, scale = self.modulation(functional.silu(condition))[:, None].chunk(2, dim=-1)
        patches = self.head(self.norm(tokens) * (1 + scale) + shift)  # (n, tokens, patch^2)
        return functional.fold(patches.transpose(1, 2), (self.side, self.side), self.patch, stride=self.patch)

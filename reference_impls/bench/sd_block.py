"""The transformer block of Stable Diffusion 1.4, for its time.  Rombach et al., 2022, arXiv:2112.10752, section 3.3.

Self-attention over pixels, attention to the 77 tokens of a text encoder, and a gated feed-forward part (GEGLU), each
with a LayerNorm before it and a shortcut around it; layer for layer as in the released checkpoint.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """Queries from one sequence, keys and values from another."""

    def __init__(self, width: int, context: int, heads: int) -> None:
        """Make the layers; ``heads`` divides ``width``."""
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k, self.to_v = (nn.Linear(context, width, bias=False) for _ in range(2))
        self.to_out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(n, pixels, width), (n, tokens, context) -> (n, pixels, width)."""
        q, k, v = (
            layer(given).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, given in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )  # (n, heads, length, width / heads)
        return self.to_out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """The block at one resolution: width 320, 640 or 1280, eight heads, text of width 768."""

    def __init__(self, width: int, heads: int = 8, text: int = 768) -> None:
        """Make the layers."""
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1, self.attn2 = Attention(width, width, heads), Attention(width, text, heads)
        self.up, self.down = nn.Linear(width, 8 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """(n, pixels, width), (n, tokens, text) -> (n, pixels, width)."""
        inner = self.norm1(x)
        x = x + self.attn1(inner, inner)
        x = x + self.attn2(self.norm2(x), text)
        value, gate = self.up(self.norm3(x)).chunk(2, dim=-1)
        return x + self.down(value * functional.gelu(gate))

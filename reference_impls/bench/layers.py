"""The benchmark's cases: layers at their real sizes, and weights with zeros in a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from reference_impls.kernels.spmm import Floats
from reference_impls.maths.masks import Pattern, Tile, keep_best, keep_pattern


@dataclass(frozen=True)
class Linear:
    """A linear layer."""

    name: str
    tokens: int
    inputs: int
    outputs: int

    @property
    def operations(self) -> int:
        """Of the dense product; a multiplication and an addition are two."""
        return 2 * self.tokens * self.inputs * self.outputs


@dataclass(frozen=True)
class Conv:
    """A 3×3 convolution of one image, stride 1, padding 1, as many output channels as input channels."""

    name: str
    channels: int
    side: int

    @property
    def operations(self) -> int:
        """Of the dense convolution."""
        return 2 * 9 * self.channels**2 * self.side**2


Layer = Linear | Conv

QKV = Linear("DiT-XL/2 qkv, 256 tokens", 256, 1152, 3456)
CONVOLUTIONS = (
    Conv("320 channels, 64×64", 320, 64),
    Conv("640 channels, 32×32", 640, 32),
    Conv("1280 channels, 16×16", 1280, 16),
)
LAYERS: Mapping[str, tuple[Layer, ...]] = {
    "dit": (
        QKV,
        Linear("DiT-XL/2 feed-forward up, 256 tokens", 256, 1152, 4608),
        Linear("DiT-XL/2 feed-forward down, 256 tokens", 256, 4608, 1152),
    ),
    "sd": (
        Linear("SD 1.4 feed-forward up, 64×64", 4096, 320, 2560),
        Linear("SD 1.4 feed-forward down, 16×16", 256, 5120, 1280),
    ),
    "unet": (Linear("testbed DiT feed-forward up", 1600, 96, 384), Conv("testbed U-Net, 64 channels, 16×16", 64, 16)),
    "conv": CONVOLUTIONS,
}
"""By the name that ``--shapes`` takes."""


@dataclass(frozen=True)
class Case:
    """One layer at one sparsity; every pattern is compared with the same dense libraries."""

    layer: Layer
    sparsity: float
    patterns: tuple[str, ...]
    libraries: bool = True
    """Whether sparse libraries are timed, too."""


SPARSITIES = (0.25, 0.4, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
PATTERNS: Mapping[float, tuple[str, ...]] = {
    0.25: ("unstructured",),
    0.4: ("unstructured",),
    0.5: ("unstructured", "4x1", "2:4", "2:4x4"),
    0.9: ("unstructured", "4x1", "4x4", "16x16"),
}


def all_cases(layers: tuple[Layer, ...]) -> list[Case]:
    """Every sparsity and pattern of some layers."""
    others = ("unstructured", "4x1")
    return [Case(layer, sparsity, PATTERNS.get(sparsity, others)) for layer in layers for sparsity in SPARSITIES]


def quick_cases() -> list[Case]:
    """Only the cases used by the targets."""
    linear: Mapping[float, tuple[str, ...]] = {
        0.25: ("unstructured",),
        0.4: ("unstructured",),
        0.5: ("unstructured", "2:4x4"),
        0.7: ("unstructured",),
        0.9: ("unstructured", "4x1", "4x4"),
        0.95: ("unstructured",),
    }
    products = [Case(QKV, sparsity, patterns, libraries=sparsity == 0.9) for sparsity, patterns in linear.items()]
    return products + [Case(conv, sparsity, ("unstructured",)) for conv in CONVOLUTIONS for sparsity in (0.5, 0.9)]


def masked(shape: tuple[int, int], pattern: str, sparsity: float, seed: int = 0) -> Floats:
    """A random matrix with zeros in a pattern: unstructured, n:m, n:m x rows, or blocks of rows x columns."""
    generator = torch.Generator().manual_seed(seed)
    weight, scores = (torch.randn(shape, generator=generator) for _ in range(2))
    if pattern == "unstructured":
        mask = keep_best(scores, sparsity)
    elif ":" in pattern:
        mask = keep_pattern(scores, Pattern.parse(pattern))
    else:
        mask = keep_best(scores, sparsity, Tile.parse(pattern))
    return np.array((weight * mask).numpy())

"""The condition of both models: timestep and class, as one vector."""

from __future__ import annotations

import math

import torch
from torch import nn

FREQUENCIES = 32


def fourier_features(t: torch.Tensor) -> torch.Tensor:
    """Cosines and sines of the time at geometric frequencies: (n,) in [0, 1] -> (n, 2 * FREQUENCIES)."""
    steps = torch.arange(FREQUENCIES, dtype=t.dtype, device=t.device)
    frequencies = torch.exp(steps / (FREQUENCIES - 1) * math.log(1_000.0))
    angles = t[:, None] * frequencies[None]  # (n, FREQUENCIES)
    return torch.cat([angles.cos(), angles.sin()], dim=1)  # (n, 2 * FREQUENCIES)


class Condition(nn.Module):
    """Time (n,) and class (n,) -> vector (n, width)."""

    def __init__(self, width: int, classes: int) -> None:
        """Make the layers."""
        super().__init__()
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes, width)

    def forward(self, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Embed."""
        wide = torch.promote_types(t.dtype, torch.float32)  # in half precision the angles of near times fall together
        features = fourier_features(t.to(wide))
        return self.time(features.to(self.label.weight.dtype)) + self.label(label)

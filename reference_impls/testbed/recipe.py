"""What fixes a training run of the shipped models, and its learning rate at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What fixes a training run."""

    steps: int
    batch: int
    rate: float
    seed: int = 0
    weight_decay: float = 0.01
    warm_up: int = 100


def rate_at(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.rate * 0.5 * (1 + math.cos(math.pi * done))

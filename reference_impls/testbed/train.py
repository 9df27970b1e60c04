"""How the shipped models were trained: AdamW, cosine decay, exponential moving average.

    python -m reference_impls.testbed.train dit
    python -m reference_impls.testbed.train unet

writes the checkpoint and its card into ``assets/``. Set OMP_NUM_THREADS=1 where other work shares the processor.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from reference_impls.testbed.data import ASSETS, load
from reference_impls.testbed.diffusion import loss, stratified_times
from reference_impls.testbed.models import BUILDERS, DATA_OF

EMA = 0.998


@dataclass(frozen=True)
class Recipe:
    """What fixes a training run."""

    steps: int
    batch: int
    rate: float
    seed: int = 0
    weight_decay: float = 0.01
    warm_up: int = 100


RECIPES = {"dit": Recipe(steps=3_000, batch=64, rate=2e-3), "unet": Recipe(steps=5_400, batch=64, rate=1.5e-3)}


def rate_at(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.rate * 0.5 * (1 + math.cos(math.pi * done))


def train(name: str, recipe: Recipe) -> tuple[nn.Module, list[float]]:
    """Train one model.

    Returns:
        The averaged model, and the mean training loss of every hundred steps.
    """
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    images, _ = load(DATA_OF[name])
    model = BUILDERS[name]()
    average = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    history, recent = [], 0.0
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, recipe)
        chosen = torch.randint(len(images), (recipe.batch,), generator=generator)
        x0, label = images.pixels[chosen], images.labels[chosen]
        noise = torch.randn(x0.shape, generator=generator)
        value = loss(model, x0, label, stratified_times(recipe.batch, generator), noise)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (10 + step))
            for mean, new in zip(average.parameters(), model.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
        recent += value.item()
        if (step + 1) % 100 == 0:
            history.append(recent / 100)
            recent = 0.0
            print(f"{step + 1:6d} / {recipe.steps}   loss {history[-1]:.4f}", flush=True)
    return average, history


def main() -> None:
    """Train, then write checkpoint and card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, default=ASSETS)
    parser.add_argument("--steps", type=int, default=None)
    chosen = parser.parse_args()
    recipe = RECIPES[chosen.model]
    if chosen.steps is not None:
        recipe = Recipe(**{**asdict(recipe), "steps": chosen.steps})
    started = time.monotonic()
    model, history = train(chosen.model, recipe)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, chosen.out / f"{chosen.model}.safetensors")
    card = {
        "model": chosen.model,
        "data": DATA_OF[chosen.model],
        "recipe": asdict(recipe),
        "parameters": sum(value.numel() for value in model.parameters()),
        "training_loss": [round(value, 5) for value in history],
        "seconds": round(time.monotonic() - started),
        "command": " ".join(["python -m reference_impls.testbed.train", *sys.argv[1:]]),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    (chosen.out / f"{chosen.model}.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

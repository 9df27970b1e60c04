"""How the shipped models were trained: AdamW, cosine decay, exponential moving average.

    python -m reference_impls.testbed.train dit
    python -m reference_impls.testbed.train unet

writes the checkpoint and its card into ``assets/``. With ``--measure`` it trains nothing: the checkpoint that is there
is measured again, and what its card says of the training stays. Set OMP_NUM_THREADS=1 where other work shares the
processor.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from reference_impls.testbed import metrics
from reference_impls.testbed.data import ASSETS, load
from reference_impls.testbed.diffusion import loss, stratified_times
from reference_impls.testbed.make_data import SOURCES
from reference_impls.testbed.models import BUILDERS, DATA_OF, LICENCE, pretrained
from reference_impls.testbed.recipe import Recipe, rate_at

EMA = 0.998
SAMPLES, SAMPLING_STEPS, SAMPLING_SEED = 2_500, 10, 0
"""What a card's class accuracy and Fréchet distance are measured on."""


RECIPES = {"dit": Recipe(steps=3_000, batch=64, rate=2e-3), "unet": Recipe(steps=5_400, batch=64, rate=1.5e-3)}


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
    """Train and write the checkpoint, or take the one that is there; then measure it and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, default=ASSETS)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--measure", action="store_true", help="train nothing; measure the checkpoint in --out again")
    chosen = parser.parse_args()
    file = chosen.out / f"{chosen.model}.json"
    if not chosen.measure:
        recipe = RECIPES[chosen.model]
        if chosen.steps is not None:
            recipe = replace(recipe, steps=chosen.steps)
        _write(file, {"training": _train_and_save(chosen.model, recipe, chosen.out)})  # kept if measuring is stopped
    training = json.loads(file.read_text(encoding="utf-8"))["training"]
    _write(file, _card(chosen.model, chosen.out, training))


def _train_and_save(name: str, recipe: Recipe, out: Path) -> dict[str, Any]:
    """What the card says of the training."""
    started = time.monotonic()
    model, history = train(name, recipe)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, out / f"{name}.safetensors")
    return {
        "recipe": asdict(recipe),
        "ema": EMA,
        "optimiser": "AdamW; linear warm-up, then half a cosine; gradients clipped to norm 1",
        "noise_schedule": "cosine: a_t = cos(pi t / 2), s_t = sin(pi t / 2); v is predicted; t stratified per batch",
        "loss": [round(value, 5) for value in history],
        "seconds": round(time.monotonic() - started),
        "command": _command(),
        "versions": _versions(),
    }


def _card(name: str, folder: Path, training: dict[str, Any]) -> dict[str, Any]:
    """The card of a checkpoint; its quality is that of the file, in half precision."""
    model, data = pretrained(name, folder), DATA_OF[name]
    quality = metrics.measure(model, data, n=SAMPLES, steps=SAMPLING_STEPS, seed=SAMPLING_SEED)
    return {
        "model": name,
        "licence": LICENCE,
        "parameters": sum(value.numel() for value in model.parameters()),
        "data": {"name": data, **asdict(SOURCES[data])},
        "quality": {
            "held_out_loss": round(quality.held_out_loss, 5),
            "class_accuracy": round(quality.class_accuracy, 4),
            "frechet_distance": round(quality.frechet_distance, 3),
            "samples": SAMPLES,
            "sampler": f"DDIM, {SAMPLING_STEPS} steps",
            "seed": SAMPLING_SEED,
            "command": _command(),
            "versions": _versions(),
        },
        "training": training,
    }


def _write(file: Path, card: dict[str, Any]) -> None:
    file.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _command() -> str:
    return " ".join(["python -m reference_impls.testbed.train", *sys.argv[1:]])


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__}


if __name__ == "__main__":
    main()

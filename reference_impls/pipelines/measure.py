"""How well the miniature pipeline follows its prompts.

    OMP_NUM_THREADS=1 python -m reference_impls.pipelines.measure

writes ``results/miniature-pipeline.json``, and the card with its sample image. A prompt is one of the hundred captions
that name digit, size and place, or one of the ten that name the digit only. ``scenes.look`` finds the digit in a sample
and undoes its size and place; the testbed's classifier of ``mnist16`` names it. The same procedure on composed held-out
images, and on their reconstructions by the autoencoder, states what it can reach.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from reference_impls.files.machine import cpu_name
from reference_impls.pipelines import parts
from reference_impls.pipelines.card import ALL_THREE, card
from reference_impls.pipelines.scenes import PLACES, SCENES, SIDE, SIZES, Scene, compose, look
from reference_impls.testbed import classifier
from reference_impls.testbed.data import load
from reference_impls.testbed.metrics import frechet_distance

DATA = "mnist16"
RESULT = Path(__file__).parents[1] / "results" / "miniature-pipeline.json"
STEPS, GUIDANCE, SEED = 20, 4.0, 0
SAMPLES_A_CAPTION = 10
SAMPLES_A_DIGIT = 20
"""Samples of each caption that names the digit only."""
BATCH = 50
GRID = 10
"""Timesteps of the denoising loss: the middles of this many equal parts of the schedule."""


@dataclass(frozen=True)
class Followed:
    """Fractions of images that show what their scene says."""

    images: int
    class_accuracy: float
    size: float
    place: float
    all_three: float


@torch.no_grad()
def followed(images: torch.Tensor, scenes: Sequence[Scene]) -> Followed:
    """Compare images (n, 3, 32, 32) in [-1, 1] with n scenes.

    Raises:
        ValueError: there is not one scene for each image, or none at all.
    """
    if len(images) != len(scenes) or not scenes:
        raise ValueError(f"{len(images)} images and {len(scenes)} scenes; give one scene for each image, at least one")
    seen = look(images)
    named = classifier.pretrained(DATA)(seen.crops).argmax(1).tolist()
    digit = [one == scene.digit for one, scene in zip(named, scenes, strict=True)]
    size = [one == scene.size for one, scene in zip(seen.sizes, scenes, strict=True)]
    place = [one == scene.place for one, scene in zip(seen.places, scenes, strict=True)]
    every = [all(three) for three in zip(digit, size, place, strict=True)]
    return Followed(len(scenes), *(round(sum(one) / len(scenes), 4) for one in (digit, size, place, every)))


@torch.no_grad()
def samples(
    pipe: parts.Pipeline,
    prompts: Sequence[str],
    *,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    seed: int = SEED,
) -> torch.Tensor:
    """One image for each prompt, (n, 3, 32, 32) in [-1, 1], from noise fixed by the seed."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(prompts), parts.LATENT_CHANNELS, *[parts.LATENT_SIDE] * 2, generator=generator)
    images = []
    for start in range(0, len(prompts), BATCH):
        made = pipe(
            list(prompts[start : start + BATCH]),
            latents=noise[start : start + BATCH],
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="pt",
        )
        images.append(made.images * 2 - 1)
    return torch.cat(images)


@torch.no_grad()
def denoising_loss(pipe: parts.Pipeline, images: torch.Tensor, scenes: Sequence[Scene]) -> float:
    """Mean squared error of v over composed images, each at every timestep of the grid, with fixed noise.

    Args:
        pipe: the pipeline.
        images: (n, 3, 32, 32) in [-1, 1].
        scenes: n of them; the U-Net is given the captions that say all three.
    """
    generator = torch.Generator().manual_seed(SEED)
    words = pipe.tokenizer(
        [scene.caption() for scene in scenes], padding="max_length", max_length=parts.TOKENS, return_tensors="pt"
    )
    states = pipe.text_encoder(words.input_ids).last_hidden_state
    latents = torch.cat([pipe.vae.encode(part).latent_dist.mode() for part in images.split(BATCH)])
    alphas, total = pipe.scheduler.alphas_cumprod, 0.0
    for part in range(GRID):
        t = int((part + 0.5) / GRID * len(alphas))
        signal, spread = alphas[t].sqrt(), (1 - alphas[t]).sqrt()
        noise = torch.randn(latents.shape, generator=generator)
        for start in range(0, len(latents), BATCH):
            chosen = slice(start, start + BATCH)
            x0, e = latents[chosen], noise[chosen]
            v = pipe.unet(signal * x0 + spread * e, torch.full((len(x0),), t), states[chosen]).sample
            total += float((v - (signal * e - spread * x0)).square().sum())
    return total / (GRID * latents.numel())


def held_out() -> tuple[torch.Tensor, list[Scene]]:
    """The held-out images (n, 3, 32, 32), each in one scene; sizes and places in turn."""
    _, images = load(DATA)
    kinds = [(size, place) for size in SIZES for place in PLACES]
    scenes = [Scene(label, *kinds[number % len(kinds)]) for number, label in enumerate(images.labels.tolist())]
    return compose(images.pixels, scenes), scenes


@torch.no_grad()
def measure(pipe: parts.Pipeline) -> tuple[dict[str, Any], torch.Tensor]:
    """All figures, and one sample (100, 3, 32, 32) of each caption."""
    real, scenes = held_out()
    back = torch.cat([pipe.vae.decode(pipe.vae.encode(part).latent_dist.mode()).sample for part in real.split(BATCH)])
    wanted = list(SCENES) * SAMPLES_A_CAPTION
    made = samples(pipe, [scene.caption() for scene in wanted])
    named = [scene for scene in SCENES[:: len(SIZES) * len(PLACES)] for _ in range(SAMPLES_A_DIGIT)]
    plain = samples(pipe, [scene.caption(size=False, place=False) for scene in named], seed=SEED + 1)
    judge = classifier.pretrained(DATA)
    figures = {
        ALL_THREE: asdict(followed(made, wanted)),
        "prompts that name the digit only": {
            "images": len(named),
            "class_accuracy": followed(plain, named).class_accuracy,
        },
        "held-out images": asdict(followed(real, scenes)),
        "held-out images after the autoencoder": asdict(followed(back, scenes)),
        "reconstruction_mse": round(float((back - real).square().mean()), 5),
        "denoising_loss": round(denoising_loss(pipe, real, scenes), 5),
        "frechet_distance": round(
            frechet_distance(judge.features(look(made).crops), judge.features(look(real).crops)), 3
        ),
    }
    return figures, made[: len(SCENES)]


def sheet(images: torch.Tensor, scale: int = 2) -> Any:  # a Pillow image
    """Images of the hundred scenes as one image: a row for each digit, a column for each size and place."""
    from PIL import Image

    columns = len(SIZES) * len(PLACES)
    grey = ((images.mean(1) + 1) * 127.5).round().clamp(0, 255).byte()  # (100, 32, 32)
    framed = torch.full((len(grey), SIDE + 1, SIDE + 1), 96, dtype=torch.uint8)
    framed[:, :SIDE, :SIDE] = grey
    rows = framed.view(-1, columns, SIDE + 1, SIDE + 1).transpose(1, 2).flatten(0, 1).flatten(1, 2)
    drawn = Image.fromarray(rows.numpy())
    return drawn.resize((drawn.width * scale, drawn.height * scale), Image.Resampling.NEAREST)


def main() -> None:
    """Measure a folder and write figures, card and sample image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=parts.FOLDER)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    import diffusers
    import transformers

    pipe = parts.pipeline(chosen.folder)
    started = time.monotonic()
    figures, shown = measure(pipe)
    denoisers = {"unet": pipe.unet, "text_encoder": pipe.text_encoder, "vae": pipe.vae}
    result = {
        "pipeline": "miniature-sd",
        "parameters": {name: sum(value.numel() for value in part.parameters()) for name, part in denoisers.items()},
        "sampler": f"DDIM, {STEPS} steps, guidance {GUIDANCE}",
        "guidance": GUIDANCE,
        "seed": SEED,
        "figures": figures,
        "seconds": round(time.monotonic() - started),
        "command": "OMP_NUM_THREADS=1 python -m reference_impls.pipelines.measure",
        "machine": f"{cpu_name()}, {torch.get_num_threads()} thread",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
    }
    chosen.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    training = json.loads((chosen.folder / "training.json").read_text(encoding="utf-8"))
    (chosen.folder / "README.md").write_text(card(result, training), encoding="utf-8")
    sheet(shown).save(chosen.folder / "samples.png")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

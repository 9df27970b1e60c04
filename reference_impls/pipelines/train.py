"""How the miniature pipeline was trained: autoencoder, then text encoder, then text encoder and U-Net together.

    OMP_NUM_THREADS=1 python -m reference_impls.pipelines.train --work build/miniature-sd

trains everything and writes the pipeline and, in its folder, ``training.json``. ``--work`` keeps what a
stopped run has done; the same command goes on from there. Measure the result with
``python -m reference_impls.pipelines.measure``.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import StableDiffusionPipeline
from torch import nn
from torch.nn import functional
from transformers import CLIPTokenizer

from reference_impls.files.machine import cpu_name
from reference_impls.pipelines import parts
from reference_impls.pipelines.scenes import DIGITS, PLACES, SCENES, SIZES, Scene, compose
from reference_impls.testbed.data import Images, load
from reference_impls.testbed.recipe import Recipe, rate_at

DATA = "mnist16"
EMA = 0.998
KL_WEIGHT = 1e-4
"""Of the divergence, a mean over latents, against the squared error, a mean over pixels."""
SCENES_AN_IMAGE = 3
"""Scenes made of each training image, in as many places."""
NO_CAPTION = 0.1
"""Fraction of training images whose caption is empty: classifier-free guidance needs them."""
NO_SIZE = NO_PLACE = 0.3
"""Fractions of captions that leave the size, or the place, out."""


AUTOENCODER = Recipe(steps=1_000, batch=16, rate=2e-3)
TEXT_ENCODER = Recipe(steps=400, batch=64, rate=2e-3, warm_up=20)
DENOISER = Recipe(steps=12_000, batch=32, rate=1.5e-3)


class Stage:
    """One stage of training: optimiser, averaged copy of the modules, and what a stopped run goes on from."""

    def __init__(self, name: str, modules: dict[str, nn.Module], recipe: Recipe, work: Path) -> None:
        """Take up the modules where an earlier run left them."""
        self.modules, self.recipe, self.file = nn.ModuleDict(modules), recipe, work / f"{name}.pt"
        self.average = copy.deepcopy(self.modules).eval()
        self.optimiser = torch.optim.AdamW(
            self.modules.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True
        )
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.done, self.seconds, self.history = 0, 0.0, list[float]()
        if self.file.is_file():
            kept = torch.load(self.file, weights_only=True)
            self.modules.load_state_dict(kept["modules"])
            self.average.load_state_dict(kept["average"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.generator.set_state(kept["generator"])
            self.done, self.seconds, self.history = kept["done"], kept["seconds"], kept["history"]

    def losses(self) -> Iterator[list[torch.Tensor]]:
        """Yields a list for each step; the caller puts the loss into it, and the step is taken."""
        started, recent, counted = time.monotonic() - self.seconds, 0.0, 0
        while self.done < self.recipe.steps:
            for group in self.optimiser.param_groups:
                group["lr"] = rate_at(self.done, self.recipe)
            given: list[torch.Tensor] = []
            yield given
            self.optimiser.zero_grad()
            given[0].backward()
            nn.utils.clip_grad_norm_(self.modules.parameters(), 1.0)
            self.optimiser.step()
            keep = min(EMA, (1 + self.done) / (10 + self.done))
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.parameters()), list(self.modules.parameters()), 1 - keep)
            self.done += 1
            recent, counted = recent + given[0].item(), counted + 1
            if self.done % 100 == 0:
                self.history.append(round(recent / counted, 5))
                recent, counted = 0.0, 0
                self.seconds = time.monotonic() - started
                of = f"{self.done:6d} / {self.recipe.steps}"
                print(f"{of}   loss {self.history[-1]:.4f}   {self.seconds:.0f} s", flush=True)
                self._keep()

    def _keep(self) -> None:
        kept = {
            "modules": self.modules.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
        }
        new = self.file.with_suffix(".new")
        torch.save(kept, new)
        new.replace(self.file)

    def card(self) -> dict[str, Any]:
        """What ``training.json`` says of this stage."""
        return {"recipe": asdict(self.recipe), "seconds": round(self.seconds), "loss": self.history}


def learned_words(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a run: learned once, since byte-pair encoding breaks ties anew in each process."""
    if not folder.is_dir():
        parts.tokenizer().save_pretrained(folder)
    words: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder)
    return words


def training_scenes(labels: torch.Tensor, seed: int) -> tuple[torch.Tensor, list[Scene]]:
    """Which image each training scene is made of, (3 n,), and the scenes: the places in turn, the size random."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.arange(len(labels)).repeat_interleave(SCENES_AN_IMAGE)
    sizes = torch.randint(len(SIZES), (len(image),), generator=generator).tolist()
    places = list(PLACES)
    scenes = [
        Scene(int(labels[one]), SIZES[size], places[number % len(places)])
        for number, (one, size) in enumerate(zip(image.tolist(), sizes, strict=True))
    ]
    return image, scenes


def train_autoencoder(model: parts.Autoencoder, recipe: Recipe, work: Path) -> dict[str, Any]:
    """Train on the scenes, and leave the average in the model.

    The loss is the squared error of the reconstruction and a little of the divergence of the latents from a standard
    normal distribution.
    """
    images, _ = load(DATA)
    image, scenes = training_scenes(images.labels, recipe.seed)
    stage = Stage("autoencoder", {"vae": model}, recipe, work)
    for given in stage.losses():
        chosen = torch.randint(len(scenes), (recipe.batch,), generator=stage.generator)
        pixels = compose(images.pixels[image[chosen]], [scenes[one] for one in chosen.tolist()])
        moments = model.quant_conv(model.encoder(pixels))
        mean, log_variance = moments.chunk(2, dim=1)
        log_variance = log_variance.clamp(-30, 20)
        noise = torch.randn(mean.shape, generator=stage.generator)
        back = model.decode(mean + (log_variance / 2).exp() * noise).sample
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        given.append((back - pixels).square().mean() + KL_WEIGHT * divergence)
    model.load_state_dict(stage.average["vae"].state_dict())
    return stage.card()


@torch.no_grad()
def encode(model: parts.Autoencoder, images: Images, seed: int) -> tuple[torch.Tensor, list[Scene]]:
    """Sampled latents (3 n, 4, 8, 8) of the training scenes of n images, and the scenes."""
    generator = torch.Generator().manual_seed(seed)
    image, scenes = training_scenes(images.labels, seed)
    latents = []
    for part in torch.arange(len(scenes)).split(64):
        pixels = compose(images.pixels[image[part]], [scenes[one] for one in part.tolist()])
        latents.append(model.encode(pixels).latent_dist.sample(generator))
    return torch.cat(latents), scenes


@torch.no_grad()
def standardise(model: parts.Autoencoder, latents: torch.Tensor) -> torch.Tensor:
    """Give each channel of the latents mean 0 and variance 1 over the images, without changing what comes back.

    The last layer of the encoder (1x1) takes the change, the first of the decoder (1x1) takes it back; the scaling
    factor of the pipeline, one number for all channels, is 1.

    Args:
        model: the autoencoder, changed in place.
        latents: (n, 4, 8, 8) of it, before the change.

    Returns:
        The latents after the change.
    """
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    out, back = model.quant_conv, model.post_quant_conv
    channels = len(mean)
    out.weight[:channels] /= deviation[:, None, None, None]
    out.bias[:channels] = (out.bias[:channels] - mean) / deviation
    out.bias[channels:] -= 2 * deviation.log()
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= deviation[None, :, None, None]
    return (latents - mean[:, None, None]) / deviation[:, None, None]


def captions(scenes: list[Scene], generator: torch.Generator) -> list[str]:
    """A true caption of each scene; some leave out size or place, some are empty."""
    chance = torch.rand(len(scenes), 3, generator=generator)
    return [
        "" if none < NO_CAPTION else scene.caption(size=bool(size >= NO_SIZE), place=bool(place >= NO_PLACE))
        for scene, (none, size, place) in zip(scenes, chance.tolist(), strict=True)
    ]


def train_text_encoder(words: Any, model: Any, recipe: Recipe, work: Path) -> dict[str, Any]:
    """Train on captions alone, before the U-Net: a linear layer names digit, size and place from the states.

    Stable Diffusion's text encoder is trained before its U-Net, too. Without this stage, the U-Net follows sizes, but
    neither places nor digits, after 3,000 steps. What a caption leaves out is a class of its own.

    Args:
        words: the tokenizer.
        model: the text encoder, left with the average of its weights.
        recipe: of the stage.
        work: where it keeps its state.
    """
    sizes, places = (*SIZES, ""), (*PLACES, "")
    widths = (len(DIGITS) + 1, len(sizes), len(places))
    heads = nn.Linear(parts.WIDTH, sum(widths))
    stage = Stage("text-encoder", {"text_encoder": model, "heads": heads}, recipe, work)
    for given in stage.losses():
        chosen = torch.randint(len(SCENES), (recipe.batch,), generator=stage.generator).tolist()
        said = captions([SCENES[one] for one in chosen], stage.generator)
        read = words(said, padding="max_length", max_length=parts.TOKENS, return_tensors="pt").input_ids
        states = model(read).last_hidden_state
        ended = (read == words.eos_token_id)[:, :, None]  # the end and all tokens after it have seen the whole caption
        logits = heads((states * ended).sum(1) / ended.sum(1)).split(widths, dim=1)
        wanted = (
            [next((n for n, digit in enumerate(DIGITS) if digit in text.split()), len(DIGITS)) for text in said],
            [next(n for n, size in enumerate(sizes) if size in text) for text in said],
            [next(n for n, place in enumerate(places) if place in text) for text in said],
        )
        pairs = zip(logits, wanted, strict=True)
        given.append(sum((functional.cross_entropy(one, torch.tensor(two)) for one, two in pairs), torch.zeros(())))
    model.load_state_dict(stage.average["text_encoder"].state_dict())
    return stage.card()


def train_denoiser(
    pipe: parts.Pipeline, latents: torch.Tensor, scenes: list[Scene], recipe: Recipe, work: Path
) -> dict[str, Any]:
    """Train text encoder and U-Net on the latents of scenes, and leave their averages in the pipeline."""
    alphas = pipe.scheduler.alphas_cumprod
    stage = Stage("denoiser", {"unet": pipe.unet, "text_encoder": pipe.text_encoder}, recipe, work)
    for given in stage.losses():
        chosen = torch.randint(len(scenes), (recipe.batch,), generator=stage.generator)
        words = pipe.tokenizer(
            captions([scenes[one] for one in chosen.tolist()], stage.generator),
            padding="max_length",
            max_length=parts.TOKENS,
            return_tensors="pt",
        )
        part = torch.randperm(recipe.batch, generator=stage.generator)
        time_of = (part + torch.rand(recipe.batch, generator=stage.generator)) / recipe.batch * len(alphas)
        timesteps = time_of.long()
        signal = alphas[timesteps].sqrt()[:, None, None, None]
        spread = (1 - alphas[timesteps]).sqrt()[:, None, None, None]
        x0 = latents[chosen]
        noise = torch.randn(x0.shape, generator=stage.generator)
        states = pipe.text_encoder(words.input_ids).last_hidden_state
        v = pipe.unet(signal * x0 + spread * noise, timesteps, states).sample
        given.append((v - (signal * noise - spread * x0)).square().mean())
    pipe.unet.load_state_dict(stage.average["unet"].state_dict())
    pipe.text_encoder.load_state_dict(stage.average["text_encoder"].state_dict())
    return stage.card()


def save(pipe: parts.Pipeline, training: dict[str, Any], out: Path) -> None:
    """The folder, with what there is to say of its training.

    U-Net and autoencoder are stored in half precision. The text encoder stays in single precision: without ``dtype``,
    ``from_pretrained`` opens diffusers' classes in single precision but those of transformers as they are stored, and
    the U-Net cannot be run on states of another type.
    """
    pipe.unet.half()
    pipe.vae.half()
    pipe.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(training, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Train everything, or go on with what lies in ``--work``, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=parts.FOLDER)
    parser.add_argument("--work", type=Path, required=True, help="where a run keeps its state")
    parser.add_argument("--steps", type=int, default=DENOISER.steps, help="of text encoder and U-Net")
    parser.add_argument("--autoencoder-steps", type=int, default=AUTOENCODER.steps)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(DENOISER.seed)
    words = learned_words(chosen.work / "tokenizer")
    model = parts.vae().eval()
    autoencoder = train_autoencoder(model, replace(AUTOENCODER, steps=chosen.autoencoder_steps), chosen.work)
    images, _ = load(DATA)
    latents, scenes = encode(model, images, AUTOENCODER.seed)
    latents = standardise(model, latents)
    torch.manual_seed(DENOISER.seed)
    pipe: parts.Pipeline = StableDiffusionPipeline(
        vae=model,
        text_encoder=parts.text_encoder(words),
        tokenizer=words,
        unet=parts.unet(),
        scheduler=parts.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    text_encoder = train_text_encoder(words, pipe.text_encoder, TEXT_ENCODER, chosen.work)
    denoiser = train_denoiser(pipe, latents, scenes, replace(DENOISER, steps=chosen.steps), chosen.work)
    training = {
        "autoencoder": autoencoder,
        "text encoder alone": text_encoder,
        "text encoder and U-Net": denoiser,
        "ema": EMA,
        "optimiser": "AdamW; linear warm-up, then half a cosine; gradients clipped to norm 1",
        "command": "OMP_NUM_THREADS=1 python -m reference_impls.pipelines.train --work build/miniature-sd",
        "machine": f"{cpu_name()}, {torch.get_num_threads()} thread",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
    }
    save(pipe, training, chosen.out)


if __name__ == "__main__":
    main()

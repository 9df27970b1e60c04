"""The model card of the miniature pipeline, from what its training and its measurement wrote."""

from __future__ import annotations

from typing import Any

_CARD = """\
# A Stable Diffusion in miniature

A text-to-image pipeline that generates one handwritten digit, small or large, in one of five places of a 32×32 image:
«a seven», «a small three on the left», «a large five at the top». Its parts are the real classes, so that pruning
methods can be tried on a trained pipeline in seconds. It is for experiments on pruning only.

| part | class | parameters | stored as |
|---|---|---|---|
| `unet` | `UNet2DConditionModel` of diffusers: two blocks down, one in the middle, two up; cross-attention of four heads at 4×4 | {unet:,} | float16 |
| `text_encoder` | `CLIPTextModel` of transformers: two layers of four heads, width 64 | {text_encoder:,} | float32 |
| `vae` | `AutoencoderKL` of diffusers: 32×32 pixels to 8×8 latents of four channels | {vae:,} | float16 |
| `tokenizer` | `CLIPTokenizer` of transformers: 23 words, and the letters | – | – |
| `scheduler` | `DDIMScheduler` of diffusers: Stable Diffusion's noise schedule, v-prediction | – | – |

There is no safety checker.

    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained("reference_impls/pipelines/miniature-sd")
    image = pipe("a small three on the left", num_inference_steps=20, guidance_scale={guidance}).images[0]

The text encoder is stored in single precision: without `torch_dtype`, `from_pretrained` opens the classes of diffusers
in single precision, but those of transformers as they are stored, and the U-Net rejects states of another type.

![One sample of each of the hundred captions](samples.png)

Rows: zero to nine. Columns: small, then large, each in the middle, on the left, on the right, at the top and at the
bottom. These are the first hundred samples of the measurement, not a selection.

## Figures

| images | number | digit | size | place | all three |
|---|---|---|---|---|---|
{figures}

Samples are from {sampler}, seed {seed}, weights as they are stored. The size is that of the ink, the place that of its
centre of mass; both are undone, and the testbed's classifier of `mnist16` names the digit. The same procedure on
held-out images, composed as the training images were, states what it can reach. The target, 95% of digits for prompts
that name all three, is {target}.

- Fréchet distance (testbed features) between samples and held-out images, not Inception FID: {frechet_distance}
- denoising loss, the mean squared error of v on held-out images at ten timesteps: {denoising_loss}
- mean squared error of the autoencoder on held-out images, pixels from -1 to 1: {reconstruction_mse}

All figures, with machine and versions, are in `reference_impls/results/miniature-pipeline.json`, which is written, as is
this card, by

    {measured}

## Training

- Data: the 4,000 training images of `testbed/assets/mnist16.npz`, each composed into three scenes: at its own resolution
  (small) or at twice that (large), in three of the five places. A caption leaves out the size or the place with a
  probability of 30% each; one in ten is empty, for classifier-free guidance.
- Autoencoder: {stage[autoencoder]}.
- Text encoder alone: {stage[text encoder alone]}. A linear layer names digit, size and place from its states.
- Text encoder and U-Net together: {stage[text encoder and U-Net]}.
- AdamW, cosine decay, exponential moving average of the weights, gradients clipped to norm 1; {machine}. Seeds are
  fixed. Recipes and losses are in `training.json`.{note}

One command trains everything anew:

    {trained}

## Limits

- It has seen 23 words. Other words are spelled in letters that it was never trained on, and a prompt has at most ten
  tokens.
- Captions that name two digits, two sizes or two places do not occur in training.

## Licences

Weights: MIT, as the repository's `LICENSE`. The images they were trained on are MNIST's, CC BY-SA 3.0; see
`reference_impls/testbed/assets/README.md`.
"""  # noqa: E501 - rows of tables are lines
ALL_THREE = "prompts that name digit, size and place"
TARGET = 0.95
"""Fraction of digits that prompts which name all three should give."""
_FRACTIONS = ("class_accuracy", "size", "place", "all_three")


def card(result: dict[str, Any], training: dict[str, Any]) -> str:
    """The card, in Markdown.

    Args:
        result: what ``measure`` wrote.
        training: what ``train`` wrote.
    """
    figures = result["figures"]
    stages = {name: stage for name, stage in training.items() if isinstance(stage, dict) and "recipe" in stage}
    return _CARD.format(
        **result["parameters"],
        **{key: value for key, value in figures.items() if not isinstance(value, dict)},
        figures="\n".join(_row(name, figure) for name, figure in figures.items() if isinstance(figure, dict)),
        target="met" if figures[ALL_THREE]["class_accuracy"] >= TARGET else "missed",
        guidance=result["guidance"],
        sampler=result["sampler"],
        seed=result["seed"],
        measured=result["command"],
        stage={name: _stage(stage) for name, stage in stages.items()},
        machine=training["machine"],
        note=f" {training['note']}" if "note" in training else "",
        trained=training["command"],
    )


def _row(name: str, figure: dict[str, Any]) -> str:
    fractions = [f"{figure[key]:.1%}" if key in figure else "–" for key in _FRACTIONS]
    return f"| {' | '.join([name, format(figure['images'], ','), *fractions])} |"


def _stage(stage: dict[str, Any]) -> str:
    return f"{stage['recipe']['steps']:,} steps of {stage['recipe']['batch']}, {stage['seconds']:,} seconds"

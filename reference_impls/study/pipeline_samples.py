"""Samples of a pruned pipeline beside those of the dense one, from the same prompts and seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from reference_impls.bench.forward_pass import counted, refuse_without_zeros, sparse_copy
from reference_impls.bench.sampling import Sampling
from reference_impls.calls.generate import accepted_by, arguments_of, generate
from reference_impls.calls.one_pass import pass_of_pipeline
from reference_impls.calls.record import denoiser_of
from reference_impls.kernels.modules import clock
from reference_impls.pipelines.measure import Followed, followed
from reference_impls.pipelines.scenes import scene_of

COLUMNS, GAP = 10, 2
"""Pairs in a row of the sheet, and pixels between two images."""
Samples = list[np.ndarray]
"""Each (height, width, colours) in [0, 1]; of a video (frames, height, width, colours)."""
Show = Callable[[int, int], None]
"""Takes the number of done samples, and of all."""


@dataclass(frozen=True)
class Asked:
    """What is sampled; a prompt that is used again has another seed."""

    prompts: Sequence[str]
    samples: int
    steps: int = 20
    guidance: float | None = None
    """The pipeline's own where not given."""
    seed: int = 0

    def prompt(self, index: int) -> str | None:
        """Of one sample; None for a pipeline without prompts."""
        return self.prompts[index % len(self.prompts)] if self.prompts else None


@dataclass(frozen=True)
class Compared:
    """How far samples are from those of the dense pipeline."""

    samples: int
    mse: float
    """Over all values, which run from 0 to 1."""

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in decibels, of the mean squared error over all samples."""
        return math.inf if self.mse == 0 else -10 * math.log10(self.mse)


def sample(pipeline: Any, asked: Asked, show: Show) -> Samples:
    """Samples of a pipeline of diffusers.

    Raises:
        ValueError: it does not take what is asked, or fails, or returns no arrays.
    """
    arguments = _arguments(pipeline, asked)
    made = []
    for index in range(asked.samples):
        show(index, asked.samples)
        made.append(_one(pipeline, asked, arguments, index))
    return made


def sample_both(pipeline: Any, asked: Asked, show: Show) -> tuple[Samples, Sampling]:
    """Samples of a pruned pipeline with dense layers, and the time of each with dense and with sparse ones.

    Raises:
        ValueError: as ``sample``, or no layer of the denoiser has zeros, or no forward pass to time it can be had.
        RuntimeError: outputs of the denoiser differ by more than rounding.
    """
    arguments = _arguments(pipeline, asked)
    name, dense = denoiser_of(pipeline)
    sparse, choices, _ = sparse_copy(dense, pass_of_pipeline(pipeline, asked.prompts).run)
    refuse_without_zeros(dense, choices, "leave --sparse out")
    made: Samples = []
    best = {"dense": math.inf, "sparse": math.inf}
    largest, now = 0.0, clock()
    both: Mapping[str, nn.Module] = {"dense": dense, "sparse": sparse}
    try:
        for index in range(asked.samples):
            show(index, asked.samples)
            images = {}
            for kind, model in both.items():
                setattr(pipeline, name, model)
                started = now()
                images[kind] = _one(pipeline, asked, arguments, index)
                best[kind] = min(best[kind], now() - started)
            made.append(images["dense"])
            largest = max(largest, float(np.abs(images["sparse"] - images["dense"]).max()))
    finally:
        setattr(pipeline, name, dense)
    return made, Sampling(best["dense"], best["sparse"], 2 * largest, counted(choices))


def _arguments(pipeline: Any, asked: Asked) -> dict[str, Any]:
    given = arguments_of(pipeline, asked.prompts, steps=asked.steps, guidance=asked.guidance)
    return {**given, "output_type": "np"} if "output_type" in accepted_by(pipeline) else given


def _one(pipeline: Any, asked: Asked, arguments: Mapping[str, Any], index: int) -> np.ndarray:
    found = generate(pipeline, asked.prompt(index), arguments, asked.seed + index)[0]
    if not isinstance(found, (np.ndarray, torch.Tensor)) or found.ndim < 2:
        raise ValueError(f"{type(pipeline).__name__} returns no arrays; compare its samples in Python")
    return np.asarray(found, dtype=np.float32)[0]


def compare(dense: Samples, pruned: Samples) -> Compared:
    """The mean squared error over all samples.

    Raises:
        ValueError: the samples are of different sizes, or a value is not finite.
    """
    for one, other in zip(dense, pruned, strict=True):
        if one.shape != other.shape:
            raise ValueError(
                f"samples of the dense pipeline are {_size(one)}, those of the pruned one {_size(other)}; give the "
                "pipeline that it was pruned from"
            )
        if not np.isfinite(one).all():
            raise ValueError("samples of the dense pipeline are not finite; one of its parts is damaged")
        if not np.isfinite(other).all():
            raise ValueError("samples of the pruned pipeline are not finite; prune it less, or calibrate it")
    errors = [float(np.square(one - other).mean(dtype=np.float64)) for one, other in zip(dense, pruned, strict=True)]
    return Compared(len(errors), sum(errors) / len(errors))


def _size(sample: np.ndarray) -> str:
    return "×".join(map(str, sample.shape))


def follows(made: Samples, asked: Asked) -> Followed | None:
    """How well samples of the miniature pipeline follow their captions; None for prompts that are no captions of it."""
    scenes = [scene_of(asked.prompt(index) or "") for index in range(asked.samples)]
    known = [scene for scene in scenes if scene is not None]
    if len(known) < len(scenes):
        return None
    return followed(torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2) * 2 - 1, known)


def sheet(rows: Sequence[Samples]) -> Image.Image:
    """Samples as one image: those of the first pipeline, below each that of the second, then the next ten.

    Raises:
        ValueError: the samples are neither images nor videos.
    """
    shown = [[_still(one) for one in row] for row in rows]
    height, width = shown[0][0].shape[:2]
    columns = min(COLUMNS, len(shown[0]))
    lines = [row[start : start + columns] for start in range(0, len(shown[0]), columns) for row in shown]
    canvas = np.full((len(lines) * (height + GAP), columns * (width + GAP), 3), 96, np.uint8)
    for down, line in enumerate(lines):
        for right, one in enumerate(line):
            top, left = down * (height + GAP), right * (width + GAP)
            canvas[top : top + height, left : left + width] = one
    return Image.fromarray(canvas)


def _still(sample: np.ndarray) -> np.ndarray:
    """An image in bytes; the first of a video."""
    image = sample[0] if sample.ndim == 4 else sample
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"samples of shape {_size(sample)} are no images; leave --images out")
    return np.broadcast_to((image.clip(0, 1) * 255).round().astype(np.uint8), (*image.shape[:2], 3))

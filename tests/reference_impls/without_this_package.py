"""Folders of diffusers, opened where this package cannot be imported."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

CODE = """
import importlib.util, sys
import numpy, torch
from diffusers import StableDiffusionPipeline

assert importlib.util.find_spec("reference_impls") is None
file, prompts, folders = sys.argv[1], sys.argv[2].splitlines(), sys.argv[3:]
noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)).expand(len(prompts), -1, -1, -1)
images = []
for folder in folders:
    pipe = StableDiffusionPipeline.from_pretrained(folder)
    images.append(pipe(prompts, latents=noise, num_inference_steps=10, guidance_scale=3.0, output_type="np").images)
numpy.save(file, images)
"""


def sampled(place: Path, prompts: Sequence[str], *folders: Path) -> torch.Tensor:
    """An image for each prompt by the miniature pipeline, pruned or not, all from one noise: only the words differ.

    Args:
        place: an empty folder, in which the process runs.
        prompts: n of them.
        folders: k pipelines.

    Returns:
        (k, n, 3, 32, 32) in [-1, 1].
    """
    file = place / "images.npy"
    command = [sys.executable, "-c", CODE, str(file), "\n".join(prompts), *(str(one.resolve()) for one in folders)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return torch.from_numpy(np.load(file)).permute(0, 1, 4, 2, 3) * 2 - 1

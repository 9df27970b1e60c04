"""The models of the testbed by name, and their shipped checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors.torch import load_file

from reference_impls.near_names import unknown
from reference_impls.testbed.data import ASSETS
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.unet import UNet

Denoiser = DiT | UNet
"""A model of the testbed: v from (x, t, label); ``side`` holds the pixels of a side."""
BUILDERS: Mapping[str, Callable[[], Denoiser]] = {"dit": DiT, "unet": UNet}
DATA_OF: Mapping[str, str] = {"dit": "digits", "unet": "mnist16"}
LICENCE = "MIT"
"""Of all weights that are shipped, the classifiers' too: that of this repository."""


def pretrained(name: str, folder: Path = ASSETS) -> Denoiser:
    """A trained model in float32, ready to be sampled from or pruned.

    Args:
        name: of the model.
        folder: where its checkpoint lies.

    Raises:
        ValueError: ``name`` is not dit or unet.
        FileNotFoundError: its checkpoint is not there; the message says how to train one.
    """
    if name not in BUILDERS:
        raise ValueError(unknown("model", name, BUILDERS))
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(f"{file.name} is missing; train it: python -m reference_impls.testbed.train {name}")
    model = BUILDERS[name]()
    state = {key: value.float() for key, value in load_file(file).items()}
    model.load_state_dict(state)
    return model.eval()

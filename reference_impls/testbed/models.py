"""The models of the testbed by name, and their shipped checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from safetensors.torch import load_file
from torch import nn

from reference_impls.testbed.data import ASSETS
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.unet import UNet

BUILDERS: Mapping[str, Callable[[], nn.Module]] = {"dit": DiT, "unet": UNet}
DATA_OF: Mapping[str, str] = {"dit": "digits", "unet": "mnist16"}


def pretrained(name: str) -> nn.Module:
    """A trained model in float32, ready to be sampled from or pruned.

    Raises:
        ValueError: ``name`` is not dit or unet.
        FileNotFoundError: no checkpoint of it is shipped; the message says how to train one.
    """
    if name not in BUILDERS:
        raise ValueError(f"model {name!r} is not one of {', '.join(BUILDERS)}")
    file = ASSETS / f"{name}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(f"{file.name} is not there; train it: python -m reference_impls.testbed.train {name}")
    model = BUILDERS[name]()
    state = {key: value.float() for key, value in load_file(file).items()}
    model.load_state_dict(state)
    return model.eval()

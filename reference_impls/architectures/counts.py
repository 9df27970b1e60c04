"""Build an architecture on the meta device, where weights take no memory, and count."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import torch
from torch import nn

from reference_impls.architectures.ddim_unet import DDIMUNet
from reference_impls.architectures.original_dit import OriginalDiT
from reference_impls.architectures.registry import WHAT, Architecture, Count, UnitsRemoved
from reference_impls.maths import macs
from reference_impls.maths.hooks import hooked
from reference_impls.maths.surgery import remove
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.units.lookup import groups_of

OWN: Mapping[str, type[nn.Module]] = {"OriginalDiT": OriginalDiT, "DDIMUNet": DDIMUNet}
"""Classes that diffusers lacks or writes otherwise."""


@dataclass(frozen=True)
class Checked:
    """A published number and what came out here."""

    count: Count
    counted: int

    @property
    def right(self) -> bool:
        """Whether they agree within the tolerance."""
        return abs(self.counted - self.count.value) <= self.count.tolerance * self.count.value


def build(architecture: Architecture) -> nn.Module:
    """The model without weights, with its units removed.

    Raises:
        ValueError: diffusers is not installed or has no such class, or a pattern of layers to prune fits none.
    """
    with torch.device("meta"):
        if architecture.build in OWN:
            model = OWN[architecture.build](**architecture.config)
        else:
            with warnings.catch_warnings():  # of parts of diffusers that will move
                warnings.simplefilter("ignore", FutureWarning)
                model = _diffusers_class(architecture.build)(**architecture.config)
    if architecture.removed is not None:
        take_out(model, architecture.removed)
    return model


def take_out(model: nn.Module, removed: UnitsRemoved) -> None:
    """Remove the same fraction of heads and neurons, rounded, from each layer whose name fits.

    Raises:
        ValueError: no name fits one of the patterns.
    """
    groups = groups_of(model)
    for pattern in removed.layers:
        if not any(fnmatch(group.name, pattern) for group in groups):
            raise ValueError(f"no layer with units fits {pattern!r}; the names begin {groups[0].name!r}")
    chosen = [group for group in groups if any(fnmatch(group.name, pattern) for pattern in removed.layers)]
    remove(model, *((group, range(group.units - round(group.units * removed.ratio))) for group in chosen))


def count(architecture: Architecture, *, call: bool = True) -> dict[str, int]:
    """What can be counted, by the keys of WHAT: the parameters, and where there are inputs the MACs of a forward pass.

    Args:
        architecture: what to build.
        call: whether to call it; it takes most of the time.

    Raises:
        ValueError: it cannot be built, or it multiplies by operators that are not counted.
    """
    model = build(architecture)
    parameters = sum(value.numel() for value in model.parameters())
    if not (call and architecture.inputs):
        return {"parameters": parameters}
    given = {name: _zeros(shape) for name, shape in architecture.inputs.items()}
    with biases_and_norms(model) as beside:
        multiplied = macs.count(model, lambda model: model(**given))
    if multiplied.not_counted:
        raise ValueError(f"{architecture.build}: MACs not counted: {', '.join(multiplied.not_counted)}")
    values = (parameters, multiplied.total(), multiplied.total(attention=True), multiplied.total() + beside())
    return dict(zip(WHAT, values, strict=True))


def check(architecture: Architecture) -> list[Checked]:
    """Every published number of one architecture with the number counted here.

    Raises:
        ValueError: it cannot be built, or a number is published that cannot be counted.
    """
    counted = count(architecture, call=any(number.what != "parameters" for number in architecture.counts))
    for number in architecture.counts:
        if number.what not in counted:
            raise ValueError(
                f"{architecture.build}: {number.what!r} of {number.source!r} cannot be counted; it must be one of "
                f"{', '.join(WHAT)}, and all but parameters need the shapes of `inputs`"
            )
    return [Checked(number, counted[number.what]) for number in architecture.counts]


@contextmanager
def biases_and_norms(model: nn.Module) -> Iterator[Callable[[], int]]:
    """Operations that torch-pruning counts besides those of weights, in the forward passes made inside."""
    counted = 0

    def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal counted
        if isinstance(layer, (nn.GroupNorm, nn.LayerNorm)):
            counted += inputs[0].numel() * (1 if layer.weight is None else 2)
        elif layer.bias is not None:
            counted += output.shape[-1] if isinstance(layer, nn.Linear) else output.numel()

    kinds = (nn.GroupNorm, nn.LayerNorm, nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    with hooked((layer, hook) for layer in model.modules() if isinstance(layer, kinds)):
        yield lambda: counted


def _zeros(shape: Any) -> Any:
    """A tensor on the meta device, or a mapping of them."""
    if isinstance(shape, Mapping):
        return {name: _zeros(part) for name, part in shape.items()}
    return torch.zeros(shape, device="meta")


def _diffusers_class(name: str) -> type[nn.Module]:
    diffusers = diffusers_package()
    if not hasattr(diffusers, name):
        raise ValueError(
            f"build {name!r} is neither a class of diffusers {diffusers.__version__} nor one of {', '.join(OWN)}"
        )
    named: type[nn.Module] = getattr(diffusers, name)
    return named

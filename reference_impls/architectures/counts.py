"""Build an architecture on the meta device, where weights take no memory, and count."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reference_impls.architectures.original_dit import OriginalDiT
from reference_impls.architectures.registry import Architecture, Count, UnitsRemoved
from reference_impls.maths import macs
from reference_impls.maths.surgery import remove
from reference_impls.units import groups_of


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
        ValueError: diffusers is not installed.
    """
    with torch.device("meta"):
        if architecture.build == "OriginalDiT":
            model: nn.Module = OriginalDiT(**architecture.config)
        else:
            with warnings.catch_warnings():  # of parts of diffusers that will move
                warnings.simplefilter("ignore", FutureWarning)
                model = getattr(_diffusers(), architecture.build)(**architecture.config)
    if architecture.removed is not None:
        take_out(model, architecture.removed)
    return model


def take_out(model: nn.Module, removed: UnitsRemoved) -> None:
    """Remove the same share of heads and neurons, rounded, from each of a range of blocks."""
    first, last = removed.blocks
    wanted = {f"{removed.prefix}.{index}" for index in range(first, last + 1)}
    groups = [group for group in groups_of(model) if ".".join(group.name.split(".")[:2]) in wanted]
    remove(model, *((group, range(group.units - round(group.units * removed.ratio))) for group in groups))


def check(architecture: Architecture) -> list[Checked]:
    """Every published number of one architecture beside what is counted here.

    Raises:
        ValueError: diffusers is not installed.
    """
    model = build(architecture)
    counted = {"parameters": sum(value.numel() for value in model.parameters())}
    if architecture.inputs:
        given = {name: torch.zeros(shape, device="meta") for name, shape in architecture.inputs.items()}
        counted["macs"] = macs.count(model, lambda model: model(**given)).total()
    return [Checked(count, counted[count.what]) for count in architecture.counts]


def _diffusers() -> Any:  # a module
    try:
        import diffusers
    except ImportError as error:
        raise ValueError(
            "diffusers is not installed; install it with this package: pip install .[diffusers]"
        ) from error
    return diffusers

"""The prunable units and blocks of each supported model."""

from __future__ import annotations

from typing import Any

from torch import nn

from reference_impls.maths.surgery import Block, Group
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.unet import UNet
from reference_impls.units import diffusers_blocks, diffusers_groups, testbed


def groups_of(model: nn.Module) -> tuple[Group, ...]:
    """Every group of units of a model, in model order.

    Raises:
        ValueError: the model's class is not known here, or it has none.
    """
    otherwise = (
        f"the heads, neurons and channels of {type(model).__name__} are not known; use an unstructured method, or add "
        "them to reference_impls/units/diffusers_groups.py"
    )
    return _who_knows(model, diffusers_groups, otherwise).groups_of(model)


def left_out_of(model: nn.Module) -> dict[str, str]:
    """Path of each part of a model whose units cannot be removed exactly -> the reason."""
    return dict(diffusers_groups.find(model).left_out) if _is_of_diffusers(model) else {}


def blocks_of(model: nn.Module) -> tuple[Block, ...]:
    """Every removable block of a model, in the order in which they run.

    Raises:
        ValueError: the model's class is not known here.
    """
    otherwise = f"the blocks of {type(model).__name__} are not known; depth pruning is for the testbed's models"
    return _who_knows(model, diffusers_blocks, otherwise).blocks_of(model)


def feature_places(model: nn.Module) -> tuple[str, ...]:
    """Paths of the modules whose outputs a recovering model is trained to match.

    Raises:
        ValueError: the model's class is not known here.
    """
    otherwise = f"the features of {type(model).__name__} are not known; recover it without them"
    return _who_knows(model, diffusers_blocks, otherwise).feature_places(model)


def _is_of_diffusers(model: nn.Module) -> bool:
    return type(model).__module__.startswith("diffusers.")


def _who_knows(model: nn.Module, of_diffusers: Any, otherwise: str) -> Any:
    """The module that finds the parts of a model: the testbed's, or the one for diffusers.

    Raises:
        ValueError: with that message, the model is of neither.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed
    if _is_of_diffusers(model):
        return of_diffusers
    raise ValueError(otherwise)

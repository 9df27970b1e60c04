"""Which units and blocks a model has: the tables of the models that structured methods know."""

from __future__ import annotations

from torch import nn

from reference_impls.maths.surgery import Block, Group
from reference_impls.pruning import testbed_units as testbed
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.unet import UNet


def groups_of(model: nn.Module) -> tuple[Group, ...]:
    """Every group of units of a model, in model order.

    Raises:
        ValueError: the model's class is not known here.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed.groups_of(model)
    if type(model).__module__.startswith("diffusers."):
        from reference_impls.pruning import diffusers_units

        return diffusers_units.groups_of(model)
    raise ValueError(
        f"no table of heads, neurons and channels for {type(model).__name__}; prune single weights of it, or add a "
        "table to adapters/"
    )


def blocks_of(model: nn.Module) -> tuple[Block, ...]:
    """Every block of a model that can go, in the order in which they run.

    Raises:
        ValueError: the model's class is not known here.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed.blocks_of(model)
    raise ValueError(f"no table of blocks for {type(model).__name__}; whole blocks go from the testbed's models only")

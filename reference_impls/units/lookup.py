"""The prunable units and blocks of each supported model."""

from __future__ import annotations

from torch import nn

from reference_impls.maths.surgery import Block, Group
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.unet import UNet
from reference_impls.units import testbed


def groups_of(model: nn.Module) -> tuple[Group, ...]:
    """Every group of units of a model, in model order.

    Raises:
        ValueError: the model's class is not known here, or it has none.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed.groups_of(model)
    if type(model).__module__.startswith("diffusers."):
        from reference_impls.units import diffusers_groups

        return diffusers_groups.groups_of(model)
    raise ValueError(
        f"the heads, neurons and channels of {type(model).__name__} are not known; use an unstructured method, or add "
        "them to reference_impls/units/diffusers_groups.py"
    )


def left_out_of(model: nn.Module) -> dict[str, str]:
    """Path of each part of a model whose units cannot be removed exactly -> the reason."""
    if not type(model).__module__.startswith("diffusers."):
        return {}
    from reference_impls.units import diffusers_groups

    return dict(diffusers_groups.find(model).left_out)


def blocks_of(model: nn.Module) -> tuple[Block, ...]:
    """Every removable block of a model, in the order in which they run.

    Raises:
        ValueError: the model's class is not known here.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed.blocks_of(model)
    if type(model).__module__.startswith("diffusers."):
        from reference_impls.units import diffusers_blocks

        return diffusers_blocks.blocks_of(model)
    raise ValueError(f"the blocks of {type(model).__name__} are not known; depth pruning is for the testbed's models")


def feature_places(model: nn.Module) -> tuple[str, ...]:
    """Paths of the modules whose outputs a recovering model is trained to match.

    Raises:
        ValueError: the model's class is not known here.
    """
    if isinstance(model, (DiT, UNet)):
        return testbed.feature_places(model)
    if type(model).__module__.startswith("diffusers."):
        from reference_impls.units import diffusers_blocks

        return diffusers_blocks.feature_places(model)
    raise ValueError(f"the features of {type(model).__name__} are not known; recover it without them")

"""Prunable units and blocks of the two models of the testbed: heads, neurons, inner channels, blocks."""

from __future__ import annotations

import torch
from torch import nn

from reference_impls.maths.surgery import Block, Group, Part
from reference_impls.testbed import dit
from reference_impls.testbed.dit import Attention, DiT, FeedForward
from reference_impls.testbed.unet import ResBlock, SpatialAttention, Stage, UNet


def heads(path: str, attention: Attention | SpatialAttention) -> Group:
    """The heads of one attention: rows of q, k and v, columns of the output layer."""
    count, size = attention.heads, attention.head_size
    columns = torch.arange(count * size).view(count, size)  # (heads, size)
    rows = torch.cat([columns + part * count * size for part in range(3)], dim=1)  # (heads, 3 * size)
    parts = (Part(f"{path}.qkv", "out", rows), Part(f"{path}.out", "in", columns))
    return Group(path, "head", parts, counts=((path, "heads"),))


def neurons(path: str, feed_forward: FeedForward) -> Group:
    """The hidden neurons of one feed-forward part."""
    each = torch.arange(feed_forward.up.out_features)[:, None]  # (neurons, 1)
    return Group(path, "neuron", (Part(f"{path}.up", "out", each), Part(f"{path}.down", "in", each)))


def channels(path: str, block: ResBlock) -> Group:
    """The inner channels of one residual block, in as many strata as its second norm has groups."""
    each = torch.arange(block.conv1.out_channels)[:, None]  # (channels, 1)
    made = tuple(Part(f"{path}.{layer}", "out", each) for layer in ("conv1", "condition", "norm2"))
    return Group(path, "channel", (*made, Part(f"{path}.conv2", "in", each)), strata=block.norm2.num_groups)


def groups_of(model: DiT | UNet) -> tuple[Group, ...]:
    """Every group of units, in model order."""
    found = []
    for path, module in model.named_modules():
        if isinstance(module, (Attention, SpatialAttention)):
            found.append(heads(path, module))
        elif isinstance(module, FeedForward):
            found.append(neurons(path, module))
        elif isinstance(module, ResBlock):
            found.append(channels(path, module))
    return tuple(found)


def blocks_of(model: DiT | UNet) -> tuple[Block, ...]:
    """Every removable block, in the order of execution."""
    if isinstance(model, DiT):
        return tuple(
            Block(f"blocks.{index}") for index, block in enumerate(model.blocks) if isinstance(block, dit.Block)
        )
    stages = [(path, module) for path, module in model.named_modules() if isinstance(module, Stage)]
    stages.sort(key=lambda stage: ("down", "middle", "up").index(stage[0].split(".")[0]))  # stable
    return tuple(Block(path, _shortcut(path, stage), stage.skipped) for path, stage in stages)


def feature_places(model: DiT | UNet) -> tuple[str, ...]:
    """Where features are compared: each block of a transformer; the end of each resolution of a U-Net, down and up.

    The end is the layer that resamples, or the last one of the path; it is there in every pruned model.
    """
    if isinstance(model, DiT):
        return tuple(block.name for block in blocks_of(model))
    return tuple(
        f"{path}.{index}"
        for path, layers in (("down", model.down), ("up", model.up))
        for index, layer in enumerate(layers)
        if isinstance(layer, nn.Conv2d) or index == len(layers) - 1
    )


def _shortcut(path: str, stage: Stage) -> str | None:
    return None if isinstance(stage.block.shortcut, nn.Identity) else f"{path}.block.shortcut"

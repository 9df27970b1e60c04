"""Blocks of the U-Nets of diffusers: each residual block, and each attention behind one.

They are taken from the stages of ``UNet2DModel`` and ``UNet2DConditionModel`` whose ``forward`` is known to run a
residual block, then its attention. On the way up, the input of a residual block is the stream and a skip connection
behind it; a removed block drops the skip connection. See ``surgery.replacement`` for what remains of a block that
changes the width of the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_impls.maths.surgery import Block

CLASSES = {"UNet2DModel", "UNet2DConditionModel"}
STAGES = {
    *("DownBlock2D", "AttnDownBlock2D", "CrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
    *("ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D"),
    *("UNetMidBlock2D", "UNetMidBlock2DCrossAttn", "UNetMidBlock2DSimpleCrossAttn"),
    *("UpBlock2D", "AttnUpBlock2D", "CrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D"),
}
"""Classes of diffusers, without those that resample the stream beside their blocks or join their input only once."""


def blocks_of(model: Any) -> tuple[Block, ...]:
    """Every removable block, in the order in which they run."""
    stages = [(f"down_blocks.{number}", stage) for number, stage in enumerate(model.down_blocks)]
    if model.mid_block is not None:
        stages.append(("mid_block", model.mid_block))
    stages += [(f"up_blocks.{number}", stage) for number, stage in enumerate(model.up_blocks)]
    found: list[Block] = []
    width = model.conv_in.out_channels
    for path, stage in stages:
        if type(stage).__name__ in STAGES:
            found += _of_stage(path, stage, width if path.startswith("up_") else None)
        width = stage.resnets[-1].conv2.out_channels if hasattr(stage.resnets[-1], "conv2") else width
    return tuple(found)


def _of_stage(path: str, stage: Any, width: int | None) -> Iterator[Block]:
    """Blocks of one stage; on the way up, ``width`` is that of the stream that comes in."""
    attentions = list(getattr(stage, "attentions", ()))
    for number, block in enumerate(stage.resnets):
        skipped = 0 if width is None else block.conv1.in_channels - width
        if _adds(block) and (not skipped or block.conv_shortcut is not None):
            shortcut = None if block.conv_shortcut is None else f"{path}.resnets.{number}.conv_shortcut"
            yield Block(f"{path}.resnets.{number}", shortcut, skipped)
        width = None if width is None else block.conv2.out_channels
        if number < len(attentions) and _passes(attentions[number]):
            yield Block(f"{path}.attentions.{number}", wrapped=not hasattr(attentions[number], "to_q"))


def _adds(block: Any) -> bool:
    """Whether a residual block adds to its input, or to a 1×1 convolution of it, and does nothing else."""
    return bool(
        type(block).__name__ in ("ResnetBlock2D", "ResnetBlockCondNorm2D")
        and block.output_scale_factor == 1
        and block.upsample is None
        and block.downsample is None
    )


def _passes(attention: Any) -> bool:
    """Whether an attention adds to its input and does nothing else."""
    if attention is None:
        return False
    if hasattr(attention, "to_q"):
        adds = attention.residual_connection or type(attention.processor).__name__.startswith("AttnAddedKV")
        return bool(adds and attention.rescale_output_factor == 1)
    return bool(getattr(attention, "is_input_continuous", False))

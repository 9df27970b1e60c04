"""Blocks of the models of diffusers, found from their modules: here those of transformers.

A block is a member of a ModuleList that holds an attention and whose ``forward`` returns, by name, streams that it was
given: one, or those of image and text. Without the block they pass unchanged, as around a residual block. A block of
which the model's own ``forward`` reads a part cannot be removed: the first of DiT, which holds the embedding of time.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap

from torch import nn

from reference_impls.maths.surgery import Block
from reference_impls.units import diffusers_unet_blocks


def blocks_of(model: nn.Module) -> tuple[Block, ...]:
    """Every removable block, in model order.

    Raises:
        ValueError: the model is a U-Net of another kind than ``diffusers_unet_blocks`` knows, or has none.
    """
    kind = type(model).__name__
    if kind in diffusers_unet_blocks.CLASSES:
        return diffusers_unet_blocks.blocks_of(model)
    if hasattr(model, "down_blocks"):
        known = " and ".join(sorted(diffusers_unet_blocks.CLASSES))
        raise ValueError(f"the blocks of {kind} are not known; depth pruning is for transformers, {known}")
    found: list[Block] = []
    needed = set(
        re.findall(r"self\.(\w+)\[(\d+)\]\.", inspect.getsource(type(model).forward))
    )  # as DiT reads its first
    for path, module in model.named_modules():
        if not isinstance(module, nn.ModuleList) or any(path.startswith(f"{block.name}.") for block in found):
            continue
        for name, member in module.named_children():
            takes, gives = streams(type(member))  # type: ignore[arg-type]  # a class can be hashed
            if gives and (path, name) not in needed and any(hasattr(part, "to_q") for part in member.modules()):
                found.append(Block(f"{path}.{name}", takes=takes, gives=gives))
    if not found:
        raise ValueError(f"{kind} has no blocks that return the streams that they were given")
    return tuple(found)


@functools.cache
def streams(kind: type[nn.Module]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The arguments of a module's ``forward``, and those of them that it returns, in their order.

    Nothing is returned where it gives back anything else, or not the same everywhere.
    """
    takes = tuple(inspect.signature(kind.forward).parameters)[1:]
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(kind.forward))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return takes, ()
    returned = {ast.unparse(node.value) for node in ast.walk(function) if isinstance(node, ast.Return) and node.value}
    names = tuple(returned.pop().strip("()").split(", ")) if len(returned) == 1 else ()
    return takes, names if set(names) <= set(takes) else ()


def feature_places(model: nn.Module) -> tuple[str, ...]:
    """Where features are compared: each block of a transformer; the end of each resolution of a U-Net.

    Raises:
        ValueError: it has no such places.
    """
    if not hasattr(model, "down_blocks"):
        return tuple(block.name for block in blocks_of(model))
    lists = {"down_blocks", "up_blocks"}
    places = [path for path, _ in model.named_modules() if path.partition(".")[0] in lists and path.count(".") == 1]
    return (*places, *(["mid_block"] if getattr(model, "mid_block", None) is not None else []))

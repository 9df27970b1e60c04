"""Heads, neurons and inner channels of the models of diffusers.

Known: UNet2DModel, UNet2DConditionModel, DiTTransformer2DModel, SD3Transformer2DModel, FluxTransformer2DModel. The
table is read off the modules: an attention owns rows of every projection to q, k and v, of both streams of a joint
block, and columns of every output layer; a gated feed-forward part owns the rows j and j + h of its first layer; a
single block of Flux reads attention and feed-forward through one layer, ``proj_out``, the neurons behind the heads.
Whole heads are removed, so that the scale of attention, one over the root of a head's size, stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from reference_impls.maths.surgery import Group, Part, Side
from reference_impls.pruning.classes import CLASSES

MAKERS = ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj")
READERS = ("to_out.0", "to_add_out")


def groups_of(model: nn.Module) -> tuple[Group, ...]:
    """Every group of units, in model order.

    Raises:
        ValueError: the class is not one of ``CLASSES``.
    """
    if type(model).__name__ not in CLASSES:
        name, known = type(model).__name__, ", ".join(CLASSES)
        raise ValueError(f"the heads, neurons and channels of {name} are not known; those of {known} are")
    found: list[Group] = []
    for path, module in model.named_modules():
        if hasattr(module, "proj_mlp") and hasattr(module, "attn"):
            found += _single_block(path, module)
        elif hasattr(module, "to_q") and _has(module, "to_out.0"):
            found.append(_attention(path, module))
        elif hasattr(module, "net") and hasattr(module.net[0], "proj"):
            found.append(_feed_forward(path, module))
        elif all(hasattr(module, name) for name in ("conv1", "conv2", "norm2")):
            found.append(_residual_block(path, module))
    return tuple(found)


def _attention(path: str, module: nn.Module) -> Group:
    parts = [*_made(path, module), *(_heads(path, name, module, "in") for name in READERS if _has(module, name))]
    return Group(path, "head", tuple(parts), counts=((path, "heads"),))


def _single_block(path: str, module: Any) -> Iterator[Group]:
    """Flux: attention and feed-forward side by side, both read by ``proj_out``."""
    width, hidden = module.attn.to_q.out_features, module.proj_mlp.out_features
    columns = torch.arange(width).view(module.attn.heads, -1)
    reader = f"{path}.proj_out"
    heads = (*_made(f"{path}.attn", module.attn), Part(reader, "in", columns))
    yield Group(f"{path}.attn", "head", heads, counts=((f"{path}.attn", "heads"),))
    each = torch.arange(hidden)[:, None]
    yield Group(f"{path}.proj_mlp", "neuron", (Part(f"{path}.proj_mlp", "out", each), Part(reader, "in", each + width)))


def _feed_forward(path: str, module: Any) -> Group:
    hidden = module.net[2].in_features
    each = torch.arange(hidden)[:, None]
    gated = module.net[0].proj.out_features == 2 * hidden
    rows = torch.cat([each, each + hidden], dim=1) if gated else each  # (hidden, 2 or 1)
    return Group(path, "neuron", (Part(f"{path}.net.0.proj", "out", rows), Part(f"{path}.net.2", "in", each)))


def _residual_block(path: str, module: Any) -> Group:
    channels = module.conv1.out_channels
    each = torch.arange(channels)[:, None]
    parts = [Part(f"{path}.conv1", "out", each), Part(f"{path}.norm2", "out", each)]
    embedding = getattr(module, "time_emb_proj", None)
    if embedding is not None:
        twice = embedding.out_features == 2 * channels  # a scale and a shift for each channel
        rows = torch.cat([each, each + channels], dim=1) if twice else each
        parts.append(Part(f"{path}.time_emb_proj", "out", rows))
    parts.append(Part(f"{path}.conv2", "in", each))
    return Group(path, "channel", tuple(parts), strata=module.norm2.num_groups)


def _made(path: str, module: nn.Module) -> list[Part]:
    return [_heads(path, name, module, "out") for name in MAKERS if _has(module, name)]


def _heads(path: str, name: str, module: Any, side: Side) -> Part:
    width = module.get_submodule(name).weight.shape[1 if side == "in" else 0]
    return Part(f"{path}.{name}", side, torch.arange(width).view(module.heads, -1))


def _has(module: nn.Module, name: str) -> bool:
    """Whether there is such a layer; some classes hold None or an empty list in its place."""
    for part in name.split("."):
        child = module._modules.get(part)
        if child is None:
            return False
        module = child
    return True

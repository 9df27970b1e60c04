"""Heads, neurons and inner channels of the models of diffusers, found from their modules.

An attention owns rows of every projection to q, k and v, of both streams of a joint block, and columns of every output
layer; where several query heads read one head of k and v, they are one unit. A gated feed-forward part owns the rows j
and j + h of its first layer, or the rows j of two layers; Sana's owns channels of a depthwise convolution besides. A
single block of Flux reads attention and feed-forward through one layer, ``proj_out``, the neurons behind the heads.
Whole heads are removed, so that the scale of attention, one over the root of a head's size, stays as it was.

What does not fit these rules to the last parameter is left out and named with the reason: a norm over all heads, whose
statistics would change, fused projections, layers of unknown purpose, an attention processor that reads a size which is
not known to be right after the removal.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reference_impls.maths.surgery import Group, Part, Side

QUERIES, KEYS = ("to_q", "add_q_proj"), ("to_k", "to_v", "add_k_proj", "add_v_proj")
READERS = ("to_out.0", "to_out", "to_add_out")
HEAD_NORMS = ("norm_q", "norm_k", "norm_added_q", "norm_added_k")
IN_FRONT = ("group_norm", "spatial_norm", "norm_cross")
"""Norms of what an attention reads."""
COUNTS = ("heads", "kv_heads", "inner_dim", "inner_kv_dim", "sliceable_head_dim")
"""Numbers of an attention that shrink with its heads."""
MAY_READ = {
    *COUNTS,
    *(name.partition(".")[0] for name in (*QUERIES, *KEYS, *READERS, *HEAD_NORMS, *IN_FRONT)),
    *("fused_projections", "to_qkv", "to_kv", "to_added_qkv", "to_added_kv"),  # fused projections are left out anyway
    *("head_dim", "scale", "rescale_output_factor", "residual_connection", "is_causal", "training", "dropout"),
    *("is_cross_attention", "only_cross_attention", "added_kv_proj_dim", "context_pre_only", "pre_only"),
    *("prepare_attention_mask", "norm_encoder_hidden_states", "get_attention_scores"),
    *("head_to_batch_dim", "batch_to_head_dim"),
}
"""What a processor may read of its attention without being wrong after the removal of heads."""
ONE_ROW, TWO_ROWS = {"GELU", "ApproximateGELU", "LinearActivation"}, {"GEGLU", "SwiGLU", "Flux2SwiGLU"}
"""Activations of diffusers with one row a neuron, and gated ones with the rows j and j + h."""
ELEMENTWISE = {"GELU", "SiLU", "FP32SiLU", "Dropout", "Identity", *TWO_ROWS}
GATED = (
    ("linear_1", "linear_3", "linear_2"),
    ("linear_1", "linear_2", "out_projection"),
    ("w1", "w3", "w2"),
    ("gate_proj", "up_proj", "down_proj"),
)
"""Feed-forward parts of three layers: two that make the neurons, and the one that reads their product."""


class _LeftOut(Exception):
    """A part that cannot be cut exactly, with the reason."""


@dataclass(frozen=True)
class Found:
    """Units of a model."""

    groups: tuple[Group, ...]
    """In model order."""
    left_out: dict[str, str]
    """Path of each part whose units cannot be removed exactly -> the reason."""


def groups_of(model: nn.Module) -> tuple[Group, ...]:
    """Every group of units, in model order.

    Raises:
        ValueError: there is none; the message says why the parts that look like one are left out.
    """
    found = find(model)
    if not found.groups:
        why = "; ".join(dict.fromkeys(found.left_out.values())) or "it has no attention and no feed-forward part"
        raise ValueError(
            f"{type(model).__name__} has no heads, neurons or channels that can be removed exactly: {why}; use an "
            "unstructured method"
        )
    return found.groups


def find(model: nn.Module) -> Found:
    """The groups of a model, and what looks like one and is left out."""
    groups: list[Group] = []
    left_out: dict[str, str] = {}
    for path, module in model.named_modules():
        try:
            groups += _groups_at(path, module)
        except _LeftOut as reason:
            left_out[path] = str(reason)
    for name, value in model.named_parameters(recurse=False):
        if "freq" in name:  # positions that each head has its own of, in Mochi
            left_out |= {group.name: f"{name} {tuple(value.shape)} is made for all heads" for group in _heads(groups)}
    return Found(tuple(group for group in groups if group.name not in left_out), left_out)


def _heads(groups: Iterable[Group]) -> list[Group]:
    return [group for group in groups if group.kind == "head"]


def _groups_at(path: str, module: nn.Module) -> Iterator[Group]:
    kind = type(module).__name__
    if _has(module, "proj_mlp") and _has(module, "attn") and _has(module, "proj_out"):
        yield from _single_block(path, module)
    elif _has(module, "to_q") and any(_has(module, name) for name in READERS):
        yield _attention(path, module)
    elif _has(module, "net.0.proj"):
        yield _feed_forward(path, module)
    elif _has(module, "conv_inverted"):
        yield _gated_convolution(path, module)
    elif re.search(r"FeedForward|MLP$|Mlp$", kind):
        yield _plain_feed_forward(path, module)
    elif all(_has(module, name) for name in ("conv1", "conv2", "norm2")):
        yield _residual_block(path, module)
    elif re.search(r"Attention$|Attn$", kind) and not _has(module, "to_q") and _own_layers(module):
        raise _LeftOut(f"the layers of {kind} are not known")


def _attention(path: str, module: Any) -> Group:
    readers = [name for name in READERS if isinstance(_get(module, name), nn.Linear)]
    heads, size = _cut_heads(path, module, readers)
    parts = [*heads, *(_lines(f"{path}.{name}", "in", len(heads[0].index), size) for name in readers)]
    return Group(path, "head", tuple(parts), counts=_counts(path, module, len(heads[0].index)))


def _cut_heads(path: str, module: Any, readers: Sequence[str]) -> tuple[list[Part], int]:
    """The rows of each head in the projections of an attention, and how many columns it has in its readers.

    Raises:
        _LeftOut: see the reasons.
    """
    kind, heads = type(module).__name__, getattr(module, "heads", None)
    queries = [name for name in QUERIES if _has(module, name)]
    keys = [name for name in KEYS if _has(module, name)]
    if getattr(module, "fused_projections", False):
        raise _LeftOut("its projections are fused; unfuse them first")
    if not isinstance(heads, int) or not keys:
        raise _LeftOut(f"the heads of {kind} are not known")
    _refuse_unknown_layers(module, (*QUERIES, *KEYS, *READERS, *HEAD_NORMS, *IN_FRONT))
    width, narrow = (_width(module, names) for names in (queries, keys))
    if width % heads or narrow % (width // heads) or heads % (narrow // (width // heads)):
        raise _LeftOut(f"{width} queries and {narrow} keys are not of {heads} heads")
    if (getattr(module, "inner_dim", width), getattr(module, "inner_kv_dim", narrow)) != (width, narrow):
        raise _LeftOut("its inner_dim is not the width of its projections")
    head = width // heads
    units = narrow // head  # heads of k and v, each with the query heads that read it
    if any(_get(module, name).in_features != width for name in readers):
        raise _LeftOut("an output layer does not read the heads alone")
    for name in HEAD_NORMS:
        norm = _get(module, name)
        if norm is not None and _norm_width(norm) != head:
            raise _LeftOut(f"{name} is a norm over all heads, and its statistics would change")
    _refuse_processor(getattr(module, "processor", None))
    parts = [_lines(f"{path}.{name}", "out", units, width // units) for name in queries]
    return [*parts, *(_lines(f"{path}.{name}", "out", units, head) for name in keys)], width // units


def _counts(path: str, module: nn.Module, units: int) -> tuple[tuple[str, str], ...]:
    values = {name: getattr(module, name, None) for name in COUNTS}
    return tuple((path, name) for name, value in values.items() if isinstance(value, int) and value % units == 0)


@functools.cache
def _source(kind: type) -> str:
    """Read once: a model has many processors of a class."""
    return inspect.getsource(kind)


def _refuse_processor(processor: object) -> None:
    """A processor runs an attention; what it reads of it must be right after the removal of heads."""
    if processor is None:
        return
    kind = type(processor)
    try:
        source = _source(kind)  # type: ignore[arg-type]  # a class can be hashed
    except (OSError, TypeError) as error:
        raise _LeftOut(f"the source of its processor {kind.__name__} is not at hand") from error
    odd = sorted(set(re.findall(r"\battn\.([a-z]\w*)", source)) - MAY_READ)
    if odd:
        raise _LeftOut(f"its processor {kind.__name__} reads {odd[0]}, which is not known here")
    if re.search(r"-1, residual\.shape", source):
        raise _LeftOut(f"its processor {kind.__name__} takes the width of its output from that of its input")


def _single_block(path: str, module: Any) -> Iterator[Group]:
    """Attention and feed-forward side by side, both read by ``proj_out``."""
    reader, made = f"{path}.proj_out", module.proj_mlp.out_features
    source = inspect.getsource(type(module).forward)
    heads, size = _cut_heads(f"{path}.attn", module.attn, ())
    width = size * len(heads[0].index)
    if not re.search(r"torch\.cat\(\[attn\w*, mlp\w*\]", source) or module.proj_out.in_features != width + made:
        raise _LeftOut("proj_out does not read heads and neurons in an order that is known")
    columns = _lines(reader, "in", len(heads[0].index), size)
    counts = _counts(f"{path}.attn", module.attn, len(heads[0].index))
    yield Group(f"{path}.attn", "head", (*heads, columns), counts=counts)
    each = torch.arange(made)[:, None]
    yield Group(f"{path}.proj_mlp", "neuron", (Part(f"{path}.proj_mlp", "out", each), Part(reader, "in", each + width)))


def _feed_forward(path: str, module: Any) -> Group:
    first, reader = module.net[0], module.net[2] if len(module.net) > 2 else None
    kind = type(first).__name__
    if kind not in ONE_ROW | TWO_ROWS or not isinstance(reader, nn.Linear):
        raise _LeftOut(f"the activation {kind} is not known")
    _refuse_unknown_layers(module, ("net.0.proj", "net.2"))
    return _neurons(path, [("net.0.proj", first.proj.out_features)], "net.2", reader.in_features, kind in TWO_ROWS)


def _plain_feed_forward(path: str, module: Any) -> Group:
    """Without ``net``: two layers that make the neurons, or one, and an elementwise activation."""
    kind = type(module).__name__
    for *makers, reader in (*GATED, ("linear_in", "linear_out")):
        if not all(isinstance(_get(module, name), nn.Linear) for name in (*makers, reader)):
            continue
        _refuse_unknown_layers(module, (*makers, reader))
        if strange := [type(one).__name__ for one in module.children() if type(one).__name__ not in _KNOWN]:
            raise _LeftOut(f"the activation {strange[0]} of {kind} is not known")
        sizes = [(name, _get(module, name).out_features) for name in makers]
        hidden = _get(module, reader).in_features
        return _neurons(path, sizes, reader, hidden, sizes[0][1] == 2 * hidden)
    raise _LeftOut(f"the layers of {kind} are not known")


_KNOWN = {*ELEMENTWISE, "Linear"}


def _neurons(path: str, makers: Sequence[tuple[str, int]], reader: str, hidden: int, two_rows: bool) -> Group:
    each = torch.arange(hidden)[:, None]
    rows = torch.cat([each, each + hidden], dim=1) if two_rows else each  # (hidden, 2 or 1)
    if any(made != rows.numel() for _, made in makers):
        raise _LeftOut(f"{makers[0][1]} rows are not of {hidden} neurons")
    made = (Part(f"{path}.{name}", "out", rows) for name, _ in makers)
    return Group(path, "neuron", (*made, Part(f"{path}.{reader}", "in", each)))


def _gated_convolution(path: str, module: Any) -> Group:
    """Sana: a layer, a depthwise convolution, a gate, a layer."""
    _refuse_unknown_layers(module, ("conv_inverted", "conv_depth", "conv_point", "norm"))
    first, depth, last = module.conv_inverted, module.conv_depth, module.conv_point
    if not (first.out_channels == depth.out_channels == depth.groups == 2 * last.in_channels):
        raise _LeftOut(f"the widths of {type(module).__name__} are not known")
    makers = [(name, first.out_channels) for name in ("conv_inverted", "conv_depth")]
    return _neurons(path, makers, "conv_point", last.in_channels, two_rows=True)


def _residual_block(path: str, module: Any) -> Group:
    if not isinstance(module.norm2, nn.GroupNorm) or not module.norm2.affine:
        raise _LeftOut(f"its norm {type(module.norm2).__name__} is not known")
    channels = module.conv1.out_channels
    if (module.norm2.num_channels, module.conv2.in_channels) != (channels, channels):
        raise _LeftOut(f"the widths of {type(module).__name__} are not known")
    each = torch.arange(channels)[:, None]
    parts = [Part(f"{path}.conv1", "out", each), Part(f"{path}.norm2", "out", each)]
    embedding = getattr(module, "time_emb_proj", None)
    if embedding is not None:
        twice = embedding.out_features == 2 * channels  # a scale and a shift for each channel
        rows = torch.cat([each, each + channels], dim=1) if twice else each
        parts.append(Part(f"{path}.time_emb_proj", "out", rows))
    parts.append(Part(f"{path}.conv2", "in", each))
    return Group(path, "channel", tuple(parts), strata=module.norm2.num_groups)


def _lines(layer: str, side: Side, units: int, size: int) -> Part:
    return Part(layer, side, torch.arange(units * size).view(units, size))


def _width(module: nn.Module, names: Iterable[str]) -> int:
    widths = {_get(module, name).out_features for name in names if isinstance(_get(module, name), nn.Linear)}
    if len(widths) != 1:
        raise _LeftOut(f"its projections have the widths {sorted(widths)}")
    return int(widths.pop())


def _norm_width(norm: Any) -> int | None:
    """How many numbers a norm takes together; None where it does not say."""
    weight = getattr(norm, "weight", None)
    if weight is not None:
        return int(weight.numel())
    shape = getattr(norm, "normalized_shape", None) or getattr(norm, "dim", None)
    return int(shape[-1]) if isinstance(shape, (tuple, list, torch.Size)) else None


def _refuse_unknown_layers(module: nn.Module, known: Sequence[str]) -> None:
    """Every parameter must belong to a layer whose part in the module is known."""
    for name, _ in module.named_parameters():
        if not any(name.startswith(f"{one}.") for one in known):
            raise _LeftOut(f"its part {name.rpartition('.')[0] or name} is not known here")


def _own_layers(module: nn.Module) -> bool:
    """Whether it holds layers itself, and is not just made of other attentions."""
    return any(isinstance(child, nn.Linear) for child in module.children())


def _get(module: nn.Module, name: str) -> Any:
    """A layer, or None; some classes hold None or an empty list in its place."""
    found: nn.Module | None = module
    for part in name.split("."):
        found = None if found is None else found._modules.get(part)
    return found


def _has(module: nn.Module, name: str) -> bool:
    return _get(module, name) is not None

"""Surgery: remove whole units or blocks from a model, so that it becomes smaller and faster in any runtime.

A unit can be removed without changing the residual stream: an attention head, a feed-forward neuron (of a gated one,
both of its rows), an inner channel of a residual block. It owns rows of the layers that make it and columns of the
layers that read it. A group holds the units of one place. With the columns of a unit set to zero the dense model gives
the same output as the model without the unit, to the last bit but for the order of sums; only single channels in front
of a GroupNorm differ, because the statistics of their norm group change.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

Side = Literal["out", "in"]
"""out: rows of a weight, and of its bias; in: columns of the weight."""


@dataclass(frozen=True)
class Part:
    """Rows or columns that the units of a group own in one layer."""

    layer: str
    """Path of a Linear, a convolution or a norm with weights; of a depthwise convolution, the side is out."""
    side: Side
    index: torch.Tensor
    """(units, size) rows or columns of each unit."""


@dataclass(frozen=True)
class Group:
    """The units of one place."""

    name: str
    """Path of the module that they are part of."""
    kind: Literal["head", "neuron", "channel"]
    parts: tuple[Part, ...]
    counts: tuple[tuple[str, str], ...] = ()
    """(path of a module, its attribute) that hold the number of units, or a multiple of it."""
    strata: int = 1
    """Equal consecutive parts, such as the groups of a GroupNorm; those that remain keep equally many units."""

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.parts[0].index)


@dataclass(frozen=True)
class Block:
    """A block that can be removed as a whole."""

    name: str
    """Its path; it is called with the residual stream, or with one for images and one for text, and returns it."""
    shortcut: str | None = None
    """Path of the 1×1 convolution around it, where its input and its output have different widths; else None."""
    skipped: int = 0
    """Channels of a skip connection, which are the last ones of its input; the first ones are the stream."""
    takes: tuple[str, ...] = ()
    """Names of its arguments, where it has streams by name."""
    gives: tuple[str, ...] = ()
    """Those of its arguments that are streams, in the order in which it returns them; else the first one is."""
    wrapped: bool = False
    """Whether it returns the one stream as a tuple."""


class Skip(nn.Module):
    """Replaces a removed block: the stream passes unchanged, or through a shortcut convolution."""

    def __init__(
        self,
        shortcut: nn.Module | None = None,
        skipped: int = 0,
        takes: tuple[str, ...] = (),
        gives: tuple[str, ...] = (),
        wrapped: bool = False,
    ) -> None:
        """Keep the shortcut; drop as many of the last channels before it. The rest is as of a ``Block``."""
        super().__init__()
        self.shortcut = shortcut or nn.Identity()
        self.skipped, self.wrapped = skipped, wrapped
        self.takes, self.gives = takes, gives

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The stream, or streams; timestep, class and other inputs of the block are ignored."""
        if self.gives:
            given = {**dict(zip(self.takes, inputs, strict=False)), **named}
            streams = tuple(given.get(name) for name in self.gives)
            return streams if len(streams) > 1 else streams[0]
        x = inputs[0]
        stream = self.shortcut(x[:, : x.shape[1] - self.skipped] if self.skipped else x)
        return (stream,) if self.wrapped else stream


def streams(output: Any) -> tuple[Any, ...]:
    """What a block or its ``Skip`` returns, as a tuple of streams."""
    return output if isinstance(output, tuple) else (output,)


def checked(group: Group, kept: Iterable[int]) -> list[int]:
    """The kept units in rising order.

    Raises:
        ValueError: nothing is kept, a unit is named twice or does not exist, or the strata that are left keep
            different numbers.
    """
    units = sorted(int(unit) for unit in kept)
    if not units:
        raise ValueError(f"{group.name}: all units would be removed; keep at least one")
    if len(set(units)) != len(units) or units[0] < 0 or units[-1] >= group.units:
        raise ValueError(f"{group.name}: {units} are not different units of 0 to {group.units - 1}")
    size = group.units // group.strata
    left = {number for number in (sum(unit // size == s for unit in units) for s in range(group.strata)) if number}
    if len(left) > 1:
        raise ValueError(
            f"{group.name}: its {group.strata} norm groups would keep {sorted(left)} units; keep as many in each"
        )
    return units


@torch.no_grad()
def remove(model: nn.Module, *removals: tuple[Group, Sequence[int]]) -> None:
    """Take units out, in place: of each group, all but the kept ones.

    All groups must be of the model as it is now. Give those that share a layer together: the first removal alone
    would shift what the second one names.

    Raises:
        ValueError: see ``checked``; nothing is changed.
    """
    chosen = [(group, checked(group, kept)) for group, kept in removals]
    stays: dict[tuple[str, str], torch.Tensor] = {}
    strata: dict[str, int] = {}
    for group, units in chosen:
        gone = sorted(set(range(group.units)) - set(units))
        for part in group.parts:
            length = model.get_parameter(f"{part.layer}.weight").shape[1 if part.side == "in" else 0]
            lines = stays.setdefault((part.layer, part.side), torch.ones(length, dtype=torch.bool))
            lines[part.index[gone].flatten()] = False
            strata[part.layer] = len({unit // (group.units // group.strata) for unit in units})
    for (layer, side), lines in stays.items():
        _narrow(model.get_submodule(layer), side, lines.nonzero()[:, 0], strata[layer])
    for group, units in chosen:
        for path, attribute in group.counts:
            module = model.get_submodule(path)
            setattr(module, attribute, getattr(module, attribute) // group.units * len(units))


def _narrow(layer: nn.Module, side: str, stays: torch.Tensor, strata: int) -> None:
    """Keep these rows or columns of one layer, and its own account of its size true."""
    dimension = 1 if side == "in" else 0
    names = ["weight"] if side == "in" or getattr(layer, "bias", None) is None else ["weight", "bias"]
    for name in names:
        old = getattr(layer, name)
        new = old.index_select(dimension, stays.to(old.device)).contiguous()
        setattr(layer, name, nn.Parameter(new, requires_grad=old.requires_grad))
    if isinstance(layer, nn.GroupNorm):
        layer.num_channels, layer.num_groups = len(stays), strata
    elif isinstance(layer, nn.Linear):
        setattr(layer, "in_features" if side == "in" else "out_features", len(stays))
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and layer.groups > 1:  # depthwise: a row a channel
        layer.in_channels = layer.out_channels = layer.groups = len(stays)
    else:
        setattr(layer, "in_channels" if side == "in" else "out_channels", len(stays))


@torch.no_grad()
def zero(model: nn.Module, group: Group, gone: Iterable[int]) -> None:
    """Silence units without removing them, in place: nothing reads them any more."""
    units = sorted(int(unit) for unit in gone)
    for part in group.parts:
        if part.side == "in":
            model.get_parameter(f"{part.layer}.weight")[:, part.index[units].flatten()] = 0


def skip(model: nn.Module, blocks: Iterable[Block], *, keep_shortcuts: bool = False) -> None:
    """Replace each of these blocks by its ``replacement``, in place."""
    for block in blocks:
        parent, _, name = block.name.rpartition(".")
        setattr(model.get_submodule(parent), name, replacement(model, block, keep_shortcuts=keep_shortcuts))


def replacement(model: nn.Module, block: Block, *, keep_shortcuts: bool = False) -> Skip:
    """What a block is replaced by; the model does not change.

    By default block, shortcut and skip connection are removed (BK-SDM, arXiv:2305.15798, section 3.1, and its code):
    the stream passes unchanged. Where the stream leaves the block with another width than it had, which is the case
    for no block that the authors remove, those columns of the shortcut stay that read the stream.

    Args:
        model: the model that holds the block.
        block: one of ``blocks_of`` the model.
        keep_shortcuts: the whole shortcut stays, and the skip connection that it reads.
    """
    if block.shortcut is None:
        return Skip(takes=block.takes, gives=block.gives, wrapped=block.wrapped)
    shortcut = model.get_submodule(block.shortcut)
    width_out, width_in = shortcut.get_parameter("weight").shape[:2]
    stream = width_in - block.skipped
    if keep_shortcuts:
        return Skip(shortcut)
    if width_out == stream:
        return Skip(skipped=block.skipped)
    if not block.skipped:
        return Skip(shortcut)
    narrow = copy.deepcopy(shortcut)
    with torch.no_grad():
        _narrow(narrow, "in", torch.arange(stream), 1)
    return Skip(narrow, block.skipped)

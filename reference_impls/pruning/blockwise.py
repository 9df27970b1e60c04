"""Prune the layers of a model block by block: each block is calibrated on what the pruned blocks before it produce.

A block is the outermost item of an ``nn.ModuleList``; a layer outside any list is a block of its own. For each block,
in the order in which the model calls them: run it and observe the inputs of all its layers; decide and write each
layer; run it again and pass the outputs on.

A block is run alone, from the inputs that it received. The data flow from one block to the next, with skips and joint
streams, is the model's own code: a forward pass is run, finished blocks return their recorded outputs at once, and the
pass stops where the next block begins. So a block is computed twice for each recorded call, in any model. The cost is
memory: the outputs of all finished blocks are kept for all calls.

This module does not depend on what is observed, nor on how a layer is pruned.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, Generic, NamedTuple

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.hooks import hooked, replaced
from reference_impls.pruning.layers import Layer, like_weight, set_matrix
from reference_impls.pruning.observers import O, Observer, alike, naming, observe

Layers = Mapping[str, Layer]
"""By their names in the model."""
Decide = Callable[[str, Layer, O], tuple[torch.Tensor, torch.Tensor]]
"""Name of a layer, the layer and its observer -> new matrix and mask, as ``as_matrix``; it changes nothing."""


@dataclass(frozen=True)
class BlockCall:
    """Inputs of a block in one forward pass of the model, and their weight."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    weight: float

    def run(self, block: nn.Module) -> Any:
        """The block's output; a block that works in place changes copies only."""
        arguments, keywords = copy.deepcopy((self.arguments, dict(self.keywords)))
        return block(*arguments, **keywords)


class Rule(NamedTuple, Generic[O]):
    """How a method prunes each layer from its inputs."""

    observer: Callable[[int], O]
    """As in ``observe``."""
    decide: Decide[O]
    weight: Callable[[Call], float] = alike
    """How much a call counts."""


Together = Callable[[Mapping[str, Observer]], None]
"""Adds up the observers of a block over several processes, in place."""


@torch.no_grad()
def prune_block(
    block: nn.Module,
    calls: Sequence[BlockCall],
    layers: Layers,
    observer: Callable[[int], O],
    decide: Decide[O],
    *,
    together: Together | None = None,
) -> tuple[list[Any], dict[str, torch.Tensor]]:
    """Observe all layers of a block, change them, run it again; two passes.

    Args:
        block: with its weights loaded; nothing else of the model is needed.
        calls: what it received.
        layers: those that are pruned.
        observer: as in ``observe``.
        decide: see ``Decide``.
        together: see ``Together``.

    Returns:
        The outputs of the pruned block, one a call; and the mask of each layer, shaped as its weight.

    Raises:
        ValueError: ``observer`` or ``decide`` refuses something; the layer is named.
    """
    observed = observe(block, calls, layers, observer, attrgetter("weight"))
    if together is not None:
        together(observed)
    masks = _write(layers, observed, decide)
    return [call.run(block) for call in calls], masks


def _write(layers: Layers, observed: Mapping[str, O], decide: Decide[O]) -> dict[str, torch.Tensor]:
    masks = {}
    for name, layer in layers.items():
        with naming(name):
            matrix, mask = decide(name, layer, observed[name])
        set_matrix(layer, matrix)
        masks[name] = like_weight(mask, layer.weight)
    return masks


@torch.no_grad()
def prune_blocks(
    model: nn.Module,
    calibration: Calibration,
    layers: Layers,
    observer: Callable[[int], O],
    decide: Decide[O],
    weight: Callable[[Call], float] = alike,
) -> dict[str, torch.Tensor]:
    """Prune all layers of a model, block by block.

    Args:
        model: any module.
        calibration: its calls.
        layers: those that are pruned, by name.
        observer: as in ``observe``.
        decide: see ``Decide``.
        weight: how much a call counts.

    Returns:
        The mask of each layer, shaped as its weight, in the order of ``layers``.

    Raises:
        ValueError: as ``prune_block``.
    """
    rule = Rule(observer, decide, weight)
    passes = [Pass(call, weight(call)) for call in calibration]
    masks: dict[str, torch.Tensor] = {}
    for block in blocks_of_layers(model, calibration.calls[0], layers):
        masks |= prune_next(model, block, passes, rule)
    return {name: masks[name] for name in layers}


@torch.no_grad()
def prune_next(
    model: nn.Module, block: Block, passes: Sequence[Pass], rule: Rule[O], together: Together | None = None
) -> dict[str, torch.Tensor]:
    """Prune the next block of a model and give its outputs to the passes.

    Args:
        model: the weights of this block and of all layers outside blocks are loaded.
        block: all before it are pruned.
        passes: of the model.
        rule: of the method.
        together: see ``Together``.

    Returns:
        The mask of each layer of the block, shaped as its weight.

    Raises:
        ValueError: as ``prune_block``.
    """
    if not block.called_once:  # its later inputs depend on its own outputs: it is observed inside the model
        observed = observe(model, passes, block.layers, rule.observer, attrgetter("weight"))
        if together is not None:
            together(observed)
        return _write(block.layers, observed, rule.decide)
    reached = [(one, call) for one in passes if (call := one.call_of(block.module, model)) is not None]
    calls = [call for _, call in reached]
    outputs, masks = prune_block(block.module, calls, block.layers, rule.observer, rule.decide, together=together)
    for (one, _), output in zip(reached, outputs, strict=True):
        one.outputs[block.module] = output
    return masks


@dataclass(frozen=True)
class Block:
    """A part of a model that is pruned at once."""

    name: str
    module: nn.Module
    layers: Layers
    called_once: bool
    """In each forward pass of the model."""


@torch.no_grad()
def blocks_of_layers(model: nn.Module, call: Call, layers: Layers) -> list[Block]:
    """The blocks that contain the layers, in the order of execution.

    The order in which a model defines its modules is another one in U-Nets, whose middle often comes last there. A list
    item whose parts are called one by one, not the item itself, falls apart into its layers.

    Args:
        model: any module.
        call: a call of it; run with one sample.
        layers: by name.
    """
    own = items_of_layers(model, layers)
    called: list[str] = []
    paths = dict.fromkeys((*own, *layers))
    with hooked(((model.get_submodule(path), partial(_note, called, path)) for path in paths), before=True):
        call.first().run(model)
    times = Counter(called)
    parts = [
        part for path, names in own.items() for part in ([(path, names)] if times[path] else [(n, [n]) for n in names])
    ]
    parts.sort(key=lambda part: called.index(part[0]) if times[part[0]] else len(called))
    return [
        Block(path, model.get_submodule(path), {name: layers[name] for name in names}, times[path] == 1)
        for path, names in parts
    ]


def items_of_layers(model: nn.Module, layers: Iterable[str]) -> dict[str, list[str]]:
    """The outermost items of lists that hold layers, and their layers; a layer outside any list holds itself."""
    own: dict[str, list[str]] = {}
    for name in layers:
        own.setdefault(_outermost_item(model, name), []).append(name)
    return own


def _note(called: list[str], path: str, *_: object) -> None:
    called.append(path)


def _outermost_item(model: nn.Module, layer: str) -> str:
    """Path of the list item that holds a layer, past lists of lists; outside any list, the layer's own."""
    parts = layer.split(".")
    for depth in range(1, len(parts)):
        above, path = (".".join(parts[:end]) for end in (depth - 1, depth))
        containers = (nn.ModuleList, nn.ModuleDict)
        item = model.get_submodule(path)
        if isinstance(model.get_submodule(above), nn.ModuleList) and not isinstance(item, containers):
            return path
    return layer


class _Reached(Exception):
    """Stops a forward pass of the model where a block begins."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()
        self.arguments, self.keywords = arguments, keywords


@dataclass(frozen=True)
class Pass:
    """One forward pass of the model, with the outputs of the blocks that are finished."""

    call: Call
    weight: float
    outputs: dict[nn.Module, Any] = field(default_factory=dict)

    def run(self, model: nn.Module) -> Any:
        """Run the blocks that are not finished, and the layers between blocks, which may work in place."""
        with replaced({block: partial(_copy_of, output) for block, output in self.outputs.items()}):
            return self.call.run(model)

    def call_of(self, block: nn.Module, model: nn.Module) -> BlockCall | None:
        """Inputs of the block; None where this forward pass does not reach it."""
        try:
            with replaced({block: _stop}):
                self.run(model)
        except _Reached as reached:
            return BlockCall(reached.arguments, reached.keywords, self.weight)
        return None


def _copy_of(output: Any, *_: object, **__: object) -> Any:
    return copy.deepcopy(output)


def _stop(*arguments: Any, **keywords: Any) -> None:
    raise _Reached(*arguments, **keywords)

"""Prune the layers of a model block by block: each block is calibrated on what the pruned blocks before it produce.

A block is the outermost item of an ``nn.ModuleList``; a layer outside any list is a block of its own. For each block,
in the order in which the model calls them: run it and observe the inputs of all its layers; decide and write each
layer; recover the block where that is asked for, see ``recover_block``; run it again and pass the outputs on.

A block is run alone, from the inputs that it received. The data flow from one block to the next, with skips and joint
streams, is the model's own code: a forward pass is run, finished blocks return their recorded outputs at once, and the
pass stops where the next block begins. So a block is computed twice for each recorded call, in any model. The cost is
memory: the outputs of finished blocks are kept for all calls, each until the last block that reads it is finished.

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
from torch.utils._pytree import tree_leaves, tree_map_only

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.hooks import replaced
from reference_impls.pruning.dataflow import Dataflow
from reference_impls.pruning.layers import Layer, like_weight, set_matrix
from reference_impls.pruning.observers import O, Total, alike, alone, naming, observe
from reference_impls.pruning.recover_block import recover_block

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

    observer: Callable[[Layer], O]
    """As in ``observe``."""
    decide: Decide[O]
    weight: Callable[[Call], float] = alike
    """How much a call counts."""
    recover: int = 0
    """Steps in which each block is trained after it is pruned."""


@torch.no_grad()
def prune_block(
    block: nn.Module,
    calls: Sequence[BlockCall],
    layers: Layers,
    rule: Rule[O],
    total: Total = alone,
) -> tuple[list[Any], dict[str, torch.Tensor]]:
    """Observe all layers of a block, change them, run it again; two passes, and more where it is recovered.

    Args:
        block: with its weights loaded; nothing else of the model is needed.
        calls: what it received.
        layers: those that are pruned.
        rule: of the method.
        total: over several processes, each with its own calls.

    Returns:
        The outputs of the pruned block, one a call; and the mask of each layer, shaped as its weight.

    Raises:
        ValueError: the rule refuses something, and the layer is named; or a loss is not finite.
    """
    dense = [call.run(block) for call in calls] if rule.recover else []
    masks = _write(block, calls, layers, rule, total)
    if rule.recover:
        recover_block(block, calls, dense, layers, masks, rule.recover, total)
    return [call.run(block) for call in calls], masks


def _write(
    module: nn.Module, calls: Sequence[BlockCall | Pass], layers: Layers, rule: Rule[O], total: Total
) -> dict[str, torch.Tensor]:
    """Observe layers while a module runs, decide and write them; their masks."""
    observed = observe(module, calls, layers, rule.observer, attrgetter("weight"))
    masks = {}
    for name, layer in layers.items():
        observed[name].reduce(total)
        with naming(name):
            matrix, mask = rule.decide(name, layer, observed[name])
        set_matrix(layer, matrix)
        masks[name] = like_weight(mask, layer.weight)
    return masks


@torch.no_grad()
def prune_blocks(
    model: nn.Module,
    calibration: Calibration,
    layers: Layers,
    rule: Rule[O],
) -> dict[str, torch.Tensor]:
    """Prune all layers of a model, block by block.

    Args:
        model: any module.
        calibration: its calls.
        layers: those that are pruned, by name.
        rule: of the method.

    Returns:
        The mask of each layer, shaped as its weight, in the order of ``layers``.

    Raises:
        ValueError: as ``prune_block``.
    """
    passes = [Pass(call, rule.weight(call)) for call in calibration]
    masks: dict[str, torch.Tensor] = {}
    for block in blocks_of_layers(model, calibration.calls[0], layers):
        masks |= prune_next(model, block, passes, rule)
        forget(block, passes)
    return {name: masks[name] for name in layers}


@torch.no_grad()
def prune_next(
    model: nn.Module, block: Block, passes: Sequence[Pass], rule: Rule[O], total: Total = alone
) -> dict[str, torch.Tensor]:
    """Prune the next block of a model and give its outputs to the passes.

    Args:
        model: the weights of this block and of all layers outside blocks are loaded.
        block: all before it are pruned.
        passes: of the model.
        rule: of the method.
        total: over several processes, each with its own passes.

    Returns:
        The mask of each layer of the block, shaped as its weight.

    Raises:
        ValueError: as ``prune_block``.
    """
    if not block.called_once:  # its later inputs depend on its own outputs: it is observed inside the model
        return _write(model, passes, block.layers, rule, total)
    reached = [(one, call) for one in passes if (call := one.call_of(block.module, model)) is not None]
    calls = [call for _, call in reached]
    outputs, masks = prune_block(block.module, calls, block.layers, rule, total)
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
    last_reads: tuple[nn.Module, ...] = ()
    """Blocks up to this one whose outputs no block after it reads."""


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
    modules = {path: model.get_submodule(path) for path in (*own, *layers)}
    flow = Dataflow()
    with flow.following(modules):
        call.first().run(model)
    times = Counter(flow.called)
    parts = [
        part for path, names in own.items() for part in ([(path, names)] if times[path] else [(n, [n]) for n in names])
    ]
    parts.sort(key=lambda part: flow.called.index(part[0]) if times[part[0]] else len(flow.called))
    order = [path for path, _ in parts]
    stored = [path for path in order if times[path] == 1]
    last = {path: number for number, path in enumerate(order) if path in stored}  # which reads it
    for number, path in enumerate(order):
        needed = flow.sources(path, stored) if times[path] else stored  # in another forward pass it may be called
        last |= {source: number for source in needed if last[source] < number}
    return [
        Block(
            path,
            modules[path],
            {name: layers[name] for name in names},
            path in stored,
            tuple(modules[source] for source in stored if last[source] == number),
        )
        for number, (path, names) in enumerate(parts)
    ]


def items_of_layers(model: nn.Module, layers: Iterable[str]) -> dict[str, list[str]]:
    """The outermost items of lists that hold layers, and their layers; a layer outside any list holds itself."""
    own: dict[str, list[str]] = {}
    for name in layers:
        own.setdefault(_outermost_item(model, name), []).append(name)
    return own


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
    """One forward pass of the model, with the outputs of the blocks that are finished; see ``forget``."""

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


@dataclass(frozen=True)
class _Gone:
    """What is known of an output that no block reads any more; the model's own code may compute with it."""

    output: Any
    """With tensors on the meta device."""
    device: torch.device

    def filled(self) -> Any:
        """With NaN: if a block did read it, its observer or its scores would be refused."""
        return tree_map_only(torch.Tensor, self._nan, self.output)

    def _nan(self, value: torch.Tensor) -> torch.Tensor:
        return torch.full_like(value, torch.nan if value.is_floating_point() else 0, device=self.device)


def forget(block: Block, passes: Sequence[Pass]) -> None:
    """Give back the outputs that were read for the last time by a block that is finished.

    A forward pass that did not reach the block keeps them: another block reads them there.
    """
    for one in passes:
        if block.called_once and block.module not in one.outputs:
            continue
        for module in block.last_reads:
            if module in one.outputs:
                output = one.outputs[module]
                device = next((leaf.device for leaf in tree_leaves(output) if isinstance(leaf, torch.Tensor)), None)
                if device is not None:
                    one.outputs[module] = _Gone(tree_map_only(torch.Tensor, _on_meta, output), device)


def _on_meta(value: torch.Tensor) -> torch.Tensor:
    return value.to("meta")


def _copy_of(output: Any, *_: object, **__: object) -> Any:
    return output.filled() if isinstance(output, _Gone) else copy.deepcopy(output)


def _stop(*arguments: Any, **keywords: Any) -> None:
    raise _Reached(*arguments, **keywords)

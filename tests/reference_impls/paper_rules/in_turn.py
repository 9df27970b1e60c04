"""Layers pruned in groups, one after another, each on what the model gives after the groups before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.pruning.blockwise import blocks_of_layers
from reference_impls.pruning.layers import Layer, as_matrix, input_rows, prunable, set_matrix

Decide = Callable[[torch.Tensor, list[torch.Tensor]], torch.Tensor]
"""Matrix of a layer, and its input rows in each call -> new matrix."""


@torch.no_grad()
def rows_of(model: nn.Module, calibration: Calibration, layers: dict[str, Layer]) -> dict[str, list[torch.Tensor]]:
    """What each layer's matrix is multiplied with in each call, (rows, inputs)."""
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in layers}
    handles = [
        layer.register_forward_hook(lambda layer, given, _, name=name: seen[name].append(input_rows(layer, given[0])))
        for name, layer in layers.items()
    ]
    for call in calibration:
        call.run(model)
    for handle in handles:
        handle.remove()
    return seen


def prune_in_turn(model: nn.Module, calibration: Calibration, groups: Sequence[Sequence[str]], decide: Decide) -> None:
    """All layers of a group are calibrated together, by a pass of the whole model, and then changed."""
    for names in groups:
        layers = {name: layer for name, layer in prunable(model).items() if name in names}
        seen = rows_of(model, calibration, layers)
        for name, layer in layers.items():
            set_matrix(layer, decide(as_matrix(layer), seen[name]))


def blocks(model: nn.Module, calibration: Calibration) -> list[list[str]]:
    """The layers of each block, in the order of execution."""
    return [list(block.layers) for block in blocks_of_layers(model, calibration.calls[0], prunable(model))]


def packages(names: Sequence[str], number: int) -> list[list[str]]:
    """As many packages of consecutive layers, of nearly equal length, the first ones longer."""
    size, longer = divmod(len(names), number)
    made, first = [], 0
    for index in range(number):
        last = first + size + (index < longer)
        made.append(list(names[first:last]))
        first = last
    return made

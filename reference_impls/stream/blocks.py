"""Methods with calibration, block by block, as ``pruning.blockwise`` does it in memory: the weights are the same.

In memory are one block, the layers outside of blocks, and the outputs of finished blocks that a later one reads. Each
finished block is written, noted in the journal, and its outputs are stored, so that the run can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_map

from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.noise import misfit
from reference_impls.files import layout
from reference_impls.maths.selection import nonzero
from reference_impls.methods import obs_diff, sparsegpt, wanda
from reference_impls.models.diffusers_folder import Outline
from reference_impls.models.weight_files import in_precision
from reference_impls.pruning.blockwise import (
    Block,
    Pass,
    Rule,
    blocks_of_layers,
    forget,
    items_of_layers,
    prune_next,
)
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import prunable
from reference_impls.stream import shards
from reference_impls.stream.onload import NotLoaded, Onload
from reference_impls.stream.ranks import Ranks
from reference_impls.stream.states import States
from reference_impls.stream.writer import Show, Writer

RULES: Mapping[str, Callable[[Request], Rule[Any]]] = {
    "wanda": wanda.rule,
    "sparsegpt": sparsegpt.rule,
    "obs-diff": obs_diff.rule,
}


@torch.no_grad()
def prune_in_blocks(
    outlined: Outline,
    layers: Mapping[str, str],
    calibration: Calibration,
    rule: Rule[Any],
    files: Writer,
    ranks: Ranks,
    show: Show,
) -> None:
    """Prune and write all layers, block by block.

    Args:
        outlined: the model and its files.
        layers: name of each layer -> name of its weight in the files.
        calibration: forward passes of the whole model; each process takes its own.
        rule: of the method.
        files: from and to which.
        ranks: the processes that work together, and where blocks run.
        show: progress.

    Raises:
        ValueError: a weight or an input is not finite, a layer gets no inputs, or the files change meanwhile.
    """
    model = outlined.model
    modules = {name: layer for name, layer in prunable(model).items() if name in layers}
    reads = {name: files.reads[stored] for name, stored in outlined.stored.items()}
    onload, items = Onload(model, reads, ranks.device), list(items_of_layers(model, prunable(model)))
    onload.rest(items)
    calls = [_moved(call, ranks.device) for call in calibration]
    passes = [Pass(call, rule.weight(call)) for call in ranks.own(calls)]
    states = States(files.work.state, ranks.rank, ranks.device)
    finished = {row["block"] for row in files.work.rows if "block" in row}
    with onload.on_call(items):
        show(0, 1, "finding the order of blocks")
        try:
            blocks = blocks_of_layers(model, calls[0], modules)
        except NotLoaded:
            raise
        except Exception as error:  # what a configuration asks for besides is found out in its own code
            if calibration.about.get("source") != "noise":
                raise
            raise misfit(model, error) from error
        for number, block in enumerate(blocks):
            of = f"{len(block.layers)} layer{'s' if len(block.layers) > 1 else ''}"
            show(number, len(blocks), f"{block.name}, {of}")
            with onload.held(block.module, stays=not block.called_once):
                if block.name in finished:
                    states.restore(number, block, passes)
                else:
                    masks = prune_next(model, block, passes, rule, ranks.total)
                    states.store(number, block, passes)
                    ranks.wait()  # the journal says that all of them are stored
                    if ranks.first:
                        _write(block, masks, layers, files)
                    ranks.wait()
            forget(block, passes)
            # a part of it may be called again from outside, as the embedding of the first block in DiT
            for name in block.layers:
                place = shards.place_in(files.target, files.places[layers[name]])
                onload.reads[f"{name}.weight"] = partial(layout.read, place)


def _write(block: Block, masks: Mapping[str, torch.Tensor], layers: Mapping[str, str], files: Writer) -> None:
    for name, layer in block.layers.items():
        stored, mask = layers[name], masks[name]
        after = in_precision(stored, layer.weight.detach().cpu(), files.places[stored].dtype)
        pruned = mask.numel() - nonzero(mask)
        files.write(stored, after, nonzero(files.read(stored)), layer=name, pruned=pruned)
    files.keep({"block": block.name})


def _moved(call: Call, device: torch.device) -> Call:
    """The call with its tensors on a device."""

    def move(value: Any) -> Any:
        return value.to(device) if isinstance(value, torch.Tensor) else value

    return replace(call, arguments=tree_map(move, dict(call.arguments)), positional=tree_map(move, call.positional))

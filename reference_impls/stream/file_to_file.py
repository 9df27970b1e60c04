"""Data-free methods, from file to file: a tensor is read, pruned in its own precision, and written.

Scores are in the precision of the tensor, in which absolute values have the same order as in float32. Layers are taken
in the order of the model, not of the files: then a random generator gives, and equal scores are kept, as in a model in
memory. Scope "global" reads the layers once more for each 16 bits of a weight, to find the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce

import torch

from reference_impls.maths.masks import keep_best_of_all
from reference_impls.maths.selection import INTEGERS
from reference_impls.methods import magnitude, random_pruning
from reference_impls.pruning.contract import Request
from reference_impls.pruning.drop_weights import mask_of
from reference_impls.pruning.layers import in_columns, like_weight
from reference_impls.stream import writer
from reference_impls.stream.writer import Show, Writer

Score = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""Weight of a layer -> scores (outputs, inputs)."""
SCORES: Mapping[str, Score] = {"magnitude": magnitude.score, "random": random_pruning.score}


def prune_files(layers: Mapping[str, str], request: Request, score: Score, files: Writer, show: Show) -> None:
    """Write the pruned weights of all layers.

    Args:
        layers: name of each pruned layer -> name of its weight in the files, in the order of the model.
        request: what to prune.
        score: the lowest of a layer are pruned.
        files: from and to which.
        show: progress.

    Raises:
        ValueError: a tensor holds NaN or infinite values, or the files change meanwhile.
    """
    for layer, stored, weight, mask in _decided(layers, request, score, files):
        if stored not in files.done:
            show(len(files.done), len(files.places), layer)
            pruned = zeroed(weight, like_weight(mask, weight))
            files.write(stored, weight, pruned, layer=layer, pruned=mask.numel() - int(mask.count_nonzero()))
            files.keep(least=writer.BETWEEN)


def zeroed(weight: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The weight with zeros where the mask is False; all other bits are as they were."""
    bits = weight.view(INTEGERS[weight.dtype.itemsize])
    return (bits * mask).view(weight.dtype)


def _decided(
    layers: Mapping[str, str], request: Request, score: Score, files: Writer
) -> Iterator[tuple[str, str, torch.Tensor, torch.Tensor]]:
    """Name, name in the files, weight and mask (outputs, inputs) of each layer."""
    last: tuple[str, torch.Tensor] = "", torch.empty(0)

    def scores() -> Iterator[torch.Tensor]:
        nonlocal last
        generator = torch.Generator().manual_seed(request.seed)
        for stored in layers.values():
            last = stored, files.read(stored)
            yield score(last[1], generator)

    if request.scope == "global":
        own = [files.places[stored] for stored in layers.values()]
        shapes = [in_columns(torch.empty(place.shape, device="meta")).shape for place in own]
        small = (score(torch.zeros(1, 1, dtype=place.dtype), torch.Generator()) for place in own)
        dtype = reduce(torch.promote_types, (one.dtype for one in small))
        masks = keep_best_of_all(scores, shapes, request.sparsity, request.block, dtype)
    else:
        masks = (mask_of(one, request, request.share(name)) for name, one in zip(layers, scores(), strict=True))
    for (name, stored), mask in zip(layers.items(), masks, strict=True):
        weight = last[1] if last[0] == stored else files.read(stored)
        yield name, stored, weight, mask

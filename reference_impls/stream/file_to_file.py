"""Data-free methods, from file to file: a tensor is read, pruned in its own precision, and written.

While one tensor is pruned, the next one is read, and the one before it is written. Scores are in the precision of the
tensor, in which absolute values have the same order as in float32. Layers are taken in the order of the model, not of
the files: then a random generator gives, and equal scores are kept, as in a model in memory. Scope "global" reads the
layers once more for each 16 bits of a weight, to find the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce

import torch

from reference_impls.maths.masks import ALONE, keep_best_of_all
from reference_impls.maths.selection import INTEGERS, PIECE, nonzero
from reference_impls.methods import magnitude, random_pruning
from reference_impls.pruning.contract import Request
from reference_impls.pruning.drop_weights import mask_of
from reference_impls.pruning.layers import in_columns, like_weight
from reference_impls.stream import writer
from reference_impls.stream.writer import Show, Writer

Score = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""Weight of a layer, or rows of it in their order -> scores (outputs, inputs)."""
Decided = tuple[torch.Tensor, Iterable[tuple[torch.Tensor, torch.Tensor]]]
"""Weight of a layer; rows of it, which are views, and their mask (rows, inputs)."""
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
    every = _over_layers if request.scope == "global" else _layer_by_layer
    for (layer, stored), (weight, decided) in zip(layers.items(), every(layers, request, score, files), strict=True):
        if stored not in files.done:
            show(len(files.done), len(files.places), layer)
            before = pruned = 0
            for rows, mask in decided:
                before += nonzero(rows)
                pruned += mask.numel() - nonzero(mask)
                zero(rows, like_weight(mask, rows))
            files.write(stored, weight, before, layer=layer, pruned=pruned)
            files.keep(least=writer.BETWEEN)


def zero(weight: torch.Tensor, mask: torch.Tensor) -> None:
    """Write zeros where the mask is False; all other bits stay."""
    weight.view(INTEGERS[weight.dtype.itemsize]).mul_(mask)


def _layer_by_layer(layers: Mapping[str, str], request: Request, score: Score, files: Writer) -> Iterator[Decided]:
    generator = torch.Generator().manual_seed(request.seed)
    for name, (_, weight) in zip(layers, files.each(layers.values()), strict=True):
        share, pieces = request.share(name), _rows(weight, request)
        scores = [score(rows, generator) for rows in pieces]
        if request.pattern is None and request.scope == "layer":
            shapes = [value.shape for value in scores]
            masks = keep_best_of_all(scores.copy, shapes, share, request.block, scores[0].dtype)
        else:
            masks = (mask_of(rows, value, request, share) for rows, value in zip(pieces, scores, strict=True))
        yield weight, zip(pieces, masks, strict=True)


def _over_layers(layers: Mapping[str, str], request: Request, score: Score, files: Writer) -> Iterator[Decided]:
    last: tuple[str, torch.Tensor] = "", torch.empty(0)

    def scores() -> Iterator[torch.Tensor]:
        nonlocal last
        generator = torch.Generator().manual_seed(request.seed)
        for stored, weight in files.each(layers.values()):
            last = stored, weight
            yield score(weight, generator)

    own = [files.places[stored] for stored in layers.values()]
    shapes = [in_columns(torch.empty(place.shape, device="meta")).shape for place in own]
    small = (score(torch.zeros(1, 1, dtype=place.dtype), torch.Generator()) for place in own)
    dtype = reduce(torch.promote_types, (one.dtype for one in small))
    masks = keep_best_of_all(scores, shapes, request.sparsity, request.block, dtype)
    for stored, mask in zip(layers.values(), masks, strict=True):
        weight = last[1] if last[0] == stored else files.read(stored)
        yield weight, [(weight, mask)]


def _rows(weight: torch.Tensor, request: Request) -> list[torch.Tensor]:
    """The weight in pieces of about ``PIECE`` numbers, which stay in the processor's cache; in tiles, as a whole."""
    if request.block != ALONE:
        return [weight]
    together = 1 if request.pattern is None else request.pattern.rows
    return list(weight.split(max(1, PIECE * len(weight) // weight.numel() // together) * together))

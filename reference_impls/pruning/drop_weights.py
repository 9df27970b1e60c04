"""The step that methods without weight updates share: scores for each layer -> masks -> zeros in place."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from reference_impls.maths.masks import check_finite, keep_best, keep_best_in_rows, keep_best_over_layers
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.layers import Layer, as_matrix, keep_pattern_of, like_weight, set_matrix


def drop_weights(layers: Mapping[str, Layer], scores: Mapping[str, torch.Tensor], request: Request) -> Outcome:
    """Zero the lowest scores of each layer, as the request asks.

    Args:
        layers: the layers.
        scores: (outputs, inputs) of each.
        request: pattern, or sparsity and scope.

    Raises:
        ValueError: a score is not finite; the layer is named, and no layer is changed.
    """
    for name, score in scores.items():
        check_finite(f"scores of {name}", score)
    if request.scope == "global":
        masks = keep_best_over_layers(scores, request.sparsity, request.block)
    else:
        masks = {
            name: mask_of(layers[name].weight, score, request, request.share(name)) for name, score in scores.items()
        }
    for name, layer in layers.items():
        set_matrix(layer, as_matrix(layer) * masks[name].to(layer.weight.device))
    return Outcome(masks={name: like_weight(mask, layers[name].weight) for name, mask in masks.items()})


def mask_of(weight: torch.Tensor, scores: torch.Tensor, request: Request, share: float) -> torch.Tensor:
    """The mask of one layer that is decided without the others, (outputs, inputs).

    Args:
        weight: of the layer, or rows of it.
        scores: (outputs, inputs), finite.
        request: a pattern, or a scope other than "global".
        share: sparsity of this layer; a pattern fixes it.

    Raises:
        ValueError: the pattern does not fit the rows.
    """
    if request.pattern is not None:
        return keep_pattern_of(weight, scores, request.pattern)
    keep = keep_best_in_rows if request.scope == "row" else keep_best
    return keep(scores, share, request.block)

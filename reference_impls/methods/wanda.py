"""Wanda: prune by |weight| x input norm.  Sun et al., 2023, arXiv:2306.11695, section 3, Eq. (1).

Maths   S_ij = |W_ij| * ||X_j||_2 ; within each output row the lowest are pruned (scope "row",
        as in the paper). As in the authors' code, the number of pruned weights of a row is rounded down, and the norms
        of a block are taken after the blocks before it are pruned.
Differs from the paper: scope "global" compares all layers at once, by the norms of the dense model. X has the inputs of
        all timesteps of the calibration; of a convolution, column j is one kernel position of one input channel.
Shapes  W (outputs, inputs), X (n, inputs) -> mask (outputs, inputs), True = kept.   Cost  two passes a block.
Raises  ValueError if the sparsity is not in [0, 1], the model has no layer to prune, a pattern does not fit its rows,
        or a weight or an input is not finite.
Run     python -m reference_impls prune --method wanda --model dit --sparsity 0.5 --out build/wanda
"""

from __future__ import annotations

import math

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import check_finite
from reference_impls.pruning.blockwise import Rule, prune_blocks
from reference_impls.pruning.chosen import layers_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.drop_weights import drop_weights, mask_of
from reference_impls.pruning.layers import Layer, as_matrix
from reference_impls.pruning.observers import Norms, norms_of, observe


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Zero the weights whose product with their input's norm is smallest, block by block."""
    layers = layers_to_prune(model, request)
    if request.scope == "global":  # the masks need the scores of all layers, so no block is pruned before another
        observed = observe(model, calibration, layers, norms_of)
        return drop_weights(layers, {name: scores(as_matrix(layers[name]), observed[name]) for name in layers}, request)
    return Outcome(masks=prune_blocks(model, calibration, layers, rule(request)))


def rule(request: Request) -> Rule[Norms]:
    """How a layer is pruned, in any scope but "global"."""

    def decide(name: str, layer: Layer, norms: Norms) -> tuple[torch.Tensor, torch.Tensor]:
        matrix = as_matrix(layer)
        share, inputs = request.share(name), matrix.shape[1]
        if request.scope == "row":
            share = math.floor(inputs * share) / inputs
        mask = mask_of(layer.weight, check_finite("scores", scores(matrix, norms)), request, share)
        return matrix * mask, mask

    return Rule(norms_of, decide, recover=request.recover_blocks)


def scores(matrix: torch.Tensor, norms: Norms) -> torch.Tensor:
    """|W_ij| * ||X_j||_2: (outputs, inputs)."""
    return matrix.abs() * norms.norms()

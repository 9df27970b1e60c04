"""SparseGPT: prune column by column with weight updates.  Frantar and Alistarh, 2023, arXiv:2301.00774, Alg. 1.

Maths   H = X^T X per layer; the weights with the lowest w^2 / U_jj^2 are pruned, U = chol(H^-1)^T, and the columns to
        the right are updated to minimise the layer's reconstruction error; see ``maths.obs``. Masks are chosen for 128
        columns at once (B_s = 128), for an n:m pattern when its first column is reached (B_s = m, section 3.4).
Differs from the paper: the number of pruned weights is exact, and inputs that are always zero are left out of the
        damping: the authors' code prunes one weight more in each block of 128 columns. As there, rows of a layer may
        have different sparsities, and calibration is per block: all layers of a block are calibrated on the dense
        block, after the blocks before it are pruned. The paper has no U-Nets: blocks are pruned in the order of
        execution, and a layer outside any list is a block. As there, the columns of a convolution are all kernel
        positions of one input channel, then of the next; with wide tiles, or a pattern that is not asked to lie along
        the kernel, all channels of one position.
        A convolution of more than 8,192 columns (910 channels of 3 x 3) is pruned in groups of input channels, each
        with a Hessian of its own; one of more than 4,096 columns is in float32, the authors' precision.
Shapes  W (outputs, inputs), X (n, inputs) -> new W and mask.
        Cost  O(inputs^3 + outputs * inputs^2) a layer; two passes a block.
Raises  ValueError if the sparsity is not in [0, 1], the scope is "global" or "row", the model has no layer to prune, a
        pattern does not fit its rows, a weight or an input is not finite, or a Hessian cannot be factorised.
Run     python -m reference_impls prune --method sparsegpt --model dit --sparsity 0.5 --out build/sparsegpt
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths.masks import check_sparsity, keep_all_but, keep_pattern
from reference_impls.maths.obs import BLOCK, Select, sweep
from reference_impls.pruning.blockwise import Rule, prune_blocks
from reference_impls.pruning.chosen import layers_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.layers import Layer, as_matrix
from reference_impls.pruning.observers import Hessians, alike, column_groups


def selection(request: Request, share: float) -> Select:
    """The mask of one layer, chosen from left to right; make a new one for each layer.

    The count of pruned weights is kept between the choices, so that the whole layer gets exactly its sparsity, or with
    tiles the nearest that the columns from there on allow.

    Args:
        request: scope, pattern and tile.
        share: sparsity of this layer; a pattern fixes it.

    Raises:
        ValueError: the scope is not "layer": masks are chosen column by column, so layers cannot be compared.
    """
    if request.scope != "layer":
        raise ValueError(f"scope {request.scope!r} is not supported by SparseGPT and OBS-Diff; use scope layer")
    check_sparsity(share)
    pattern = request.pattern
    seen = gone = 0

    def keep(scores: torch.Tensor) -> torch.Tensor:
        nonlocal seen, gone
        if pattern is not None:
            return keep_pattern(scores, pattern) if scores.shape[1] >= pattern.m else torch.ones_like(scores).bool()
        seen += scores.numel()
        mask = keep_all_but(scores, share * seen - gone, request.block)
        gone += int((~mask).sum())
        return mask

    return keep


def columns_decided_at_once(request: Request) -> int:
    """The m of a pattern (the paper's B_s = m); else ``BLOCK``, rounded down to whole tiles, and at least one tile."""
    if request.pattern is not None:
        return request.pattern.m
    return request.block.columns * max(1, BLOCK // request.block.columns)


def decide(
    matrix: torch.Tensor, groups: Iterable[tuple[torch.Tensor, torch.Tensor]], request: Request, share: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Prune the matrix of one layer, group of columns by group.

    Args:
        matrix: (outputs, inputs).
        groups: columns of each, in the order in which they are pruned, and their Hessian (columns, columns); together
            all inputs.
        request: as in ``selection``.
        share: as in ``selection``.

    Returns:
        The new matrix and the mask, (outputs, inputs).

    Raises:
        ValueError: as ``selection`` and ``sweep``.
    """
    select, together = selection(request, share), columns_decided_at_once(request)
    new, mask = torch.empty_like(matrix), torch.empty_like(matrix, dtype=torch.bool)
    for columns, hessian in groups:
        new[:, columns], mask[:, columns] = sweep(matrix[:, columns], hessian, select, together=together)
    return new, mask


def rule(request: Request, weight: Callable[[Call], float] = alike) -> Rule[Hessians]:
    """How a layer is pruned; raises as ``selection``."""
    selection(request, request.sparsity)  # refuse at once, before an hour of calibration
    pattern = request.pattern
    by_channel = request.block.columns == 1 and (pattern is None or pattern.axis == "kernel")

    def hessians(layer: Layer) -> Hessians:
        return Hessians(column_groups(layer, by_channel=by_channel))

    def decided(name: str, layer: Layer, observed: Hessians) -> tuple[torch.Tensor, torch.Tensor]:
        return decide(as_matrix(layer), observed.means(), request, request.share(name))

    return Rule(hessians, decided, weight, request.recover_blocks)


def prune(
    model: nn.Module, calibration: Calibration, request: Request, *, weight: Callable[[Call], float] = alike
) -> Outcome:
    """Zero weights and update the remaining ones, block by block."""
    return Outcome(masks=prune_blocks(model, calibration, layers_to_prune(model, request), rule(request, weight)))

"""Wanda: prune by |weight| x input norm.  Sun et al., 2023, arXiv:2306.11695, section 3, Eq. (1).

Maths   S_ij = |W_ij| * ||X_j||_2 ; within each output row the lowest are pruned (scope "row",
        as in the paper).
Differs from the paper: all norms are the dense model's, and the nearest number of weights is pruned: the authors' code
        takes the norms of a block after the blocks before it are pruned, and rounds the number down. X has the inputs
        of all timesteps of the calibration; of a convolution, column j is one kernel position of one input channel.
Shapes  W (outputs, inputs), X (n, inputs) -> mask (outputs, inputs), True = kept.   Cost  one pass, no gradient.
Raises  ValueError if the sparsity is not in [0, 1], the model has no layer to prune, a pattern does not fit its rows,
        or a weight or an input is not finite.
Run     python -m reference_impls prune --method wanda --model dit --sparsity 0.5 --out build/wanda
"""

from __future__ import annotations

from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.drop_weights import drop_weights
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.pruning.observers import Norms, observe


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Zero the weights whose product with their input's norm is smallest."""
    layers = prunable(model)
    observed = observe(model, calibration, layers, Norms)
    scores = {name: as_matrix(layer).abs() * observed[name].norms() for name, layer in layers.items()}
    return drop_weights(layers, scores, request)

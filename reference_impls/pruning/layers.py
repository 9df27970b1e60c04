"""The layers that unstructured methods prune, each as a matrix, and the inputs that reach them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

SMALLEST = 16
"""Layers with fewer inputs or outputs (first and last ones) are not pruned: they save little and cost much quality."""


def prunable(model: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """Every Linear and ungrouped Conv2d with at least ``SMALLEST`` inputs and outputs, by name, in model order.

    Raises:
        ValueError: there is none.
    """
    found: dict[str, nn.Linear | nn.Conv2d] = {}
    for name, layer in model.named_modules():
        grouped = isinstance(layer, nn.Conv2d) and layer.groups != 1
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and not grouped and min(layer.weight.shape[:2]) >= SMALLEST:
            found[name] = layer
    if not found:
        raise ValueError(f"{type(model).__name__} has no Linear or Conv2d of {SMALLEST} x {SMALLEST} or more")
    return found


def as_matrix(layer: nn.Linear | nn.Conv2d) -> torch.Tensor:
    """The weight as (outputs, inputs); of a convolution, inputs are channel by channel, kernel position by position."""
    return layer.weight.detach().flatten(1)


@torch.no_grad()
def set_matrix(layer: nn.Linear | nn.Conv2d, matrix: torch.Tensor) -> None:
    """Write a matrix (outputs, inputs) back into the weight."""
    layer.weight.copy_(matrix.view_as(layer.weight))


def input_rows(layer: nn.Linear | nn.Conv2d, inputs: torch.Tensor) -> torch.Tensor:
    """What the matrix is multiplied with: (rows, inputs), one row a token, sample or pixel."""
    if isinstance(layer, nn.Linear):
        return inputs.reshape(-1, layer.in_features)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    around = layer._reversed_padding_repeated_twice  # in numbers also where the layer's padding is "same" or "valid"
    unfolded = functional.unfold(  # (n, inputs, pixels)
        functional.pad(inputs, around, mode=mode),
        kernel_size=layer.kernel_size,
        dilation=layer.dilation,
        stride=layer.stride,
    )
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])

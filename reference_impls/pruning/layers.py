"""The layers that unstructured methods prune, each as a matrix, and the inputs that reach them.

The columns of a convolution's matrix run over the input channels of one kernel position after the other. So an n:m
pattern takes its groups along the input channels, the order of channels-last kernels, as for sparse tensor cores, or
where it is asked for, along kernel positions.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd

from reference_impls.maths.masks import Pattern, keep_pattern

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
PRECISIONS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
"""Of weights that are numbers of their own, and not codes of a quantized layer."""
SMALLEST = 16
"""Layers with fewer inputs or outputs (first and last ones) are not pruned: they save little and cost much quality."""


def prunable(model: nn.Module) -> dict[str, Layer]:
    """Every Linear and ungrouped convolution with at least ``SMALLEST`` inputs and outputs, by name, in model order.

    Raises:
        ValueError: there is none.
    """
    adapters = _adapters(model)
    found = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, Layer) and _why_not(layer, adapters) is None
    }
    if not found:
        reasons = " or ".join(dict.fromkeys(left_dense(model).values()))
        why = f"; each is {reasons}" if reasons else ""
        raise ValueError(f"{type(model).__name__} has no Linear or convolution of {SMALLEST} x {SMALLEST} or more{why}")
    return found


def left_dense(model: nn.Module) -> dict[str, str]:
    """Each linear layer and convolution that unstructured methods never prune, by name, with the reason."""
    adapters = _adapters(model)
    reasons = {
        name: _why_not(layer, adapters)
        for name, layer in model.named_modules()
        if isinstance(layer, (nn.Linear, _ConvNd))
    }
    return {name: reason for name, reason in reasons.items() if reason is not None}


def computed(model: nn.Module) -> dict[str, Layer]:
    """Layers whose weight is made of others in each forward pass, as by weight norm, by name, in model order."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, Layer) and _is_computed(layer)}


def _is_computed(layer: nn.Linear | _ConvNd) -> bool:
    return "weight" not in layer._parameters


def _adapters(model: nn.Module) -> set[nn.Module]:
    """All that stands beside a ``base_layer``, as PEFT puts it there for LoRA."""
    around = [part for part in model.modules() if "base_layer" in part._modules]
    return {
        inside
        for part in around
        for name, child in part.named_children()
        if name != "base_layer"
        for inside in child.modules()
    }


def _why_not(layer: nn.Linear | _ConvNd, adapters: set[nn.Module]) -> str | None:
    """Why a layer is not pruned; None where it is."""
    if layer in adapters:
        return "a layer of an adapter"
    if _is_computed(layer):
        return "a layer whose weight is made of others, as by weight norm"
    if layer.weight.dtype not in PRECISIONS:
        return "a quantized layer"
    if getattr(layer, "transposed", False):
        return "a transposed convolution"
    if getattr(layer, "groups", 1) > 1:
        return "a convolution in groups"
    return None if min(layer.weight.shape[:2]) >= SMALLEST else f"a layer with fewer than {SMALLEST} inputs or outputs"


def as_matrix(layer: Layer) -> torch.Tensor:
    """The weight as (outputs, inputs); of a convolution, inputs are kernel position by position, channel by channel."""
    return in_columns(layer.weight.detach())


def columns_of(layer: Layer) -> int:
    """The number of columns of the layer's matrix: its inputs, at all kernel positions."""
    return layer.weight[0].numel()


def column_numbers(weight: torch.Tensor) -> torch.Tensor:
    """Which column of ``in_columns`` belongs to each kernel position and channel, (kernel positions, channels)."""
    return torch.arange(weight[0].numel(), device=weight.device).view(-1, weight.shape[1])


@torch.no_grad()
def set_matrix(layer: Layer, matrix: torch.Tensor) -> None:
    """Write a matrix (outputs, inputs) back into the weight; -0, which a mask makes of negative weights, becomes 0.

    A packed file leaves out what has no bit set, and -0 has one.
    """
    layer.weight.copy_(like_weight(matrix, layer.weight)).add_(0.0)


def in_columns(weight: torch.Tensor) -> torch.Tensor:
    """A weight (outputs, channels, *kernel) as a matrix (outputs, kernel positions * channels)."""
    return weight.flatten(2).transpose(1, 2).flatten(1) if weight.dim() > 2 else weight


def keep_pattern_of(weight: torch.Tensor, scores: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """Mask of ``in_columns`` that keeps the n highest scores of every m consecutive ones along the pattern's axis.

    Args:
        weight: of the layer, or rows of it.
        scores: its matrix (outputs, inputs).
        pattern: along which axis.

    Raises:
        ValueError: as ``keep_pattern``.
    """
    if pattern.axis == "channels" or weight.dim() == 2:
        return keep_pattern(scores, pattern)
    order = column_numbers(weight).t().flatten()
    return keep_pattern(scores[:, order], pattern)[:, order.argsort()]


def like_weight(matrix: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """A matrix of ``in_columns``, such as a mask, in the shape of the weight."""
    outputs, channels, *kernel = weight.shape
    return matrix.view(outputs, -1, channels).transpose(1, 2).reshape(outputs, channels, *kernel)


def input_rows(layer: Layer, inputs: torch.Tensor) -> torch.Tensor:
    """What the matrix is multiplied with: (rows, inputs), one row a token, sample or pixel."""
    if isinstance(layer, nn.Linear):
        return inputs.reshape(-1, layer.in_features)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    around = layer._reversed_padding_repeated_twice  # in numbers also where the layer's padding is "same" or "valid"
    windows = functional.pad(inputs, around, mode=mode)  # (n, channels, *sides)
    sides = len(layer.kernel_size)
    for axis, (kernel, stride, step) in enumerate(
        zip(layer.kernel_size, layer.stride, layer.dilation, strict=True), start=2
    ):
        windows = windows.unfold(axis, step * (kernel - 1) + 1, stride)[..., ::step]
    # (n, channels, *positions of the output, *kernel) -> (n, *positions, *kernel, channels)
    return windows.movedim(1, -1).reshape(-1, layer.in_channels * windows.shape[-sides:].numel())

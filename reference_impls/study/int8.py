"""Dynamic int8 quantization, on top of pruning: zeros stay zeros.  Jacob et al., 2017, arXiv:1712.05877, section 2.

Maths   w = s_i q with q = round(w / s_i), s_i = max_j |w_ij| / 127 for each output i; x = s q likewise, with s from
        the largest value of each forward pass; y = s_i s (q_w . q_x) + b. Symmetric, so 0 is exactly 0.
Differs from the paper: no zero point, and activations are scaled when they come, not from ranges seen in training. The
        integers are held and multiplied as float32, exact up to 2^24: this shows quality and size, not speed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from reference_impls.pruning.layers import prunable

TOP = 127


class Int8(nn.Module):
    """A Linear or Conv2d whose weight is int8 and whose input is rounded to int8 in each forward pass."""

    scale: torch.Tensor
    """(outputs,)."""
    levels: torch.Tensor
    """int8, in the shape of the weight."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        """Round the weight of a layer; the bias stays as it is.

        Raises:
            ValueError: the layer pads with something else than zeros.
        """
        super().__init__()
        weight = layer.weight.detach()
        largest = weight.abs().flatten(1).max(dim=1).values.clamp(min=1e-12)  # (outputs,)
        self.bias = layer.bias
        self.multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = functional.linear
        if isinstance(layer, nn.Conv2d):
            if layer.padding_mode != "zeros":
                raise ValueError(
                    f"padding_mode {layer.padding_mode!r} of a convolution is not quantized here, only zeros"
                )
            self.multiply = partial(
                functional.conv2d, stride=layer.stride, padding=layer.padding, dilation=layer.dilation
            )
        self.register_buffer("scale", largest / TOP)
        column = self.scale.view(-1, *[1] * (weight.dim() - 1))
        self.register_buffer("levels", (weight / column).round().to(torch.int8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the layer, up to the rounding of both."""
        step = x.abs().max().clamp(min=1e-12) / TOP
        product = self.multiply((x / step).round(), self.levels.float())
        outputs = (-1, *[1] * (self.levels.dim() - 2))  # their axis is the last one of a Linear, the first of an image
        product = product * (step * self.scale).view(outputs)
        return product if self.bias is None else product + self.bias.view(outputs)


@torch.no_grad()
def quantize(model: nn.Module) -> int:
    """Replace every prunable layer by its int8 form, in place; returns how many."""
    layers = prunable(model)
    for name, layer in layers.items():
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, Int8(layer))
    return len(layers)

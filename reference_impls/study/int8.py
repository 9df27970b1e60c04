"""Dynamic int8 quantization, on top of pruning: zeros stay zeros.  Jacob et al., 2017, arXiv:1712.05877, section 2.

Maths   w = s_i q with q = round(w / s_i), s_i = max_j |w_ij| / 127 for each output i; x = s q likewise, with s from
        the largest value of each forward pass; y = s_i s (q_w . q_x) + b. Symmetric, so 0 is exactly 0.
Differs from the paper: no zero point, and activations are scaled when they come, not from ranges seen in training. The
        integers are held and multiplied as float32, exact up to 2^24: this shows quality and size, not speed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from reference_impls.maths.masks import check_finite
from reference_impls.pruning.layers import Layer, computed, prunable

TOP = 127
CONVOLVE: Mapping[type[nn.Module], Callable[..., torch.Tensor]] = {
    nn.Conv1d: functional.conv1d,
    nn.Conv2d: functional.conv2d,
    nn.Conv3d: functional.conv3d,
}
SMALLEST = 1e-12
"""Of a largest value, so that nothing is divided by zero."""


class Int8(nn.Module):
    """A Linear or a convolution whose weight is int8 and whose input is rounded to int8 in each forward pass.

    Inputs of half precision are widened and outputs have the type of the input.
    """

    scale: torch.Tensor
    """(outputs,), in float32 or wider."""
    levels: torch.Tensor
    """int8, in the shape of the weight."""

    def __init__(self, layer: Layer) -> None:
        """Round the weight of a layer; the bias stays as it is.

        Raises:
            ValueError: the layer pads with something else than zeros, or a weight is not finite.
        """
        super().__init__()
        check_finite("weight", layer.weight)
        weight = layer.weight.detach().to(_wide(layer.weight.dtype))
        largest = weight.abs().flatten(1).max(dim=1).values.clamp(min=SMALLEST)  # (outputs,)
        self.bias, self.dtype = layer.bias, layer.weight.dtype
        self.multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = functional.linear
        if not isinstance(layer, nn.Linear):
            if layer.padding_mode != "zeros":
                raise ValueError(f"padding_mode {layer.padding_mode!r} is not quantized here, only zeros")
            self.multiply = partial(
                CONVOLVE[type(layer)], stride=layer.stride, padding=layer.padding, dilation=layer.dilation
            )
        self.register_buffer("scale", largest / TOP)
        column = self.scale.view(-1, *[1] * (weight.dim() - 1))
        self.register_buffer("levels", (weight / column).round().to(torch.int8))
        self.train(layer.training)

    @property
    def weight(self) -> torch.Tensor:
        """The rounded weight, for code that reads the weight or the type of a layer itself."""
        return (self.levels * self.scale.view(-1, *[1] * (self.levels.dim() - 1))).to(self.dtype)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # as torch names it: some models do, too
        """As the layer, up to the rounding of both; a batch may be empty."""
        wide = _wide(input.dtype)
        values = input.to(wide)
        step = (values.abs().max() if input.numel() else values.new_zeros(())).clamp(min=SMALLEST) / TOP
        product = self.multiply((values / step).round(), self.levels.to(wide))
        outputs = (-1, *[1] * (self.levels.dim() - 2))  # their axis is the last one of a Linear, the first of an image
        product = product * (step * self.scale.to(wide)).view(outputs)
        return (product if self.bias is None else product + self.bias.to(wide).view(outputs)).to(input.dtype)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """What is computed in: half precision has neither the integers nor the scales."""
    return torch.promote_types(dtype, torch.float32)


@torch.no_grad()
def quantize(model: nn.Module, *, leave: Collection[str] = ()) -> int:
    """Replace every prunable layer by its int8 form, in place, all or nothing.

    Args:
        model: its layers may be in half precision. A layer in several places stays one layer.
        leave: names of layers that stay as they are.

    Returns:
        How many layers were replaced.

    Raises:
        ValueError: a layer is a subclass of Linear or of a convolution, has hooks or a ``forward`` of its own, pads
            with something else than zeros, or has a weight that is not finite; every such layer is named. Or ``leave``
            names no prunable layer.
    """
    places: dict[int, list[str]] = defaultdict(list)
    for name, module in model.named_modules(remove_duplicate=False):
        places[id(module)].append(name)
    layers = prunable(model) | computed(model)  # the latter are refused
    every = {place for layer in layers.values() for place in places[id(layer)]}
    if unknown := sorted(set(leave) - every):
        raise ValueError(f"leave: {', '.join(unknown)} is no prunable layer; names are such as {min(every)}")
    rounded: dict[str, Int8] = {}
    refused = []
    for name, layer in layers.items():
        if not set(leave).isdisjoint(places[id(layer)]):
            continue
        try:
            _refuse_what_would_be_lost(name, layer)
            rounded |= dict.fromkeys(places[id(layer)], Int8(layer))
        except ValueError as error:
            refused.append(f"{name or 'the model itself'}: {error}")
    if refused:
        raise ValueError(f"not quantized: {'; '.join(refused)}. Name them in leave to keep them as they are")
    for name, replacement in rounded.items():
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, replacement)
    return len(set(rounded.values()))


def _refuse_what_would_be_lost(name: str, layer: nn.Module) -> None:
    """Int8 multiplies as Linear and convolutions do; what a subclass, a hook or a new ``forward`` does would be lost.

    Raises:
        ValueError: the layer does more, or is the whole model.
    """
    if not name:
        raise ValueError("nothing holds it; put it into an nn.Sequential")
    if type(layer) is not nn.Linear and type(layer) not in CONVOLVE:
        raise ValueError(f"it is a {type(layer).__name__}, and only the layers of torch themselves are replaced")
    if "forward" in vars(layer):
        raise ValueError("it has a forward of its own")
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise ValueError("it has hooks")

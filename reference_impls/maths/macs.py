"""Multiply-accumulates of one forward pass of a model, counted while it runs.

Counted, for the inputs given (a batch of two costs twice as much as one):
    linear        tokens * inputs * outputs of every nn.Linear
    convolution   output positions * outputs * inputs / groups * kernel positions of every nn.Conv1d, 2d and 3d
    attention     both products of scaled dot-product attention, queries * keys * width each, and any other product of
                  two activations by matmul, bmm or baddbmm
Not counted: biases, norms, activations, softmax, additions, resampling, embeddings. Papers mostly count the first two
only, so the parts are kept separate. It works on the meta device too, where a model of billions of weights takes no
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from reference_impls.maths.hooks import hooked

Convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


@dataclass(frozen=True)
class Macs:
    """What was counted."""

    linear: int
    convolution: int
    attention: int

    def total(self, *, attention: bool = False) -> int:
        """Linear and convolution together; with attention products where asked."""
        return self.linear + self.convolution + (self.attention if attention else 0)


@torch.no_grad()
def count(model: nn.Module, call: Callable[[nn.Module], object], *, nonzero: bool = False) -> Macs:
    """Run the model once and count.

    Args:
        model: any module.
        call: runs it, as in ``lambda model: model(x, t, label)``.
        nonzero: count each layer's weights that are not zero only, as an ideal sparse kernel would.
    """
    parts = {"linear": 0.0, "convolution": 0.0}

    def hook(layer: Layer, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        weight = layer.weight
        if not weight.numel():
            return
        positions = output.numel() // weight.shape[0]
        used = int(weight.count_nonzero()) if nonzero else weight.numel()
        parts["linear" if isinstance(layer, nn.Linear) else "convolution"] += positions * used

    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Linear, *Convolution))]
    with hooked((layer, hook) for layer in layers), _Products() as products:
        call(model)
    return Macs(int(parts["linear"]), int(parts["convolution"]), products.macs)


class _Products(TorchFunctionMode):
    """Counts products of two activations; layers use functional.linear and conv, which are not counted here."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is nn.functional.scaled_dot_product_attention:
            q, k, v = (args[i] if len(args) > i else kwargs[name] for i, name in enumerate(("query", "key", "value")))
            pairs = prod(q.shape[:-1]) * k.shape[-2]
            self.macs += pairs * q.shape[-1] + pairs * v.shape[-1]
            with torch._C.DisableTorchFunction():  # its own matmuls, on devices without a fused kernel, are counted
                return function(*args, **kwargs)
        result = function(*args, **kwargs)
        if function in _MATMULS:
            first = args[1] if function in _BADDBMM else args[0]
            self.macs += result.numel() * first.shape[-1]
        return result


_BADDBMM = (torch.baddbmm, torch.Tensor.baddbmm)
_MATMULS = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm, *_BADDBMM)

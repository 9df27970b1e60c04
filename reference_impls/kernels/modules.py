"""Sparse layers, which replace a pruned ``nn.Linear`` or ``nn.Conv2d`` of any model for inference.

A layer holds its weights as buffers, so that it is saved and loaded like every other; the order in which the kernel
uses them is made again when it is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from reference_impls.kernels import conv3x3, csr_spmm, rowblock_conv3x3, rowblock_spmm
from reference_impls.maths.hooks import Hook, hooked

Format = Literal["csr", "shared"]
Chosen = Literal["dense", "csr", "shared"]
FORMATS: tuple[Format, ...] = ("csr", "shared")
REPEATS, ENOUGH = 5, 2.0
"""Calls of which the fastest is taken when formats are compared; two where they take so many seconds together."""
FEWEST_ZEROS = 0.1
"""Sparsity below which no kernel is faster than a dense one. Half precision makes a few zeros in any large layer."""
MOST_STORED = 1.6
"""Weights that 4×1 blocks may store for each one that is not zero: their kernel is not faster by a larger factor."""


class Sparse(nn.Module):
    """Common parts of both layers."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, kind: Format, activation: str | None) -> None:
        """Remember the weight, in the memory of the layer that it comes from; pack it when it is first used."""
        super().__init__()
        if kind not in FORMATS:
            raise ValueError(f"format {kind!r} is not one of {', '.join(FORMATS)}")
        for name, tensor in (("weight", weight), ("bias", bias)):
            if tensor is not None and tensor.dtype != torch.float32:
                raise TypeError(f"{name} is {tensor.dtype}; the kernels compute in float32: call .float() first")
        self.register_buffer("weight", weight.detach())
        self.register_buffer("bias", None if bias is None else bias.detach())
        self.kind, self.activation = kind, activation
        self._packed: tuple[int, Any] | None = None

    def packed(self, pack: Callable[[np.ndarray], Any], matrix: torch.Tensor) -> Any:  # a weight of either kind
        """The weight in the kernel's form, made anew when the buffer was changed."""
        version = self.weight._version
        if self._packed is None or self._packed[0] != version:
            self._packed = (version, pack(matrix.contiguous().numpy()))
        return self._packed[1]

    def check(self, x: torch.Tensor) -> np.ndarray:
        """The input as an array.

        Raises:
            RuntimeError: gradients are wanted.
            TypeError: x is not float32 on the CPU.
        """
        if torch.is_grad_enabled() and x.requires_grad:
            raise RuntimeError(
                "sparse layers have no gradient: call them under torch.no_grad, and train the dense ones"
            )
        if x.dtype != torch.float32 or x.device.type != "cpu":
            raise TypeError(
                f"x is {x.dtype} on {x.device}; the kernels compute in float32 on the CPU: convert it first"
            )
        return x.detach().numpy()

    def numbers(self) -> np.ndarray | None:
        """The bias as an array."""
        return None if self.bias is None else self.bias.numpy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Sparse:
        """Without the packed form, which is made again."""
        copy = self.__class__.__new__(self.__class__)
        nn.Module.__init__(copy)
        copy.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("_buffers", "_packed")})
        copy._buffers = {name: None if value is None else value.clone() for name, value in self._buffers.items()}
        copy._packed = None
        memo[id(self)] = copy
        return copy


class SparseLinear(Sparse):
    """A linear layer: (..., inputs) -> (..., outputs)."""

    counted_as = "linear"
    """Its part of the MACs; see ``maths.macs``, which sees no kernel outside torch."""

    @classmethod
    def from_dense(cls, layer: nn.Linear, *, kind: Format = "csr", activation: str | None = None) -> SparseLinear:
        """From a pruned layer; ``activation`` is fused behind it.

        Raises:
            TypeError: its weight is not float32.
            ValueError: the format is unknown.
        """
        return cls(layer.weight, layer.bias, kind, activation)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # as torch names it: some models do, too
        """Multiply; raises as ``check``, and ValueError if the width does not fit."""
        kernel = csr_spmm if self.kind == "csr" else rowblock_spmm
        rows = self.check(input).reshape(-1, input.shape[-1])
        weight = self.packed(kernel.pack, self.weight)
        y = kernel.multiply(
            weight, rows, bias=self.numbers(), activation=self.activation, threads=torch.get_num_threads()
        )
        return torch.from_numpy(y).view(*input.shape[:-1], len(self.weight))

    def extra_repr(self) -> str:
        """For a printed model."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, {self.kind}"


class SparseConv2d(Sparse):
    """A 3×3 or 1×1 convolution: (n, channels, h, w) -> (n, outputs, ...)."""

    counted_as = "convolution"

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        kind: Format,
        activation: str | None,
        stride: int,
        padding: int,
    ) -> None:
        """See ``from_dense``."""
        super().__init__(weight, bias, kind, activation)
        self.stride, self.padding = stride, padding

    @classmethod
    def from_dense(cls, layer: nn.Conv2d, *, kind: Format = "csr", activation: str | None = None) -> SparseConv2d:
        """From a pruned layer; ``activation`` is fused behind it.

        Raises:
            TypeError: its weight is not float32.
            ValueError: the format is unknown, or the layer is not one that the kernels compute.
        """
        stride, padding = layer.stride[0], layer.padding[0]
        if not computable(layer):
            raise ValueError(
                f"no kernel for a convolution of {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}, "
                f"dilation {layer.dilation}, {layer.groups} groups: 3×3 with stride 1 or 2 and padding 0 or 1, or 1×1"
            )
        return cls(layer.weight, layer.bias, kind, activation, int(stride), int(padding))

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # as torch names it: some models do, too
        """Convolve; raises as ``check``, and ValueError if the channels do not fit."""
        array = self.check(input)
        how: dict[str, Any] = {
            "bias": self.numbers(),
            "activation": self.activation,
            "threads": torch.get_num_threads(),
        }
        if self.weight.shape[-1] == 1:
            kernel = csr_spmm if self.kind == "csr" else rowblock_spmm
            weight = self.packed(kernel.pack, self.weight.flatten(1))
            images, channels, height, width = array.shape
            flat = array.reshape(images, channels, height * width)
            y = kernel.multiply(weight, flat, layout="channels_first", **how)
            return torch.from_numpy(y).view(images, len(self.weight), height, width)
        kernel = conv3x3 if self.kind == "csr" else rowblock_conv3x3
        weight = self.packed(kernel.pack, self.weight)
        return torch.from_numpy(kernel.convolve(weight, array, stride=self.stride, padding=self.padding, **how))

    def extra_repr(self) -> str:
        """For a printed model."""
        outputs, channels, side, _ = self.weight.shape
        return f"{channels}, {outputs}, {side}x{side}, stride {self.stride}, padding {self.padding}, {self.kind}"


def computable(layer: nn.Conv2d) -> bool:
    """Whether there is a kernel for a convolution."""
    plain = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    strides, paddings = set(layer.stride), {layer.padding} if isinstance(layer.padding, str) else set(layer.padding)
    three = (
        layer.kernel_size == (3, 3)
        and len(strides) == 1
        and strides <= {1, 2}
        and len(paddings) == 1
        and paddings <= {0, 1}
    )
    pointwise = layer.kernel_size == (1, 1) and strides == {1} and paddings == {0}
    return plain and (three or pointwise)


@dataclass(frozen=True)
class Choice:
    """The kernel chosen for a layer, with the times."""

    chosen: Chosen
    seconds: Mapping[Chosen, float]
    """The fastest of a few calls, by format."""


@torch.no_grad()
def sparsify(
    model: nn.Module, call: Callable[[nn.Module], object], *, formats: tuple[Format, ...] = FORMATS
) -> dict[str, Choice]:
    """Replace each layer that has zeros by the fastest implementation, in place; that may be the dense one.

    Each candidate is timed on the layer's real input; where dense is fastest, the layer is not replaced. Layers of the
    same shape, input and sparsity, to 1%, are timed once. A SiLU or GELU (in its tanh form) right behind a layer in an
    ``nn.Sequential`` is computed by the same kernel.

    Args:
        model: pruned, float32, on the CPU.
        call: runs it once on real input, as in ``lambda model: model(x, t, label)``.
        formats: what is tried beside dense; csr for unstructured sparsity, shared for 4×1 blocks.

    Returns:
        The kernel chosen for each layer with zeros, by name.
    """
    behind = _activations(model)
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and computable(layer))
    }
    tried = {name: found for name, layer in layers.items() if (found := _worth_trying(layer, formats))}
    kinds: dict[str, object] = {}
    inputs: dict[object, torch.Tensor] = {}

    def keep(name: str) -> Hook:
        def hook(layer: Any, given: tuple[torch.Tensor, ...]) -> None:
            sparsity = round(float((layer.weight == 0).float().mean()), 2)
            kind = repr(layer), sparsity, tried[name], behind.get(name, ("", ""))[1], given[0].shape
            kinds[name] = kind
            inputs.setdefault(kind, given[0].detach().clone())

        return hook

    with hooked(((layers[name], keep(name)) for name in tried), before=True):
        call(model)
    measured: dict[object, Choice] = {}
    choices = {}
    for name, kind in kinds.items():
        layer = layers[name]
        follows, fused = behind.get(name, (None, None))
        if kind not in measured:
            dense = layer if follows is None else nn.Sequential(layer, model.get_submodule(follows))
            candidates: dict[Chosen, nn.Module] = {"dense": dense}
            candidates |= {one: _sparse(layer, one, fused) for one in tried[name]}
            seconds = _timed(candidates, inputs.pop(kind))
            measured[kind] = Choice(min(seconds, key=seconds.__getitem__), seconds)
        choices[name] = measured[kind]
        chosen = measured[kind].chosen
        if chosen != "dense":
            model.set_submodule(name, _sparse(layer, chosen, fused))
            if follows is not None:
                model.set_submodule(follows, nn.Identity())
    return choices


def _worth_trying(layer: nn.Linear | nn.Conv2d, formats: tuple[Format, ...]) -> tuple[Format, ...]:
    """The formats in which a layer may be faster; none where it has hardly any zeros."""
    kept = (layer.weight != 0).flatten(1)
    density = float(kept.float().mean())
    if density > 1 - FEWEST_ZEROS:
        return ()
    blocks = functional.pad(kept, (0, 0, 0, -len(kept) % 4)).unflatten(0, (-1, 4)).any(1)
    stored = 4 * int(blocks.sum()) / kept.numel()
    return tuple(one for one in formats if one != "shared" or stored <= MOST_STORED * density)


def _sparse(layer: nn.Linear | nn.Conv2d, kind: Format, activation: str | None) -> SparseLinear | SparseConv2d:
    """The layer in one format, with the activation behind it."""
    if isinstance(layer, nn.Linear):
        return SparseLinear.from_dense(layer, kind=kind, activation=activation)
    return SparseConv2d.from_dense(layer, kind=kind, activation=activation)


def _activations(model: nn.Module) -> dict[str, tuple[str, str]]:
    """Layers with an activation behind them that a kernel can compute: name -> its name, and what it is.

    Only in an ``nn.Sequential``, where nothing else can use the value between the two.
    """
    behind = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
            children = list(module.named_children())
            for (name, _), (follows, activation) in pairwise(children):
                prefix = f"{path}." if path else ""
                if type(activation) is nn.SiLU:
                    behind[prefix + name] = prefix + follows, "silu"
                elif type(activation) is nn.GELU and activation.approximate == "tanh":
                    behind[prefix + name] = prefix + follows, "gelu"
    return behind


def clock() -> Callable[[], float]:
    """What times are taken with: on one thread the processor's, which other work on the machine does not lengthen."""
    return time.process_time if torch.get_num_threads() == 1 else time.perf_counter


def _timed(candidates: Mapping[Chosen, nn.Module], x: torch.Tensor) -> dict[Chosen, float]:
    """The minimum time of each; they are timed alternately."""
    for candidate in candidates.values():
        candidate(x)  # packs
    best, now = dict.fromkeys(candidates, float("inf")), clock()
    begun = now()
    for repeat in range(REPEATS):
        if repeat >= 2 and now() - begun > ENOUGH:
            break
        for name, candidate in candidates.items():
            started = now()
            candidate(x)
            best[name] = min(best[name], now() - started)
    return best

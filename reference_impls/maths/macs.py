"""Multiply-accumulates of one forward pass of a model, counted while it runs.

Counted, for the inputs given (a batch of two costs twice as much as one), in layers of torch and in functions such as
``functional.linear``, ``@`` or ``einsum``:
    linear        matrix products with a weight: rows * inputs * outputs
    convolution   output positions * outputs * inputs / groups * kernel positions, in one to three dimensions; of a
                  transposed one, input positions * inputs * outputs / groups * kernel positions
    attention     both products of scaled dot-product attention, queries * keys * width each, and any other matrix
                  product of two activations
Not counted: biases, norms, activations, softmax, element-wise products, resampling, embeddings. Papers mostly count the
first two only, so the parts are kept separate. Everything else that multiplies, such as a recurrent layer, an operator
of another library, or a layer whose weight no operator of torch reads, is named in ``not_counted``. It works on the
meta device too, where a model of billions of weights takes no memory.

A weight is a parameter or a buffer, or what was made of them alone, such as int8 levels in floating point. Operators
are seen by ``TorchDispatchMode``, as in ``torch.utils.flop_counter``, which knows neither zeros nor weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import torch
from torch import nn
from torch._ops import OpOverload
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reference_impls.maths.hooks import hooked

Part = Literal["linear", "convolution", "attention"]
OWN_KERNEL = "counted_as"
"""Attribute of a layer that multiplies with its ``weight`` outside torch: the part that this is counted as, with
output positions * weights."""

_aten = torch.ops.aten
_PRODUCTS: dict[Any, tuple[int, int]] = {
    **dict.fromkeys((_aten.mm, _aten.bmm, _aten.mv, _aten.dot, _aten.vdot, _aten._int_mm), (0, 1)),
    **dict.fromkeys((_aten.addmm, _aten.baddbmm, _aten.addmv, _aten.addbmm), (1, 2)),
}
"""Operators, and which of their arguments are multiplied."""
_ATTENTION = re.compile(r"aten::_scaled_dot_product_\w*attention\w*")
"""Fused kernels of all devices: query, key and value come first."""
_MULTIPLIES = re.compile(
    r"aten::\w*((?<!ga)mm|matmul|mkldnn_linear|conv(?!ert)|attention|rnn|lstm|gru|trilinear|cdist|fft|"
    r"linalg_(?!vector_norm)|cholesky|solve)\w*"
)
"""Operators of torch that would be a silent zero; those of other libraries are all taken to multiply."""
_FREE = re.compile(r"(aten|prims?|prim|profiler|inductor)::")
_VIEWS = re.compile(
    r"aten::(_unsafe_view|alias|as_strided|detach|expand|permute|select|slice|split|split_with_sizes|squeeze|t|transpose|"
    r"unsqueeze|view)"
)
"""They read no number of a weight."""


@dataclass(frozen=True)
class Macs:
    """What was counted."""

    linear: int
    convolution: int
    attention: int
    not_counted: tuple[str, ...] = ()
    """What the numbers lack, as in *2 LSTM*."""

    def total(self, *, attention: bool = False) -> int:
        """Linear and convolution together; with attention products where asked."""
        return self.linear + self.convolution + (self.attention if attention else 0)


@torch.no_grad()
def count(model: nn.Module, call: Callable[[nn.Module], object], *, nonzero: bool = False) -> Macs:
    """Run the model once and count.

    Args:
        model: any module.
        call: runs it, as in ``lambda model: model(x, t, label)``.
        nonzero: count the weights that are not zero only, as an ideal sparse kernel would.
    """
    counter = _Counter(model, nonzero)
    modules = list(model.modules())
    with (
        _without_fast_path(),
        hooked(((module, counter.enter) for module in modules), before=True),
        hooked((module, counter.leave) for module in modules),
        counter,
    ):
        call(model)
    return counter.macs()


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Layers of ``nn.MultiheadAttention`` as their single operators, not as one fused operator."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


class _Counter(TorchDispatchMode):
    """Sees every operator that a model runs."""

    def __init__(self, model: nn.Module, nonzero: bool) -> None:
        super().__init__()
        self.nonzero = nonzero
        self.parts: Counter[Part] = Counter()
        self.missing: Counter[str] = Counter()
        self.inside: list[nn.Module] = []
        self.ran: dict[int, nn.Module] = {}
        self.read: set[int] = set()
        self.weights: dict[int, StorageWeakRef] = {}
        """Storages of weights and of what was made of them; a weak reference keeps an address from being used again."""
        for tensor in (*model.parameters(), *model.buffers()):
            self._add_weight(tensor)

    def macs(self) -> Macs:
        """The sums, and what they lack."""
        missing = self.missing.copy()
        for module in self.ran.values():
            own = [
                _storage(weight) for weight in module.parameters(recurse=False) if weight.dim() > 1 and weight.numel()
            ]
            if own and self.read.isdisjoint(own):
                missing[type(module).__name__] += 1
        named = tuple(f"{times} {name}" for name, times in sorted(missing.items()))
        return Macs(self.parts["linear"], self.parts["convolution"], self.parts["attention"], named)

    def enter(self, module: nn.Module, _inputs: object) -> None:
        """A module begins."""
        self.inside.append(module)

    def leave(self, module: nn.Module, _inputs: object, output: Any) -> None:
        """A module ends; one with a kernel of its own is counted here."""
        self.inside.pop()
        part = getattr(module, OWN_KERNEL, None)
        if part is None:
            self.ran[id(module)] = module
        else:
            weight: Any = module.weight
            self.parts[part] += output.numel() // max(1, len(weight)) * self._used(weight)

    def __torch_dispatch__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not isinstance(function, OpOverload):  # of higher order: its own operators come by themselves
            return function(*args, **kwargs)
        packet, name = function._overloadpacket, function._schema.name
        known = packet in _PRODUCTS or packet is _aten.convolution or _ATTENTION.fullmatch(name)
        if not known:
            with self:  # in inference mode, composite operators come whole
                whole = function.decompose(*args, **kwargs)
            if whole is not NotImplemented:
                return whole
        result = function(*args, **kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if not _VIEWS.fullmatch(name):
            self.read.update(map(_storage, tensors))
        if packet in _PRODUCTS:
            self._product(*(args[index] for index in _PRODUCTS[packet]))
        elif packet is _aten.convolution:
            self._convolution(args, result)
        elif known:
            query, key, value = args[:3]
            pairs = prod(query.shape[:-1]) * key.shape[-2]
            self.parts["attention"] += pairs * query.shape[-1] + pairs * value.shape[-1]
        elif _MULTIPLIES.fullmatch(name) or not _FREE.match(name):
            self.missing[self._name(name)] += 1
        elif tensors and all(map(self._is_weight, tensors)):
            for made in tree_leaves(result):
                if isinstance(made, torch.Tensor):
                    self._add_weight(made)
        return result

    def _product(self, first: torch.Tensor, second: torch.Tensor) -> None:
        """(…, m, k) times (…, k, n); a vector has no n or no m."""
        if first.layout != torch.strided or second.layout != torch.strided:
            self.missing["sparse product"] += 1
            return
        columns = second.shape[-1] if second.dim() > 1 else 1
        rows = first.shape[-2] if first.dim() > 1 else 1
        if self._is_weight(second):
            self.parts["linear"] += rows * self._used(second)
        elif self._is_weight(first):
            self.parts["linear"] += columns * self._used(first)
        else:
            self.parts["attention"] += first.numel() * columns

    def _convolution(self, args: Any, output: torch.Tensor) -> None:
        images, weight, transposed = args[0], args[1], args[6]
        over = images if transposed else output
        positions = len(over) * prod(over.shape[2:])
        self.parts["convolution"] += positions * (self._used(weight) if self._is_weight(weight) else weight.numel())

    def _used(self, weight: torch.Tensor) -> int:
        return int(weight.count_nonzero()) if self.nonzero else weight.numel()

    def _name(self, operator: str) -> str:
        """The class of the layer that ran an operator; the operator itself where a larger module ran it."""
        if self.inside and not any(True for _ in self.inside[-1].children()):
            return type(self.inside[-1]).__name__
        return operator.removeprefix("aten::")

    def _add_weight(self, tensor: torch.Tensor) -> None:
        if tensor.layout == torch.strided:
            self.weights.setdefault(_storage(tensor), StorageWeakRef(tensor.untyped_storage()))

    def _is_weight(self, tensor: torch.Tensor) -> bool:
        return _storage(tensor) in self.weights


def _storage(tensor: torch.Tensor) -> int:
    """What identifies the memory of a tensor and of its views; sparse tensors have none of their own."""
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else -1

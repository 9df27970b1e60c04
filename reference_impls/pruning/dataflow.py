"""Which parts of a model read what other parts give, found out in one forward pass.

Outside of the parts, each tensor has the origins of those that it was computed from, in place or not; what a part gives
has this part as its only origin. Tensors are followed by their memory, so views and changes in place are, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reference_impls.maths.hooks import hooked

PLAIN = (type(None), bool, int, float, str, torch.dtype, torch.device)


class Dataflow(TorchDispatchMode):
    """Follows what is computed inside its ``with`` statement."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        super().__init__()
        self.reads: dict[str, set[str]] = {}
        """Of each part that was called, the origins of its inputs."""
        self.called: list[str] = []
        """The parts in the order of their calls, each as often as it is called."""
        self._origins: dict[int, frozenset[str]] = {}

    def __torch_dispatch__(
        self, func: Any, _types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch; what it gives or changes has the origins of all that it is given."""
        given = (args, dict(kwargs or {}))
        output = func(*given[0], **given[1])
        origins = self._of(given)
        for memory in _memories((output, given) if func._schema.is_mutable else output):
            self._origins[memory] = origins
        return output

    @contextmanager
    def following(self, parts: Mapping[str, nn.Module]) -> Iterator[None]:
        """Inside, calls of the parts are noted, and what is computed from their outputs."""
        enter = ((part, partial(self._enter, path)) for path, part in parts.items())
        leave = ((part, partial(self._leave, path)) for path, part in parts.items())
        with hooked(enter, before=True, named=True), hooked(leave, named=True), self:
            yield

    def sources(self, part: str, stored: Collection[str]) -> set[str]:
        """Those of the stored parts whose outputs are needed to compute the inputs of a part.

        Args:
            part: one that was called.
            stored: parts whose outputs are known; all others are computed from their inputs.
        """
        found: set[str] = set()
        ahead = [part]
        while ahead:
            new = self.reads[ahead.pop()] - found
            found |= new
            ahead += new.difference(stored)
        return found.intersection(stored)

    def _enter(self, path: str, _part: nn.Module, args: object, kwargs: object) -> None:
        self.called.append(path)
        self.reads.setdefault(path, set()).update(self._of((args, kwargs)))

    def _leave(self, path: str, _part: nn.Module, args: object, kwargs: object, output: object) -> None:
        passed = set(_memories((args, kwargs)))
        for memory in _memories(output):
            before = self._origins.get(memory, frozenset()) if memory in passed else frozenset()
            self._origins[memory] = before | {path}

    def _of(self, values: object) -> frozenset[str]:
        """The origins of all tensors there; of what cannot be looked into, all parts so far."""
        if not all(isinstance(leaf, (torch.Tensor, *PLAIN)) for leaf in tree_leaves(values)):
            return frozenset(self.called)
        return frozenset().union(*(self._origins.get(memory, frozenset()) for memory in _memories(values)))


def _memories(values: object) -> Iterable[int]:
    return (leaf.untyped_storage()._cdata for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))

"""A model whose blocks have weights only while they run.

Weights outside of blocks, such as embeddings and final layers, are loaded once. Those of a block are loaded in float32
where it is held, or where a forward pass of the model calls it or a part of it, and are given back after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from reference_impls.files.packed import Read
from reference_impls.maths.hooks import hooked
from reference_impls.maths.masks import check_finite

Owned = tuple[nn.Module, str]
"""A module and the name of one of its parameters."""


class NotLoaded(ValueError):
    """A weight is missing or not finite."""


@dataclass
class Onload:
    """Loads the weights of a model on the meta device."""

    model: nn.Module
    reads: dict[str, Read]
    """By the names of the model's tensors."""
    device: torch.device
    owners: dict[Owned, tuple[str, nn.Parameter]] = field(default_factory=dict)
    """Full name, and the parameter without memory."""

    def __post_init__(self) -> None:
        """Note what belongs where."""
        for path, module in self.model.named_modules():
            for name, value in module._parameters.items():
                if value is not None:
                    self.owners[module, name] = f"{path}.{name}" if path else name, value

    def rest(self, blocks: Iterable[str]) -> None:
        """Load the buffers, and all parameters that are not below one of the paths."""
        inside = {module for path in blocks for module in self.model.get_submodule(path).modules()}
        self._load([owned for owned in self.owners if owned[0] not in inside])
        for name, value in self.model.named_buffers():
            if name in self.reads:
                value.data = check_finite(name, self.reads[name]()).to(value.dtype)
            value.data = value.data.to(self.device)

    @contextmanager
    def held(self, module: nn.Module, *, stays: bool = False) -> Iterator[None]:
        """Inside, a module has its weights; also afterwards where it ``stays``."""
        loaded = self._load(self._below(module))
        try:
            yield
        finally:
            if not stays:
                self._unload(loaded)

    @contextmanager
    def on_call(self, blocks: Iterable[str]) -> Iterator[None]:
        """Inside, each block has its weights while a forward pass calls it, or a part of it."""
        loaded: list[tuple[nn.Module, list[Owned]]] = []

        def enter(module: nn.Module, _inputs: object) -> None:
            if "forward" not in vars(module):  # a finished block returns what was recorded
                loaded.append((module, self._load(self._below(module))))

        def leave(module: nn.Module, *_: object) -> None:
            if loaded and loaded[-1][0] is module:
                self._unload(loaded.pop()[1])

        modules = [module for path in blocks for module in self.model.get_submodule(path).modules()]
        with (
            hooked(((module, enter) for module in modules), before=True),
            hooked((module, leave) for module in modules),
        ):
            yield

    def _below(self, module: nn.Module) -> list[Owned]:
        return [
            (part, name) for part in module.modules() for name, value in part._parameters.items() if value is not None
        ]

    def _load(self, owned: Iterable[Owned]) -> list[Owned]:
        """Load those that are not loaded; what was loaded."""
        loaded = []
        for module, name in owned:
            full, empty = self.owners[module, name]
            value = module._parameters[name]
            if value is not empty:
                continue
            read = self.reads.get(full)
            if read is None:
                raise NotLoaded(f"{full} has no tensor of its own in the files; this model cannot be streamed")
            try:
                tensor = check_finite(full, read()).to(self.device, torch.float32)
            except ValueError as error:
                raise NotLoaded(str(error)) from error
            module._parameters[name] = nn.Parameter(tensor, requires_grad=False)
            loaded.append((module, name))
        return loaded

    def _unload(self, owned: Iterable[Owned]) -> None:
        for module, name in owned:
            module._parameters[name] = self.owners[module, name][1]

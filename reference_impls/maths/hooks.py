"""Hooks, other forward passes, frozen weights, checkpoints: for as long as a ``with`` block, also if it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

Hook = Callable[..., Any]
"""Called as torch calls it: (module, inputs) before a forward pass, (module, inputs, output) after it. What it returns
replaces the inputs or the output; None leaves them."""


@contextmanager
def hooked(hooks: Iterable[tuple[nn.Module, Hook]], *, before: bool = False, named: bool = False) -> Iterator[None]:
    """Inside, each hook runs at every forward pass of its module.

    Args:
        hooks: modules and what is called.
        before: before the pass and not after it.
        named: the hooks take the named inputs as a mapping after the others; else they follow them, as some models
            give a layer its only input by name.
    """
    handles = []
    try:
        for module, hook in hooks:
            register = module.register_forward_pre_hook if before else module.register_forward_hook
            handles.append(register(hook if named else _in_order(hook, before), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _in_order(hook: Hook, before: bool) -> Hook:
    """The hook, as torch calls one that takes named inputs."""

    def called(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], *output: Any) -> Any:
        result = hook(module, (*inputs, *named.values()), *output)
        return (result, {}) if before and result is not None else result

    return called


@contextmanager
def replaced(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Inside, each function is called instead of the ``forward`` of its module."""
    before = {module: vars(module).get("forward") for module in forwards}  # packages that move weights set their own
    try:
        for module, forward in forwards.items():
            vars(module)["forward"] = forward
        yield
    finally:
        for module, own in before.items():
            if own is None:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = own


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Inside, no parameter of the model takes a gradient; afterwards those do that did before."""
    trainable = [value for value in model.parameters() if value.requires_grad]
    for value in trainable:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value in trainable:
            value.requires_grad_(True)


@contextmanager
def checkpointed(model: nn.Module) -> Iterator[None]:
    """Inside, a model of diffusers keeps only the inputs of its blocks for a backward pass, and runs them again there.

    The gradients are the same; other models, and what is on already, stay as they are.
    """
    here: Any = model
    able = getattr(here, "_supports_gradient_checkpointing", False)
    able = able and any(hasattr(module, "gradient_checkpointing") for module in model.modules())
    if not able or here.is_gradient_checkpointing:
        yield
        return
    here.enable_gradient_checkpointing()
    try:
        yield
    finally:
        here.disable_gradient_checkpointing()

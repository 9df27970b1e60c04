"""All or nothing: a model that is being changed is put back where that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def undone_on_failure(model: nn.Module) -> Iterator[None]:
    """Inside, an exception or an interrupt puts the model back as it was: weights, gradients, sizes, modules, hooks.

    Modules and parameters stay the objects that they were, so that an optimiser that holds them is right again too.
    The price is a copy of the weights, whatever is done inside: nobody knows beforehand what will be changed.
    """
    values = (*model.parameters(), *model.buffers())
    tensors = [(value, value.detach().clone(), value.requires_grad, value.grad) for value in values]
    modules = [(module, type(module), _attributes(module)) for module in model.modules()]
    try:
        yield
    except BaseException:
        for module, kind, attributes in modules:
            module.__class__ = kind  # a parametrized weight changes it
            for name, value in attributes.items():
                if isinstance(value, dict):  # in place: the handle of a hook knows the very mapping
                    vars(module)[name].clear()
                    vars(module)[name].update(value)
                else:
                    vars(module)[name] = value
        for tensor, value, trained, gradient in tensors:
            with torch.no_grad():
                tensor.copy_(value)
            tensor.requires_grad_(trained)
            tensor.grad = gradient
        raise


def _attributes(module: nn.Module) -> dict[str, object]:
    """All that a module holds, with its mappings (parameters, buffers, modules, hooks) as they are now."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in vars(module).items()}

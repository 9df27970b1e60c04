"""All or nothing: a model that is being changed is put back where that fails."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def undone_on_failure(model: nn.Module) -> Iterator[None]:
    """Inside, an exception or an interrupt puts the model back as it was, and is the one that the caller sees.

    Weights, gradients, sizes, modules, hooks and configuration are restored, for models of any package. Modules and
    parameters stay the objects that they were, so that an optimiser that holds them is right again too. The price is a
    copy of the weights, whatever is done inside: nobody knows beforehand what will be changed.
    """
    values = (*model.parameters(), *model.buffers())
    tensors = [(value, value.detach().clone(), value.requires_grad, value.grad) for value in values]
    modules = [(module, type(module), _attributes(module)) for module in model.modules()]
    try:
        yield
    except BaseException:
        for tensor, value, trained, gradient in tensors:
            with torch.no_grad():
                tensor.copy_(value)
            tensor.requires_grad_(trained)
            tensor.grad = gradient
        for module, kind, attributes in modules:
            module.__class__ = kind  # a parametrized weight changes it
            own = vars(module)
            for name in own.keys() - attributes.keys():
                del own[name]
            for name, (value, contents) in attributes.items():
                own[name] = value
                if contents is not None:
                    value.clear()
                    value.update(contents)
        raise


def _attributes(module: nn.Module) -> dict[str, tuple[Any, Any]]:
    """Each attribute with a copy of its contents where those can change in place, else with None.

    Plain mappings and sets are torch's own (parameters, buffers, modules, hooks) and must stay the objects that they
    are, since the handle of a hook knows its mapping. A subclass is somebody else's, such as the frozen configuration
    of diffusers, whose contents are never changed but replaced as a whole.
    """
    return {
        name: (value, value.copy() if type(value) in (dict, OrderedDict, set) else None)
        for name, value in vars(module).items()
    }

"""Statistics of a layer's inputs, accumulated while a module runs on calibration data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from reference_impls.maths.hooks import Hook, hooked
from reference_impls.maths.obs import UNSEEN
from reference_impls.pruning.layers import Layer, as_matrix, input_rows


class Observer(Protocol):
    """A statistic of the inputs of one layer, such as ``Norms`` or ``maths.obs.Hessian``."""

    def add(self, inputs: torch.Tensor, weight: float = 1.0) -> None:
        """Add rows (n, inputs of the layer), each counted ``weight`` times."""

    def reduce(self, total: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Replace each sum by its total over several processes."""


class Runnable(Protocol):
    """What can be run: a ``Call`` of a whole model, or what one call gave to a block of it."""

    def run(self, module: nn.Module, /) -> Any:
        """Call the module with the recorded arguments."""


O = TypeVar("O", bound=Observer)  # noqa: E741
R = TypeVar("R", bound=Runnable)


class Norms:
    """Euclidean norm of each input over all rows, summed in float64."""

    def __init__(self, width: int) -> None:
        """Begin at zero; ``width`` is the number of inputs."""
        self.squares = torch.zeros(width, dtype=torch.float64)
        self.rows = 0.0

    def add(self, inputs: torch.Tensor, weight: float = 1.0) -> None:
        """Add inputs (n, width), whose squares are counted ``weight`` times."""
        self.squares = self.squares.to(inputs.device)  # of the layer
        self.squares += weight * inputs.double().square().sum(0)
        self.rows += len(inputs)

    def reduce(self, total: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Replace the sums by their totals over several processes."""
        self.squares, self.rows = total(self.squares), float(total(torch.tensor([self.rows])))

    def norms(self) -> torch.Tensor:
        """(width,), float32.

        Raises:
            ValueError: no inputs were added.
        """
        if not self.rows:
            raise ValueError(UNSEEN)
        return self.squares.sqrt().float()


def alike(_call: object) -> float:
    """Every call counts the same."""
    return 1.0


@torch.no_grad()
def observe(
    module: nn.Module,
    calls: Iterable[R],
    layers: Mapping[str, Layer],
    observer: Callable[[int], O],
    weight: Callable[[R], float] = alike,
) -> dict[str, O]:
    """Run each call once and give the inputs of all layers to their observers.

    Args:
        module: what is run; it holds the layers.
        calls: of the module.
        layers: by name.
        observer: makes the observer of a layer, from the number of its inputs.
        weight: how much the rows of a call count.

    Returns:
        The observers, by name of the layer.

    Raises:
        ValueError: an observer refuses its rows; the layer is named.
    """
    observers = {name: observer(as_matrix(layer).shape[1]) for name, layer in layers.items()}
    for call in calls:
        hooks = ((layer, _adding(name, observers[name], weight(call))) for name, layer in layers.items())
        with hooked(hooks, before=True):
            call.run(module)
    return observers


def _adding(name: str, observer: Observer, weight: float) -> Hook:
    def hook(layer: Layer, inputs: tuple[torch.Tensor, ...]) -> None:
        with naming(name):
            observer.add(input_rows(layer, inputs[0].detach()), weight)

    return hook


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Inside, an error names the layer or group that it is about.

    Raises:
        ValueError: what was raised inside, with the name in front.
    """
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error

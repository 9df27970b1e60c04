"""Statistics of a layer's inputs, accumulated while a module runs on calibration data.

The Hessian of a wide convolution would be larger than the model: 2,560 channels of 3 x 3 make 23,040 columns, which is
4.2 GB in float64. It is kept in float32 above ``IN_FLOAT64`` columns, and of a convolution in groups of input channels
above ``WIDEST`` columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from reference_impls.maths.hooks import Hook, hooked
from reference_impls.maths.obs import UNSEEN, Hessian
from reference_impls.pruning.layers import Layer, column_numbers, columns_of, input_rows

IN_FLOAT64 = 4096
"""Columns of a Hessian up to which it is summed in float64."""
WIDEST = 8192
"""Columns of one Hessian: 268 MB in float32, and about five times as much while it is factorised."""
STEP = 64
"""Channels of a group are a multiple of it, so that no group of an n:m pattern is cut."""

Total = Callable[[torch.Tensor], torch.Tensor]
"""The sum of a tensor over the processes that work together, in each of them."""


def alone(value: torch.Tensor) -> torch.Tensor:
    """The total of one process."""
    return value


class Observer(Protocol):
    """A statistic of the inputs of one layer, such as ``Norms`` or ``Hessians``."""

    def add(self, inputs: torch.Tensor, weight: float = 1.0) -> None:
        """Add rows (n, inputs of the layer), each counted ``weight`` times."""

    def reduce(self, total: Total) -> None:
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

    def reduce(self, total: Total) -> None:
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


def norms_of(layer: Layer) -> Norms:
    """Norms of the inputs of a layer, all zero."""
    return Norms(columns_of(layer))


def hessian_of(layer: Layer) -> Hessian:
    """The Hessian of the inputs of a layer, all zero."""
    return Hessian(columns_of(layer))


class Hessians:
    """The Hessian of a layer's inputs, or the blocks on its diagonal, one for each group of columns.

    Between groups the inputs count as uncorrelated: a weight is not compensated for in another group.
    """

    def __init__(self, groups: Sequence[torch.Tensor]) -> None:
        """Begin at zero.

        Args:
            groups: the columns of each, (columns,), in the order in which its Hessian has them.
        """
        self.groups = [
            (columns, Hessian(len(columns), torch.float64 if len(columns) <= IN_FLOAT64 else torch.float32))
            for columns in groups
        ]

    def add(self, inputs: torch.Tensor, weight: float = 1.0) -> None:
        """As ``Hessian.add``, with the inputs of all groups: (n, inputs of the layer)."""
        for columns, hessian in self.groups:
            hessian.add(inputs[:, columns], weight)

    def reduce(self, total: Total) -> None:
        """Replace the sums by their totals over several processes."""
        for _, hessian in self.groups:
            hessian.reduce(total)

    def means(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Columns of each group, and their Hessian per sample, (columns, columns); each can be read once.

        Raises:
            ValueError: no inputs were added.
        """
        while self.groups:
            columns, hessian = self.groups.pop(0)  # its memory is given back before the next one is factorised
            yield columns, hessian.mean()


def column_groups(layer: Layer, *, by_channel: bool) -> list[torch.Tensor]:
    """Columns of the layer's matrix: all of them, or of a wide convolution in the fewest groups of channels that fit.

    Args:
        layer: of any kind.
        by_channel: order of a convolution's columns: all kernel positions of a channel, then of the next one; else all
            channels of a position.
    """
    columns = column_numbers(layer.weight)
    together = channels = columns.shape[1]
    if len(columns) > 1 and columns.numel() > WIDEST:
        steps = -(-channels // STEP)
        number = -(-steps // max(1, WIDEST // (STEP * len(columns))))
        together = -(-steps // number) * STEP
    return [(group.t() if by_channel else group).flatten() for group in columns.split(together, dim=1)]


def alike(_call: object) -> float:
    """Every call counts the same."""
    return 1.0


@torch.no_grad()
def observe(
    module: nn.Module,
    calls: Iterable[R],
    layers: Mapping[str, Layer],
    observer: Callable[[Layer], O],
    weight: Callable[[R], float] = alike,
) -> dict[str, O]:
    """Run each call once and give the inputs of all layers to their observers.

    Args:
        module: what is run; it holds the layers.
        calls: of the module.
        layers: by name.
        observer: makes the observer of a layer.
        weight: how much the rows of a call count.

    Returns:
        The observers, by name of the layer.

    Raises:
        ValueError: an observer refuses its rows; the layer is named.
    """
    observers = {name: observer(layer) for name, layer in layers.items()}
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

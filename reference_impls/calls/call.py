"""Recorded inputs of one forward pass of a denoiser, of any signature, and the calibration data made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn


def first_of(output: Any) -> torch.Tensor:
    """The first tensor of what a model gives: a ControlNet gives one for each block, in a tuple of its own."""
    while not isinstance(output, torch.Tensor):
        output = output[0]
    return output


@dataclass(frozen=True)
class Call:
    """Inputs of one forward pass, and its place in the sampler."""

    arguments: Mapping[str, Any]
    """By the names of the model's ``forward``: tensors, None, booleans, numbers, text, and lists, tuples and mappings
    of them."""
    step: int = 0
    steps: int = 1
    """Which step of the sampler it is, from 0 on, and of how many; for step weights."""
    target: torch.Tensor | None = None
    """What the model should predict, where it is known; of a model that also predicts a variance, half the channels."""
    noise_scale: torch.Tensor | None = None
    """Factor that turns an error of the prediction into one of the noise, shaped for multiplication; it falls as the
    timestep rises."""
    unbatched: frozenset[str] = frozenset()
    """Arguments without samples in front, such as positions; all other tensors have them, also in nested mappings."""
    positional: tuple[Any, ...] = ()
    """What was passed without a name, before ``arguments``."""
    batch: int | None = None
    """Samples of a forward pass that is never split, since it was recorded, and which of its tensors have the samples
    in front is not known. With classifier-free guidance it is twice the images: both halves are samples."""

    def run(self, model: nn.Module) -> torch.Tensor:
        """The model's prediction; of several outputs the first."""
        return first_of(model(*self.positional, **self.arguments))

    @property
    def samples(self) -> int:
        """How many there are in the call."""
        if self.batch is not None:
            return self.batch
        return next((len(value) for name, value in self.arguments.items() if self._has_samples(name, value)), 0)

    def _has_samples(self, name: str, value: object) -> bool:
        return isinstance(value, torch.Tensor) and value.dim() > 0 and name not in self.unbatched

    def first(self) -> Call:
        """The first sample alone, without its target; a recorded forward pass with all its samples."""
        whole = self.batch is not None
        arguments = self.arguments if whole else self._first(self.arguments)
        return replace(self, arguments=arguments, target=None, noise_scale=None)

    def _first(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._first(value)
            if isinstance(value, Mapping)
            else value[:1]
            if self._has_samples(name, value)
            else value
            for name, value in arguments.items()
        }

    def error(self, model: nn.Module) -> torch.Tensor:
        """Prediction minus target.

        Raises:
            ValueError: the target is not known here.
        """
        if self.target is None:
            raise ValueError("this calibration has no targets; make it with from_images, or record it with targets")
        prediction = self.run(model)
        if prediction.shape != self.target.shape:
            prediction = prediction[:, : self.target.shape[1]]
        return prediction - self.target

    def loss(self, model: nn.Module) -> torch.Tensor:
        """Mean squared error of the prediction, as a scalar; raises as ``error``."""
        return self.error(model).square().mean()

    def noise_loss(self, model: nn.Module) -> torch.Tensor:
        """Mean squared error of the noise that the prediction means.

        Raises:
            ValueError: as ``error``, or the scale of the noise is not known.
        """
        error = self.error(model)
        if self.noise_scale is None:
            raise ValueError(
                "this calibration has no scale of the noise; make it with from_images, or record it with "
                "targets='sample'"
            )
        return (self.noise_scale * error).square().mean()


@dataclass(frozen=True)
class Calibration:
    """Calibration data of a method. Made once, iterated as often as needed."""

    calls: tuple[Call, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from, for reports; JSON can hold it."""

    def __post_init__(self) -> None:
        """Refuse an empty set.

        Raises:
            ValueError: there is no call, or a call without a sample.
        """
        if not self.calls or any(not call.samples for call in self.calls):
            raise ValueError("calibration is empty; give at least one batch of at least one sample")

    def __iter__(self) -> Iterator[Call]:
        """The calls in order."""
        return iter(self.calls)

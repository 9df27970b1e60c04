"""What a pruning method takes and gives, the same for all of them."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from reference_impls.maths.masks import Pattern, check_sparsity
from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, stratified_times, trajectory

SCOPES = ("layer", "row", "global")


@dataclass(frozen=True)
class Batch:
    """Inputs of one network call, and how much it counts."""

    x: torch.Tensor
    """(n, 1, side, side), noisy."""
    t: torch.Tensor
    """(n,) in [0, 1]."""
    label: torch.Tensor
    """(n,)."""
    target: torch.Tensor | None = None
    """v that the model should predict there, where the clean image is known."""
    progress: float = 0.0
    """Share of the denoising that is done, 0 to 1; for step weights."""


@dataclass(frozen=True)
class Calibration:
    """The network calls that a method may look at. Made once, iterated as often as a method likes."""

    batches: tuple[Batch, ...]

    def __post_init__(self) -> None:
        """Refuse an empty set.

        Raises:
            ValueError: there is no batch, or a batch is empty.
        """
        if not self.batches or any(not len(batch.x) for batch in self.batches):
            raise ValueError("calibration is empty; give at least one batch of at least one sample")

    def __iter__(self) -> Iterator[Batch]:
        """The batches in order."""
        return iter(self.batches)


def from_images(images: Images, *, batches: int = 8, size: int = 32, seed: int = 0) -> Calibration:
    """Images with added noise at times spread over [0, 1]; the targets are known.

    Raises:
        ValueError: there are no images, or no batch is asked for.
    """
    if not len(images) or batches < 1 or size < 1:
        raise ValueError(f"no calibration from {len(images)} images in {batches} batches of {size}")
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(batches):
        chosen = torch.randint(len(images), (size,), generator=generator)
        t = stratified_times(size, generator)
        x, v = noised(images.pixels[chosen], torch.randn(images.pixels[chosen].shape, generator=generator), t)
        made.append(Batch(x, t, images.labels[chosen], v))
    return Calibration(tuple(made))


@torch.no_grad()
def from_trajectory(model: nn.Module, *, n: int = 20, steps: int = 10, classes: int = 10, seed: int = 0) -> Calibration:
    """The calls that DDIM makes: inputs as the sampler will meet them, one batch a step.

    Raises:
        ValueError: ``n`` or ``steps`` is not positive.
    """
    if n < 1:
        raise ValueError(f"no calibration from {n} samples")
    side = int(model.side)  # type: ignore[arg-type]  # both models of the testbed have one
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, 1, side, side, generator=generator)
    label = torch.arange(n) % classes
    calls = list(trajectory(model, noise, label, steps))[:-1]
    made = (Batch(x, t, label, None, step / max(1, steps - 1)) for step, (x, t, _) in enumerate(calls))
    return Calibration(tuple(made))


@dataclass(frozen=True)
class Request:
    """How much to prune, and where."""

    sparsity: float
    pattern: Pattern | None = None
    """n of m kept; fixes the sparsity."""
    scope: str = "layer"
    """Weights are compared within a layer, within an output row, or over all layers."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: the sparsity is not in [0, 1], the scope is unknown, or sparsity and pattern disagree.
        """
        check_sparsity(self.sparsity)
        if self.scope not in SCOPES:
            raise ValueError(f"scope {self.scope!r} is not one of {', '.join(SCOPES)}")
        if self.pattern is not None and abs(self.pattern.sparsity - self.sparsity) > 1e-9:
            raise ValueError(f"pattern {self.pattern} means sparsity {self.pattern.sparsity}, not {self.sparsity}")


Masks = dict[str, torch.Tensor]
"""Layer name -> mask shaped as its weight, True = kept."""


class UnstructuredMethod(Protocol):
    """A module that sets single weights to zero, in place."""

    prune: Callable[[nn.Module, Calibration, Request], Masks]


@dataclass(frozen=True)
class Report:
    """What was done, so that it can be done again."""

    method: str
    paper: str | None
    """Slug of the catalogue's entry."""
    requested: float
    pattern: str | None
    scope: str
    seed: int
    achieved: Mapping[str, float]
    """Share of zero weights of each pruned layer."""
    parameters: int
    nonzero: int
    """Parameters that are not zero afterwards."""
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(
        default_factory=lambda: {"python": platform.python_version(), "torch": torch.__version__}
    )

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

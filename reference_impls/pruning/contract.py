"""What a pruning method takes and gives, the same for all of them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from reference_impls.maths.masks import ALONE, Pattern, Tile, check_sparsity
from reference_impls.near_names import unknown

SCOPES = ("layer", "row", "global")


@dataclass(frozen=True)
class Request:
    """How much to prune, and where."""

    sparsity: float
    pattern: Pattern | None = None
    """n of m kept; fixes the sparsity."""
    scope: str = "layer"
    """Weights are compared within a layer, within an output row, or over all layers."""
    seed: int = 0
    block: Tile = ALONE
    """Single weights that stay or go together; a pattern says so itself."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Sparsity of single layers or groups by name, where it differs from the others'."""

    @property
    def tile(self) -> Tile:
        """What is decided about at once."""
        return self.block if self.pattern is None else Tile(self.pattern.rows, 1)

    def share(self, name: str) -> float:
        """Sparsity of one layer or group."""
        return self.shares.get(name, self.sparsity)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: the sparsity is not in [0, 1], the scope is unknown, or the pattern disagrees with sparsity,
                scope, block or shares.
        """
        check_sparsity(self.sparsity)
        for share in self.shares.values():
            check_sparsity(share)
        if self.scope not in SCOPES:
            raise ValueError(unknown("scope", self.scope, SCOPES))
        if self.shares and (self.pattern is not None or self.scope == "global"):
            raise ValueError("sparsities of single layers do not go with a pattern or with scope global")
        if self.pattern is not None and self.scope != "layer":
            raise ValueError("a pattern compares scores in groups of m weights; with --pattern, leave --scope out")
        if self.pattern is not None and self.block != ALONE:
            raise ValueError("give --block or --pattern, not both; 2:4x4 is a pattern in blocks of four rows")
        if self.pattern is not None and abs(self.pattern.sparsity - self.sparsity) > 1e-9:
            raise ValueError(f"pattern {self.pattern} has sparsity {self.pattern.sparsity}, not {self.sparsity}")


@dataclass(frozen=True)
class Outcome:
    """What a method did; each fills what is its own and leaves the rest empty."""

    masks: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Single weights: layer name -> mask shaped as its weight, True = kept."""
    kept: Mapping[str, list[int]] = field(default_factory=dict)
    """Units: group name -> those that stay."""
    dropped: Sequence[str] = ()
    """Blocks: the names of the removed ones."""


PruningFunction = Callable[..., Outcome]
"""What every method offers: (model, calibration, request, and options of its own by keyword). It prunes the model in
place and says what it did; ``prune`` undoes what fails halfway."""


@dataclass(frozen=True)
class Changes:
    """What a model lacks against the dense one; with the weights, all that has to be stored."""

    kept: Mapping[str, list[int]] = field(default_factory=dict)
    """The units that stay, by group, numbered as in the dense model."""
    dropped: tuple[str, ...] = ()
    """The blocks that went."""

    def then(self, kept: Mapping[str, list[int]], dropped: Sequence[str]) -> Changes:
        """After another pruning, whose units are numbered as in the model that it met."""
        new = {
            name: [self.kept[name][i] for i in units] if name in self.kept else units for name, units in kept.items()
        }
        gone = (*self.dropped, *dropped)
        still = {
            name: units
            for name, units in {**self.kept, **new}.items()
            if not name.startswith(tuple(f"{one}." for one in gone))
        }
        return Changes(still, gone)


@dataclass(frozen=True)
class Cost:
    """What a model takes."""

    parameters: int
    nonzero: int
    """Parameters that are not zero."""
    macs: int
    """Multiply-accumulates of one network call for one sample, in Linear and convolution layers and in the two
    products of attention; zeros are computed with, as dense kernels do."""
    macs_nonzero: int
    """The same with each layer's zero weights left out, as an ideal sparse kernel would."""


@dataclass(frozen=True)
class Report:
    """What was done, so that it can be done again."""

    method: str
    paper: str | None
    """Slug of the catalogue's entry."""
    kind: str
    """unstructured, structured or depth."""
    requested: float
    pattern: str | None
    block: str | None
    scope: str
    seed: int
    shares: Mapping[str, float]
    """Sparsity of single layers or groups, where another one was asked for."""
    achieved: Mapping[str, float]
    """Share that went: of the weights of each layer, of the units of each group, or of the blocks."""
    kept: Mapping[str, list[int]]
    """Structured: the units that stay, by group."""
    dropped: list[str]
    """Depth: the blocks that went."""
    before: Cost
    after: Cost
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(
        default_factory=lambda: {"python": platform.python_version(), "torch": torch.__version__}
    )

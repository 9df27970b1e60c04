"""Input and output of a pruning method, the same for all of them."""

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
    """Sparsity, pattern and scope of a pruning."""

    sparsity: float
    pattern: Pattern | None = None
    """n of m kept; fixes the sparsity."""
    scope: str = "layer"
    """Weights are compared within a layer, within an output row, or over all layers."""
    seed: int = 0
    block: Tile = ALONE
    """Shape of blocks of weights that are pruned together; a pattern has its own rows."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Sparsity of single layers or groups by name, where it differs from the others (non-uniform sparsity)."""
    keep_shortcuts: bool = False
    """Of a removed block, its shortcut convolution stays with the skip connection that it reads."""
    include: tuple[str, ...] = ()
    """Globs of the layers, groups or blocks to prune, by dotted name; all where there is none. See ``chosen``."""
    exclude: tuple[str, ...] = ()
    """Globs of those that stay as they are."""
    recover_blocks: int = 0
    """Steps in which the remaining weights of each block are trained to give the output of the dense block."""

    def share(self, name: str) -> float:
        """Sparsity of one layer or group."""
        return self.shares.get(name, self.sparsity)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: the sparsity is not in [0, 1], the scope is unknown, the pattern disagrees with sparsity,
                scope, block or shares, or blocks cannot be recovered.
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
        if self.recover_blocks < 0:
            raise ValueError(f"steps {self.recover_blocks} to recover a block are negative; give 0 or more")
        if self.recover_blocks and self.scope == "global":
            raise ValueError(
                "with scope global no block is pruned before another; leave --recover-blocks out, or give scope layer"
            )


@dataclass(frozen=True)
class Outcome:
    """Result of a method; each kind of method fills one field."""

    masks: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Unstructured: layer name -> mask shaped as its weight, True = kept."""
    kept: Mapping[str, list[int]] = field(default_factory=dict)
    """Structured: group name -> kept units."""
    dropped: Sequence[str] = ()
    """Depth: names of the removed blocks."""


PruningFunction = Callable[..., Outcome]
"""Signature of every method: (model, calibration, request, and options of its own by keyword). It prunes the model in
place and returns the outcome; ``prune`` restores the model if it fails. The calibration may be None for a method whose
data requirement is *nothing*."""


@dataclass(frozen=True)
class Changes:
    """Structure that was removed from the dense model; stored beside the weights."""

    kept: Mapping[str, list[int]] = field(default_factory=dict)
    """Kept units by group, numbered as in the dense model."""
    dropped: tuple[str, ...] = ()
    """Removed blocks."""
    shortcuts: tuple[str, ...] = ()
    """Those of the removed blocks whose shortcut convolutions were kept, if they have one."""

    def then(self, kept: Mapping[str, list[int]], dropped: Sequence[str], *, keep_shortcuts: bool = False) -> Changes:
        """After another pruning, whose units are numbered as in the model before it."""
        new = {
            name: [self.kept[name][i] for i in units] if name in self.kept else units for name, units in kept.items()
        }
        gone = (*self.dropped, *dropped)
        still = {
            name: units
            for name, units in {**self.kept, **new}.items()
            if not name.startswith(tuple(f"{one}." for one in gone))
        }
        return Changes(still, gone, (*self.shortcuts, *dropped) if keep_shortcuts else self.shortcuts)


@dataclass(frozen=True)
class Cost:
    """Parameters and multiply-accumulates of a model."""

    parameters: int
    nonzero: int
    """Parameters that are not zero."""
    macs: int | None
    """Multiply-accumulates per forward pass of one sample, of products with weights, convolutions and the two products
    of attention; zeros included, as in dense kernels. None without an input to run the model on."""
    macs_nonzero: int | None
    """The same with zero weights skipped, as by an ideal sparse kernel."""
    not_counted: tuple[str, ...] = ()
    """What the numbers of MACs lack, as in *2 LSTM*; where they are None, the reason."""

    def counted(self) -> tuple[int, int]:
        """MACs, and those without zero weights.

        Raises:
            ValueError: they were not counted.
        """
        if self.macs is None or self.macs_nonzero is None:
            raise ValueError(f"MACs not counted: {', '.join(self.not_counted)}")
        return self.macs, self.macs_nonzero


@dataclass(frozen=True)
class Report:
    """What was done, in enough detail to repeat it."""

    method: str
    paper: str | None
    """Slug of the catalogue's entry."""
    kind: str
    """unstructured, structured or depth."""
    requested: float
    pattern: str | None
    pattern_axis: str | None
    """What the groups of a pattern lie along in convolutions."""
    block: str | None
    scope: str
    seed: int
    shares: Mapping[str, float]
    """Sparsity of single layers or groups, where it was set."""
    achieved: Mapping[str, float]
    """Sparsity of each layer, or fraction of removed units of each group, or of removed blocks."""
    difference: float
    """Unstructured: achieved minus requested sparsity over all weights of the layers; whole weights, or whole blocks of
    them, do not allow every sparsity. 0 for other kinds."""
    kept: Mapping[str, list[int]]
    """Structured: kept units by group."""
    dropped: list[str]
    """Depth: removed blocks."""
    keep_shortcuts: bool
    """Depth: whether the shortcut convolutions of removed blocks stayed."""
    include: Sequence[str]
    """Globs of what to prune; all where there is none."""
    exclude: Sequence[str]
    """Globs of what stays as it is."""
    recover_blocks: int
    """Training steps of each block after it was pruned."""
    chosen: Sequence[str]
    """Layers, groups or blocks that the globs left to the method."""
    left_out: Mapping[str, str]
    """Structured: parts of the model whose units cannot be removed exactly, with the reason. Unstructured: layers that
    no method prunes."""
    before: Cost
    after: Cost
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    """Where the calibration data comes from, as ``Calibration.about`` says."""
    versions: Mapping[str, str] = field(
        default_factory=lambda: {"python": platform.python_version(), "torch": torch.__version__}
    )

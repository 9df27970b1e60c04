"""The rows of the result files, as they are written and the site reads them; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PIPELINE_RESULTS = Path(__file__).parents[1] / "results" / "miniature-pruned.json"
"""Rows of the miniature pipeline."""


@dataclass(frozen=True)
class TableRow:
    """A model of the testbed after one method with one seed.

    Units: losses and distances have none; bytes; seconds of one thread.
    """

    model: str
    method: str | None
    """None: the dense model."""
    kind: str | None
    sparsity: float
    """As asked."""
    achieved: float
    """Mean over layers, groups, or of the blocks."""
    pattern: str | None
    seed: int
    recovery_steps: int
    held_out_loss: float
    drift: float | None
    class_accuracy: float
    frechet_distance: float
    parameters: int
    nonzero: int
    macs: int
    macs_nonzero: int
    bytes: int
    """Of a file in half precision, every number stored."""
    bytes_packed: int
    """The same without the zeros, with a bitmask of their positions; see ``packed``."""
    prune_seconds: float
    recover_seconds: float
    keep_shortcuts: bool = False
    """Depth pruning of the U-Net: the shortcut convolutions of removed blocks stayed."""


@dataclass(frozen=True)
class NoiseRow:
    """Metrics of one model with noise of another seed: the spread of each metric by itself."""

    model: str
    method: str | None
    """None: the dense model."""
    seed: int
    held_out_loss: float
    drift: float | None
    class_accuracy: float
    frechet_distance: float


@dataclass(frozen=True)
class CombinationRow:
    """Pruning combined with another technique, measured with one seed."""

    model: str
    claim: str
    """The claim of the introduction that it belongs to: samplers, quantization, distillation or search; or scope:
    whether weights are compared within a layer or within an output row, in which the methods of the table differ."""
    pruning: str
    """dense, or method and sparsity."""
    combined_with: str
    seed: int
    held_out_loss: float
    distance: float
    class_accuracy: float
    frechet_distance: float
    macs_per_picture: int
    """Of all forward passes of an image, zeros included; int8 MACs are counted like others."""
    bytes: int
    """Of a file without zeros; int8 layers one byte a weight, everything else two."""


@dataclass(frozen=True)
class Compared:
    """One number of a method here, and of the rule of its paper."""

    key: str
    """Names the difference; several rows may have the same one, as for two sparsities."""
    model: str
    """dit or unet, or words such as *random layer, 64×64*."""
    sparsity: float | None
    metric: str
    """As in *denoising loss*."""
    ours: tuple[float, ...]
    """One value for each seed; a single one where nothing is random."""
    paper: tuple[float, ...] = ()
    """The same by the rule of the paper or of the authors' code; empty where the number compares both, as in *units
    chosen alike*."""
    other: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Variants between both, by their name."""


@dataclass(frozen=True)
class RuleRow(Compared):
    """A row of ``results/paper-rules.json``."""

    method: str = ""
    seeds: tuple[int, ...] = ()
    command: str = ""
    machine: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PipelineRow:
    """The miniature pipeline after one method with one seed; a row of ``results/miniature-pruned.json``.

    Units: MSE and PSNR of pixels as ``study.pruned_pipeline`` has them, bytes, seconds of one thread.
    """

    method: str | None
    """None: the dense pipeline."""
    kind: str | None
    sparsity: float
    """As asked."""
    pattern: str | None
    calibration: str | None
    """recorded, from the pipeline's prompts, or noise; None for a data-free method."""
    seed: int
    recovery_steps: int
    mse: float | None
    """To the samples of the dense pipeline, from the same noise and prompts; None for itself."""
    psnr: float | None
    class_accuracy: float
    parameters: int
    """Of the denoiser, as all that follows."""
    nonzero: int
    macs: int
    """Of one sample in a forward pass."""
    bytes: int
    """Of its weights in half precision, every number stored."""
    bytes_packed: int
    """The same without the zeros, with a bitmask of their positions; see ``packed``."""
    prune_seconds: float
    recover_seconds: float

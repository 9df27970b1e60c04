"""The rows of the testbed's result file, as it is written and the site reads it; nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass


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

"""The rows of a result file of the benchmark, as it writes and the site reads them; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

SLACK = 0.85
"""Tolerance of a target ratio: machines differ, and are never quite idle."""


@dataclass(frozen=True, slots=True)
class KernelRow:
    """The time of one library for one layer."""

    layer: str
    pattern: str
    """unstructured, n:m, n:m x rows, or blocks of rows x columns."""
    sparsity: float
    library: str
    kind: str
    """dense, sparse (a library), csr (ours, unstructured) or shared (ours, 4×1 blocks)."""
    seconds: float
    speed_up: float
    """Over the fastest dense library of the same benchmark run."""
    share_of_peak: float
    """Fraction of peak FLOP/s; multiplications by zero are not counted."""


@dataclass(frozen=True, slots=True)
class WholeModel:
    """A model or block in one pattern, dense and with sparse layers."""

    name: str
    pattern: str
    sparsity: float
    dense_seconds: float
    sparse_seconds: float
    largest_difference: float
    """Of the outputs, relative to the largest."""
    layers: Mapping[str, int]
    """How many layers use which kernel."""

    @property
    def speed_up(self) -> float:
        """Dense over sparse."""
        return self.dense_seconds / self.sparse_seconds


@dataclass(frozen=True, slots=True)
class Goal:
    """A target and a stretch target for one number, and its measured value."""

    name: str
    must: float
    """The target."""
    aim: float
    """The stretch target."""
    measured: float | None
    """None: not part of this run."""
    at_most: bool = False
    """Less is better; such numbers have no tolerance."""

    @property
    def verdict(self) -> str:
        """In words."""
        if self.measured is None:
            return "not run"
        if self.at_most:
            return _verdict(target=self.measured <= self.must, stretch=self.measured <= self.aim)
        if self.measured >= self.must:
            return _verdict(target=True, stretch=self.measured >= self.aim)
        return "met within tolerance" if self.measured >= SLACK * self.must else "MISSED"


def _verdict(*, target: bool, stretch: bool) -> str:
    return "MISSED" if not target else "stretch target met" if stretch else "target met"


Record = TypeVar("Record", KernelRow, WholeModel, Goal)


def read(kind: type[Record], row: Mapping[str, Any]) -> Record:
    """A record from a row of the file, which also contains derived numbers.

    Raises:
        KeyError: the row lacks a field.
    """
    return kind(**{field.name: row[field.name] for field in fields(kind)})

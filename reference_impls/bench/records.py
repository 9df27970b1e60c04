"""The rows of a result file of the benchmark, as it writes and the site reads them; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

SLACK = 0.85
"""Of a ratio that must be reached: machines differ, and are never quite alone."""


@dataclass(frozen=True, slots=True)
class KernelRow:
    """What one library took for one layer."""

    layer: str
    pattern: str
    """unstructured, n:m, n:mxrows, or tiles that go together."""
    sparsity: float
    library: str
    kind: str
    """dense, sparse (a library), csr or shared (ours)."""
    seconds: float
    speed_up: float
    """Over the fastest dense rival of the same race."""
    share_of_peak: float
    """Multiply-adds that were needed, without those by zero, of what the cores could do in the time."""


@dataclass(frozen=True, slots=True)
class WholeModel:
    """A model or block in one pattern, dense and with sparse layers."""

    name: str
    pattern: str
    sparsity: float
    dense_seconds: float
    sparse_seconds: float
    largest_difference: float
    """Of the outputs, as a share of the largest."""
    layers: Mapping[str, int]
    """How many layers became what."""

    @property
    def speed_up(self) -> float:
        """Dense over sparse."""
        return self.dense_seconds / self.sparse_seconds


@dataclass(frozen=True, slots=True)
class Goal:
    """A number to be reached, and the one that was measured."""

    name: str
    must: float
    aim: float
    measured: float | None
    """None: not part of this run."""
    at_most: bool = False
    """Less is better; such numbers have no slack."""

    @property
    def verdict(self) -> str:
        """In words."""
        if self.measured is None:
            return "not run"
        if self.at_most:
            return "aim met" if self.measured <= self.aim else "met" if self.measured <= self.must else "MISSED"
        if self.measured >= self.must:
            return "aim met" if self.measured >= self.aim else "met"
        return "met within the slack" if self.measured >= SLACK * self.must else "MISSED"


Record = TypeVar("Record", KernelRow, WholeModel, Goal)


def read(kind: type[Record], row: Mapping[str, Any]) -> Record:
    """A record from a row of the file, which for people holds derived numbers too.

    Raises:
        KeyError: the row lacks a field.
    """
    return kind(**{field.name: row[field.name] for field in fields(kind)})

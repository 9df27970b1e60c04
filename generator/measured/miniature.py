"""What was measured on the miniature pipeline, read from its committed result file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.measured.methods import Spread, spreads
from reference_impls.bench.records import WholeModel
from reference_impls.methods.registry import METHODS
from reference_impls.number_format import percent
from reference_impls.study.records import PIPELINE_RESULTS, PipelineRow

HEADLINE = percent(0.5)
RECORDED, NOISE = "recorded", "noise"
"""Calibrations."""


@dataclass(frozen=True)
class PrunedPipeline:
    """The pipeline after one method, over all seeds."""

    method: str | None
    """None: the dense pipeline."""
    how: str
    """Sparsity or pattern, for people."""
    calibration: str | None
    """RECORDED or NOISE; None for a data-free method."""
    recovery_steps: int
    seeds: int
    numbers: Mapping[str, Spread]
    """By the name of the column in the result file."""

    def __getitem__(self, name: str) -> float:
        """The mean of a column."""
        return self.numbers[name].mean


@dataclass(frozen=True)
class Miniature:
    """The result file of the miniature pipeline."""

    command: str
    machine: str
    versions: Mapping[str, str]
    guidance: float
    sizes: Mapping[str, int]
    refused: Mapping[str, str]
    """Method -> why it does not run."""
    dense: PrunedPipeline
    pruned: tuple[PrunedPipeline, ...]
    kernels: tuple[WholeModel, ...]
    shown: tuple[tuple[str, str], ...]
    """Method and sparsity or pattern of each row of the samples, below those of the dense pipeline."""

    @property
    def seeds(self) -> int:
        """Of everything random."""
        return max(row.seeds for row in self.pruned)

    def one_shot(self, method: str) -> dict[str, dict[str | None, PrunedPipeline]]:
        """The rows of a method without recovery: sparsity or pattern -> calibration -> row."""
        found: dict[str, dict[str | None, PrunedPipeline]] = defaultdict(dict)
        for row in self.pruned:
            if row.method == method and not row.recovery_steps:
                found[row.how][row.calibration] = row
        return dict(found)

    def recovered(self) -> list[tuple[PrunedPipeline, PrunedPipeline]]:
        """Each pipeline that was recovered: before, with the same calibration, and after."""
        after = [row for row in self.pruned if row.recovery_steps]
        return [(self.one_shot(row.method or "")[row.how][row.calibration], row) for row in after]

    def compared(self) -> list[tuple[PrunedPipeline, PrunedPipeline]]:
        """Each method and sparsity with calibration: on recorded forward passes, and on noise."""
        pairs = [one for method in METHODS for one in self.one_shot(method).values()]
        return [(one[RECORDED], one[NOISE]) for one in pairs if RECORDED in one and NOISE in one]


def apart(one: PrunedPipeline, other: PrunedPipeline, column: str) -> bool:
    """Whether two means over several seeds differ by more than the sum of their standard deviations."""
    a, b = one.numbers[column], other.numbers[column]
    return min(one.seeds, other.seeds) > 1 and abs(a.mean - b.mean) > a.deviation + b.deviation


def load_miniature(file: Path = PIPELINE_RESULTS) -> Miniature:
    """The result file of the miniature pipeline as records, means and ranges over the seeds."""
    record = json.loads(file.read_text(encoding="utf-8"))
    by_way: dict[tuple[str | None, str, str | None, int], list[PipelineRow]] = defaultdict(list)
    for row in (PipelineRow(**fields) for fields in record["rows"]):
        by_way[row.method, row.pattern or percent(row.sparsity), row.calibration, row.recovery_steps].append(row)
    every = [_pruned(*way, rows) for way, rows in by_way.items()]
    return Miniature(
        record["command"],
        record["machine"],
        record["versions"],
        record["guidance"],
        record["sizes"],
        record["refused"],
        next(one for one in every if one.method is None),
        tuple(one for one in every if one.method is not None),
        tuple(WholeModel(**fields) for fields in record["kernels"]),
        tuple((job["method"], job["pattern"] or HEADLINE) for job in record["shown"]),
    )


def _pruned(
    method: str | None, how: str, calibration: str | None, steps: int, rows: Sequence[PipelineRow]
) -> PrunedPipeline:
    return PrunedPipeline(method, how, calibration, steps, len(rows), spreads(rows))

"""What reference_impls measured, read from its committed result file; every number of the method pages is from here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import reference_impls
from reference_impls.methods.registry import METHODS
from reference_impls.number_format import percent
from reference_impls.study.records import CombinationRow, NoiseRow, PipelineRow, TableRow

PACKAGE = Path(reference_impls.__file__).parent
MODEL_NAMES = {"dit": "DiT, digits 8×8", "unet": "U-Net, MNIST 16×16"}
"""Models of the testbed, in the order of the pages."""
NOISY = ("held_out_loss", "loss_ratio", "drift", "class_accuracy", "frechet_distance")


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over the seeds."""

    mean: float
    low: float
    high: float
    deviation: float
    """Standard deviation; 0 for one seed."""


@dataclass(frozen=True)
class Setting:
    """One method on one model at one sparsity, over all seeds."""

    model: str
    method: str | None
    """None: the dense model."""
    sparsity: float
    pattern: str | None
    recovery_steps: int
    keep_shortcuts: bool
    """Depth pruning of the U-Net: the shortcut convolutions of removed blocks stayed."""
    seeds: int
    numbers: Mapping[str, Spread]
    """By the name of the column in the result file."""

    @property
    def how(self) -> str:
        """The sparsity or the pattern, for people."""
        return self.pattern or percent(self.sparsity)

    def __getitem__(self, name: str) -> float:
        """The mean of a column."""
        return self.numbers[name].mean


@dataclass(frozen=True)
class Noise:
    """How much a model's numbers vary with the noise they are measured with."""

    model: str
    pruned: bool
    """Whether it is the pruned one, whose method is deterministic, or the dense one."""
    repeats: int
    deviations: Mapping[str, float]
    """Standard deviation of each column; of ``loss_ratio`` too: the pruned model's loss over the dense one's that
    was measured with the same noise."""


@dataclass(frozen=True)
class Combined:
    """A row of what pruning was combined with, over all seeds."""

    model: str
    claim: str
    pruning: str
    combined_with: str
    seeds: int
    numbers: Mapping[str, Spread]

    def __getitem__(self, name: str) -> float:
        """The mean of a column."""
        return self.numbers[name].mean


@dataclass(frozen=True)
class Measured:
    """The result file."""

    command: str
    cpu: str
    versions: Mapping[str, str]
    settings: tuple[Setting, ...]
    combined: tuple[Combined, ...]
    noise: tuple[Noise, ...]
    budgets: Mapping[str, Mapping[str, int]]
    """By model: how many images, samples and steps are behind a row."""
    remeasured: tuple[Mapping[str, str], ...]
    """Rows that are not of that run: which, why, and on which cpu."""

    @cached_property
    def dense(self) -> Mapping[str, Setting]:
        """The dense models."""
        return {setting.model: setting for setting in self.settings if setting.method is None}

    def of(self, method: str, *, keep_shortcuts: bool = False) -> tuple[Setting, ...]:
        """All settings of a method, as its paper removes blocks or with kept shortcuts: by model, one-shot first."""
        return tuple(s for s in self.settings if s.method == method and s.keep_shortcuts == keep_shortcuts)

    def find(self, model: str, method: str, how: str, *, recovered: bool = False) -> Setting | None:
        """One setting, if it was measured."""
        return next(
            (s for s in self.of(method) if s.model == model and s.how == how and bool(s.recovery_steps) == recovered),
            None,
        )


def load_measured(file: Path = PACKAGE / "results" / "testbed.json") -> Measured:
    """The result file as records, means and ranges over the seeds."""
    record = json.loads(file.read_text(encoding="utf-8"))
    by_setting: dict[tuple[str, str | None, float, str | None, int, bool], list[TableRow]] = defaultdict(list)
    for row in (TableRow(**fields) for fields in record["rows"]):
        by_setting[row.model, row.method, row.sparsity, row.pattern, row.recovery_steps, row.keep_shortcuts].append(row)
    settings = [
        Setting(model, method, sparsity, pattern, steps, kept, len(rows), spreads(rows))
        for (model, method, sparsity, pattern, steps, kept), rows in by_setting.items()
    ]
    names, models = list(METHODS), list(MODEL_NAMES)
    settings.sort(
        key=lambda s: (
            names.index(s.method) if s.method else -1,
            models.index(s.model),
            s.recovery_steps,
            s.pattern is not None,
            s.sparsity,
        )
    )
    by_case: dict[tuple[str, str, str, str], list[CombinationRow]] = defaultdict(list)
    for case in (CombinationRow(**fields) for fields in record["combinations"]):
        by_case[case.model, case.claim, case.pruning, case.combined_with].append(case)
    combined = [
        Combined(model, claim, pruning, combined_with, len(rows), spreads(rows))
        for (model, claim, pruning, combined_with), rows in by_case.items()
    ]
    noise = tuple(_noise([NoiseRow(**fields) for fields in record["noise"]]))
    return Measured(
        record["command"],
        record["machine"]["cpu"],
        record["versions"],
        tuple(settings),
        tuple(combined),
        noise,
        record["budgets"],
        tuple(record.get("remeasured", ())),  # a run that is whole has none
    )


def _noise(rows: Sequence[NoiseRow]) -> Iterator[Noise]:
    dense = {(row.model, row.seed): row.held_out_loss for row in rows if row.method is None}
    by_model: dict[tuple[str, bool], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        ratio = row.held_out_loss / dense[row.model, row.seed]
        by_model[row.model, row.method is not None].append({**asdict(row), "loss_ratio": ratio})
    for (model, pruned), same in by_model.items():
        columns = {name: [row[name] for row in same] for name in NOISY if same[0][name] is not None}
        yield Noise(model, pruned, len(same), {name: stdev(values) for name, values in columns.items()})


def spreads(rows: Iterable[TableRow | CombinationRow | PipelineRow]) -> dict[str, Spread]:
    """Mean and range of each column of numbers over some rows."""
    columns: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in asdict(row).items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                columns[name].append(value)
    return {name: _spread(values) for name, values in columns.items()}


def _spread(values: Sequence[float]) -> Spread:
    return Spread(mean(values), min(values), max(values), stdev(values) if len(values) > 1 else 0.0)


KNOWN_AS: Mapping[str, str] = {
    "random": "Random pruning",
    "magnitude": "Magnitude pruning",
    "random-units": "Random pruning",
    "magnitude-units": "Magnitude pruning",
    "taylor": "Taylor pruning",
}
"""What the field calls a method whose paper gives it no name. The others are called as their paper is."""

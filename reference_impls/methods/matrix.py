"""What runs on which class of diffusers: rows that a command measured; nothing here imports torch.

``tests/benchmarks/bench_matrix.py`` prunes a tiny random model of each configuration by each method.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "results" / "matrix.json"
WORKS = "works"
RECORDED = "recorded from "


@dataclass(frozen=True)
class Case:
    """One configuration, pruned by one method."""

    configuration: str
    """The model that has such a configuration."""
    kind: str
    """Its class in diffusers."""
    calls: str
    """How the forward passes of its calibration were made: ``recorded from`` and the class of a pipeline, or why they
    were not. Methods that need none were not given them."""
    method: str
    setting: str
    """A sparsity or a pattern."""
    outcome: str
    """``works``, or the line by which it was refused."""


def read_cases(file: Path = FILE) -> tuple[Case, ...]:
    """The rows of the result file; none where there is no file."""
    if not file.is_file():
        return ()
    return tuple(Case(**row) for row in json.loads(file.read_text(encoding="utf-8"))["rows"])


@dataclass(frozen=True)
class Runs:
    """Where one method runs."""

    works: tuple[str, ...]
    """Configurations on which it works at every setting."""
    refused: tuple[tuple[str, tuple[str, ...]], ...]
    """Reason -> configurations that it is refused on."""
    calls: tuple[tuple[str, tuple[str, ...]], ...]
    """How forward passes were made -> configurations on which it works with them."""

    @property
    def configurations(self) -> int:
        """How many were tried."""
        return len(self.works) + sum(len(names) for _, names in self.refused)

    @property
    def recorded(self) -> int:
        """On how many it works with forward passes that were recorded from a pipeline."""
        return sum(len(names) for how, names in self.calls if how.startswith(RECORDED))

    @property
    def given(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Why forward passes were not recorded -> configurations on which it works with given ones."""
        return tuple((how, names) for how, names in self.calls if not how.startswith(RECORDED))


def runs_of(cases: Iterable[Case]) -> Runs:
    """Where the method of some cases runs; they are all of one method."""
    first: dict[str, str] = {}
    calls: dict[str, str] = {}
    for case in cases:
        calls[case.configuration] = case.calls
        if first.get(case.configuration, WORKS) == WORKS:
            first[case.configuration] = case.outcome
    works = [name for name, outcome in first.items() if outcome == WORKS]
    refused = _by_value({name: outcome for name, outcome in first.items() if outcome != WORKS})
    return Runs(tuple(works), refused, _by_value({name: calls[name] for name in works}))


def _by_value(values: Mapping[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each value, with the names that have it."""
    different = dict.fromkeys(values.values())
    return tuple((value, tuple(name for name, own in values.items() if own == value)) for value in different)

"""What runs on which class of diffusers: rows that a command measured; nothing here imports torch.

``tests/benchmarks/bench_matrix.py`` prunes a tiny random model of each configuration by each method.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "results" / "matrix.json"
WORKS = "works"


@dataclass(frozen=True)
class Case:
    """One configuration, pruned by one method."""

    configuration: str
    """The model that has such a configuration."""
    kind: str
    """Its class in diffusers."""
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

    @property
    def configurations(self) -> int:
        """How many were tried."""
        return len(self.works) + sum(len(names) for _, names in self.refused)


def runs_of(cases: Iterable[Case]) -> Runs:
    """Where the method of some cases runs; they are all of one method."""
    first: dict[str, str] = {}
    for case in cases:
        if first.get(case.configuration, WORKS) == WORKS:
            first[case.configuration] = case.outcome
    reasons = dict.fromkeys(outcome for outcome in first.values() if outcome != WORKS)
    refused = ((reason, tuple(name for name, outcome in first.items() if outcome == reason)) for reason in reasons)
    return Runs(tuple(name for name, outcome in first.items() if outcome == WORKS), tuple(refused))

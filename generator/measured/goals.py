"""What pruning real models needs in memory and time, read from its committed file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

from generator.measured.methods import PACKAGE

FILE = PACKAGE / "results" / "stream.json"


@dataclass(frozen=True, slots=True)
class GoalRow:
    """One measured number."""

    run: str
    what: str
    value: float
    unit: str
    bound: str
    """at most, or at least."""
    goal: float
    aim: float
    met: str
    """The verdict, in words."""
    load_average: float | None
    """Before the run; None: not noted."""
    command: str
    machine: Mapping[str, str | int]
    versions: Mapping[str, str]


def goals_by_command(file: Path = FILE) -> dict[str, list[GoalRow]]:
    """The rows of each command."""
    names = [one.name for one in fields(GoalRow)]
    rows = [GoalRow(**{name: row[name] for name in names}) for row in json.loads(file.read_text("utf-8"))["rows"]]
    return {command: list(own) for command, own in groupby(rows, lambda row: row.command)}

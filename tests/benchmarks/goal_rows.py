"""Measured goals of pruning real models: one row a number, in one committed file that the page of the methods shows."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from reference_impls.bench.records import Goal
from reference_impls.files.machine import cpu_name
from reference_impls.files.outputs import write_rows
from reference_impls.models.diffusers_package import diffusers_package

RESULT = Path(__file__).resolve().parents[2] / "reference_impls" / "results" / "stream.json"


def row_of(run: str, goal: Goal, unit: str, **about: Any) -> dict[str, Any]:
    """What was run, what was measured of it, and whether that is what was wanted."""
    bound = "at most" if goal.at_most else "at least"
    measured = None if goal.measured is None else round(goal.measured, 2)
    numbers = {"value": measured, "unit": unit, "bound": bound, "goal": round(goal.must, 2), "aim": goal.aim}
    return {"run": run, "what": goal.name, **numbers, "met": goal.verdict, **about}


def write(command: str, load: float, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the rows of a command; ``load`` is the mean load of the machine before it."""
    about = {
        "load_average": round(load, 1),
        "command": command,
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": 1},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers_package().__version__,
        },
    }
    before = json.loads(RESULT.read_text(encoding="utf-8"))["rows"] if RESULT.is_file() else []
    others = [row for row in before if row["command"] != command]
    write_rows({"rows": sorted([*others, *({**row, **about} for row in rows)], key=_command)}, RESULT)


def _command(row: Mapping[str, Any]) -> str:
    return str(row["command"])

"""Methods measured beside the rules of their papers: the rows of ``results/paper-rules.json``, and their words.

Nothing here imports torch: the site's generator and ``show`` read the same rows and print the same words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from reference_impls.number_format import percent, thousands
from reference_impls.study.records import RuleRow

RESULTS = Path(__file__).parents[1] / "results" / "paper-rules.json"
SHORT_NAMES = {"dit": "DiT", "unet": "U-Net"}


def read_rows(file: Path = RESULTS) -> tuple[RuleRow, ...]:
    """The rows of a result file."""
    return tuple(_row(fields) for fields in json.loads(file.read_text(encoding="utf-8"))["rows"])


def _row(fields: Mapping[str, Any]) -> RuleRow:
    """Tuples where JSON has lists."""
    lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("ours", "paper", "seeds")}
    other = {name: tuple(values) for name, values in fields["other"].items()}
    return RuleRow(**{**fields, **lists, "other": other})


def consequence(row: RuleRow) -> str:
    """What a row says, as in *Denoising loss, DiT, 50%: 0.2641 ± 0.0012 here, 0.2650 by the paper's rule*.

    A number that compares both, without one of the paper's rule, is a fraction and is given in percent.
    """
    where = [SHORT_NAMES.get(row.model, row.model)]
    if row.sparsity is not None:
        where.append(percent(row.sparsity))
    metric = row.metric[:1].upper() + row.metric[1:]
    head = f"{metric}, {', '.join(where)}: "
    if not row.paper:
        return head + _spread([100 * value for value in row.ours], 1, "%")
    digits = _digits([*row.ours, *row.paper])
    others = (f"; {_spread(values, digits)} {name}" for name, values in row.other.items())
    return f"{head}{_spread(row.ours, digits)} here, {_spread(row.paper, digits)} by the paper's rule{''.join(others)}"


def _spread(values: Sequence[float], digits: int, unit: str = "") -> str:
    """The mean, and the standard deviation of more than one value."""
    middle = f"{thousands(mean(values), digits)}{unit}"
    return f"{middle} ± {thousands(stdev(values), digits)}{unit}" if len(values) > 1 else middle


def _digits(values: Sequence[float]) -> int:
    if all(float(value).is_integer() for value in values):
        return 0
    largest = max(map(abs, values))
    return 4 if largest < 10 else 1

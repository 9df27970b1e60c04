"""What is printed at eighty columns: nothing is cut, and every number stands there."""

import json
from dataclasses import replace
from functools import cache

import pytest
import rich.progress
import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from typer.testing import CliRunner

from reference_impls.architectures import registry
from reference_impls.architectures.counts import Checked
from reference_impls.command_line import terminal
from reference_impls.command_line.commands import app
from reference_impls.command_line.testbed_models import counted_images
from reference_impls.methods.registry import KIND_NAMES, METHODS, NEEDS_NAMES
from reference_impls.number_format import si
from reference_impls.study.records import TableRow
from reference_impls.study.table import RESULTS
from reference_impls.testbed.metrics import Quality

CHOSEN = registry.chosen(None)


@cache
def rows() -> list[TableRow]:
    """Those of the committed table."""
    return [TableRow(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]]


def printed(*tables: Table, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        for table in tables:
            console.print(table)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in captured.get()
    return lines


def test_methods() -> None:
    lines = printed(terminal.methods())
    for name, method in METHODS.items():
        first = NEEDS_NAMES[method.needs].split()[0]
        (line,) = (line for line in lines if line.split()[:2] == [name, first])
        assert f" {' '.join(method.summary.split()[:3])} " in line
    assert [line.strip() for line in lines if line.strip() in KIND_NAMES.values()] == list(KIND_NAMES.values())


def test_rows_of_all_methods() -> None:
    lines = printed(*terminal.rows(rows()))
    settings = {
        (row.model, row.method, row.pattern, row.sparsity, row.recovery_steps, row.keep_shortcuts) for row in rows()
    }
    models = {row.model for row in rows()}
    assert len(lines) == len(settings) + 3 * len(models)  # a title, names of columns and a line for each model


def test_rows_are_means_over_the_seeds() -> None:
    row = replace(rows()[0], model="dit", method="wanda", sparsity=0.5, pattern=None, recovery_steps=50, seed=0)
    row = replace(row, held_out_loss=0.1, drift=0.2, class_accuracy=0.9, frechet_distance=10.0)
    row = replace(row, nonzero=600_000, bytes_packed=1_500_000, macs=15_000_000)
    one = replace(row, prune_seconds=1.0, recover_seconds=2.0)
    two = replace(one, held_out_loss=0.3, drift=0.4, frechet_distance=1190.0, recover_seconds=4.0, seed=1)
    numbers = ["0.2000", "0.3000", "0.900", "600.0", "600", "1,500", "15.0", "4.0"]
    assert printed(*terminal.rows([one, two]))[-1].split() == ["wanda", "50%", "50", *numbers]
    assert printed(*terminal.rows([one, two], of_one_method=True))[-1].split() == ["50%", "50", *numbers]


def test_the_dense_model_has_no_drift() -> None:
    line = next(line for line in printed(*terminal.rows(rows(), of_one_method=True)) if line.startswith("dense"))
    assert line.split()[3] == "–"


def test_published_counts() -> None:
    tables = list(terminal.published(CHOSEN))
    lines = printed(*tables)
    text = "".join("".join(lines).split())
    for name, architecture in CHOSEN.items():
        assert name in text
        for count in architecture.counts:
            assert si(count.value).replace(" ", "") in text
    assert [table.title for table in tables] == list(CHOSEN)


def test_checked_counts() -> None:
    for name, architecture in CHOSEN.items():
        lines = printed(terminal.checked(CHOSEN, name, [Checked(one, one.value) for one in architecture.counts]))
        assert lines[0].strip() == name
        for one, line in zip(architecture.counts, lines[1:], strict=True):
            agrees = f"to {one.tolerance * 100:g}%" if one.tolerance else "exactly"
            assert line.strip().startswith(one.what)
            assert line.split()[len(one.what.split()) :] == [f"{one.value:,}"] * 2 + agrees.split()
    wrong = Checked(CHOSEN["sd-1.4"].counts[0], 5)
    assert printed(terminal.checked(CHOSEN, "sd-1.4", [wrong]))[1].split()[-1] == "WRONG"


def test_qualities_of_a_large_model() -> None:
    quality = Quality(0.5, 0.25, 0.9, 1234.5, 400, 10)
    lines = printed(terminal.qualities(("dense", "pruned"), quality, quality))
    assert [line.split()[-1] for line in lines[2:]] == ["0.5000", "0.2500", "0.900", "1234.50"]


def test_a_bar_counts_the_images_of_a_model_and_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(rich.progress.Progress, "update", lambda self, task, *, completed, **_: told.append(completed))
    model = nn.Linear(2, 2)
    with counted_images(model, "counting", 5):
        model(torch.zeros(3, 2))
        model(torch.zeros(2, 2))
    assert told == [3, 5]
    model(torch.zeros(1, 2))
    assert told == [3, 5]


def test_source_is_wrapped_at_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.console, "width", 80)
    said = CliRunner().invoke(app, ["show", "wanda", "--source"]).output
    assert max(map(len, said.splitlines())) <= 80
    source = (RESULTS.parents[1] / "methods/wanda.py").read_text(encoding="utf-8")
    assert "".join(source.split()) in "".join(said.split())

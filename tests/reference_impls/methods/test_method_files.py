"""Every method's file says what it is in the same fields, runs as it says, and shows what it does when it is run."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from reference_impls.command_line import demo
from reference_impls.command_line.commands import app
from reference_impls.methods.described import SECTIONS, describe
from reference_impls.methods.prune import FUNCTIONS, calibration_for
from reference_impls.methods.registry import METHODS
from reference_impls.testbed.data import load
from tests.reference_impls.small_models import small

ROOT = Path(__file__).parents[3]
FILES: dict[str, list[str]] = {}
for _name in METHODS:
    FILES.setdefault(Path(describe(_name).file).stem, []).append(_name)
MOST_LINES = 150


def test_every_file_but_the_shared_steps_is_a_method() -> None:
    found = {file.stem for file in (ROOT / "reference_impls/methods").glob("*.py")}
    assert found - FILES.keys() == {"__init__", "described", "differences", "matrix", "prune", "registry"}
    assert FILES["obs_diff"] == ["obs-diff", "obs-diff-units"]


def test_every_method_has_its_function_in_its_file() -> None:
    assert list(FUNCTIONS) == list(METHODS)
    modules = {name: function.__module__ for name, function in FUNCTIONS.items()}
    assert modules == {name: f"reference_impls.methods.{method.file}" for name, method in METHODS.items()}


@pytest.mark.parametrize("file", FILES)
def test_every_field_is_there(file: str) -> None:
    described = describe(FILES[file][0])
    assert list(described.sections) == [section.rstrip(":") for section in SECTIONS]
    assert all(described.sections.values())
    assert re.fullmatch(r".+ -> .+ Cost  .+\.", described.sections["Shapes"])
    assert described.sections["Raises"].startswith("ValueError ")
    assert len(described.source.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("name", METHODS)
def test_the_title_names_the_paper_and_the_place_in_it(name: str) -> None:
    paper, title = METHODS[name].paper, describe(name).title
    if paper is None:
        assert "arXiv" not in title
        return
    (entry,) = ROOT.glob(f"data/papers/*/{paper}.yaml")
    arxiv = re.search(r'^arxiv: "([0-9.]+)"$', entry.read_text("utf-8"), re.MULTILINE)
    assert arxiv is not None
    assert re.search(rf"\b{re.escape(arxiv[1])}, ((section )?[0-9.]+|Alg\. 1)", title)


@pytest.mark.parametrize("file", FILES)
def test_run_is_what_the_command_line_takes(file: str) -> None:
    lines = describe(FILES[file][0]).sections["Run"].split("python -m reference_impls ")[1:]
    assert len(lines) == len(FILES[file])
    for name, line in zip(FILES[file], lines, strict=True):
        how = "--pattern 2:4" if METHODS[name].pattern_only else "--sparsity 0.5"
        assert line.strip() == f"prune --method {name} --model dit {how} --out build/{name}"
        command, *words = line.split()
        group: Any = typer.main.get_command(app)
        parsed = group.commands[command].make_context(command, words)
        assert parsed.params["method"] == name
        assert parsed.params["out"] == Path(f"build/{name}")


@pytest.mark.parametrize("name", ["wanda", "taylor", "shortgpt", "sparsedm"])
def test_the_demo_shows_the_losses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training, held_out = load("digits")
    monkeypatch.setattr(demo, "calibration_for", partial(calibration_for, steps=3))
    monkeypatch.setattr(demo, "shipped", lambda model: (small("dit"), training, held_out.first(20)))
    done = CliRunner().invoke(app, ["demo", name])
    assert done.exit_code == 0, done.output
    head, *lines = done.output.splitlines()
    assert head.split() == ["DiT,", "digits", "denoising", "loss", "(held-out)"]
    shown = [line.rsplit(maxsplit=1) for line in lines]
    assert [what.strip() for what, _ in shown] == [
        "dense",
        f"{name}, {'2:4' if METHODS[name].pattern_only else '50%'}",
    ]
    assert len({loss for _, loss in shown}) == len(shown)


def test_the_demo_of_an_unknown_method() -> None:
    done = CliRunner().invoke(app, ["demo", "magnitud"])
    assert done.exit_code == 2
    assert "unknown method 'magnitud'; did you mean magnitude?" in done.output

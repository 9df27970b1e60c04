"""The command line as a person meets it: a pruned model on disk, and one clear line for each mistake."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from reference_impls import saved
from reference_impls.cli import app
from reference_impls.registry import METHODS

RUNNER = CliRunner()
EMPTY = json.dumps({"model": "dit", "report": {}, "changes": {"kept": {}, "dropped": []}})


def run(*words: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_list_names_every_method() -> None:
    code, said = run("list")
    assert code == 0
    assert all(name in said for name in METHODS)


def test_prune_then_eval(tmp_path: Path) -> None:
    out = tmp_path / "pruned"
    code, said = run("prune", "--method", "magnitude", "--pattern", "2:4", "--out", str(out), "--samples", "20")
    assert code == 0, said
    assert "not faster" in said
    card = json.loads((out / "config.json").read_text())
    assert card["report"]["method"] == "magnitude"
    assert card["report"]["pattern"] == "2:4"
    held = saved.load(out)
    assert held.name == "dit"
    assert sum(int(value.count_nonzero()) for value in held.model.parameters()) == card["report"]["after"]["nonzero"]
    with Image.open(out / "samples.png") as picture:
        assert picture.size == (320, 320)
    code, said = run("eval", str(out), "--samples", "20")
    assert code == 0
    assert f"{card['quality']['held_out_loss']:.4f}" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sparsity", "-0.1"], "sparsity -0.1 is not a number from 0 to 1"),
        (["--sparsity", "NaN"], "sparsity nan is not a number from 0 to 1"),
        (["--sparsity", "0.5x"], "sparsity '0.5x' is not a number from 0 to 1"),
        (["--pattern", "5:4"], "pattern 5:4 does not keep 1 to 4 of 4"),
        (["--pattern", "2:500"], "pattern 2:500 does not fit rows of"),
        (["--sparsity", "0.5", "--scope", "planet"], "scope 'planet' is not one of layer, row, global"),
        (["--sparsity", "0.5", "--model", "sdxl"], "model 'sdxl' is not one of dit, unet, nor a folder"),
        (["--sparsity", "0.5", "--method", "magic"], "method 'magic' is not one of random, magnitude"),
        (["--pattern", "2:4", "--method", "taylor"], "pattern 2:4 is for single weights; give a sparsity"),
        (["--sparsity", "0.5", "--scope", "row", "--method", "taylor"], "units are compared within their group only"),
        (["--pattern", "2:4", "--method", "shortgpt"], "pattern 2:4 is for single weights; give a sparsity"),
        (["--sparsity", "0.5", "--method", "sparsedm"], "sparsedm makes n:m patterns only; give a pattern, such as"),
        ([], "give either a sparsity or a pattern"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tmp_path: Path, words: list[str], told: str) -> None:
    code, said = run("prune", "--method", "magnitude", "--out", str(tmp_path / "out"), *words)
    assert code == 2
    assert told in said
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    code, said = run("prune", "--method", "magnitude", "--sparsity", "0.5", "--out", str(tmp_path))
    assert code == 2
    assert "exists" in said
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(EMPTY)
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    code, said = run("eval", str(tmp_path))
    assert code == 2
    assert "does not hold the weights of dit" in said


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(EMPTY)
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="does not hold the weights of dit"):
        saved.load(tmp_path)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    code, said = run("eval", str(tmp_path))
    assert code == 2
    assert "is not there; give a folder that" in said


def test_prune_twice_recover_eval(tmp_path: Path) -> None:
    """Units, then blocks: the folder of the second holds what both took out, and recovery keeps it out."""
    one, two, three = (str(tmp_path / name) for name in ("one", "two", "three"))
    few = ("--samples", "20")
    code, said = run("prune", "--method", "magnitude-units", "--sparsity", "0.5", "--out", one, *few)
    assert code == 0, said
    assert "48% less in any runtime" in said
    code, said = run("prune", "--model", one, "--method", "shortgpt", "--sparsity", "0.25", "--out", two, *few)
    assert code == 0, said
    held = saved.load(Path(two))
    assert len(held.changes.dropped) == 2
    assert len(held.changes.kept) == 2 * 6
    code, said = run("recover", two, "--steps", "3", "--features", "normalised", "--out", three, *few)
    assert code == 0, said
    again = saved.load(Path(three))
    assert again.changes == held.changes
    assert json.loads((tmp_path / "three/config.json").read_text())["recovery"]["steps"] == 3


def test_units_pruned_twice_are_numbered_as_in_the_dense_model(tmp_path: Path) -> None:
    one, two = (str(tmp_path / name) for name in ("one", "two"))
    run("prune", "--method", "random-units", "--sparsity", "0.5", "--out", one, "--samples", "10")
    run("prune", "--model", one, "--method", "random-units", "--sparsity", "0.5", "--out", two, "--samples", "10")
    first, second = (saved.load(Path(folder)).changes.kept for folder in (one, two))
    assert len(second["blocks.0.feed_forward"]) == 96
    assert set(second["blocks.0.feed_forward"]) < set(first["blocks.0.feed_forward"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--features", "fancy"], "features 'fancy' is not one of none, plain, normalised"),
        (["--features", "plain", "--no-teacher"], "features 'plain' need a teacher; leave --no-teacher out"),
        ([], "is not there; give a folder that `prune --out` wrote"),
    ],
)
def test_a_recovery_that_cannot_be(tmp_path: Path, words: list[str], told: str) -> None:
    code, said = run("recover", str(tmp_path), "--out", str(tmp_path / "out"), *words)
    assert code == 2
    assert told in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kept": {"blocks.9.attention": [0]}, "dropped": []}, "'blocks.9.attention' is not a group of units"),
        ({"kept": {"blocks.0.attention": [9]}, "dropped": []}, "[9] are not different units of 0 to 3"),
        ({"kept": {"blocks.0.attention": ["0"]}, "dropped": []}, "are not a list of whole numbers"),
        ({"kept": {}, "dropped": ["head"]}, "'head' is not a block of this model"),
    ],
)
def test_a_folder_whose_changes_cannot_be(tmp_path: Path, changes: dict, told: str) -> None:  # type: ignore[type-arg]
    (tmp_path / "config.json").write_text(json.dumps({"model": "dit", "report": {}, "changes": changes}))
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    code, said = run("eval", str(tmp_path))
    assert code == 2
    assert told in said


def test_show_prints_source_and_rows() -> None:
    code, said = run("show", "wanda")
    assert code == 0
    assert "Sun et al., 2023" in said
    code, said = run("show", "magic")
    assert code == 2
    assert "method 'magic' is not one of" in said


@pytest.mark.slow
def test_table_quick(tmp_path: Path) -> None:
    out = tmp_path / "quick.json"
    code, said = run("table", "--quick", "--out", str(out), "--workers", "1")
    assert code == 0, said
    rows = json.loads(out.read_text())["rows"]
    assert {row["method"] for row in rows} == {None, *METHODS}
    assert list(tmp_path.iterdir()) == [out]

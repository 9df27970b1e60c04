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
    name, model = saved.load(out)
    assert name == "dit"
    assert sum(int(value.count_nonzero()) for value in model.parameters()) == card["report"]["nonzero"]
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
        (["--sparsity", "0.5", "--model", "sdxl"], "model 'sdxl' is not one of dit, unet"),
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
    (tmp_path / "config.json").write_text('{"model": "dit"}')
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    code, said = run("eval", str(tmp_path))
    assert code == 2
    assert "does not hold the weights of dit" in said


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": "dit"}')
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="does not hold the weights of dit"):
        saved.load(tmp_path)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    code, said = run("eval", str(tmp_path))
    assert code == 2
    assert "is not there; give a folder that" in said

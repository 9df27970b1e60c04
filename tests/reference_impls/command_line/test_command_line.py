"""The command line as a person meets it: a pruned model on disk, and one clear line for each mistake."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from reference_impls.architectures import registry
from reference_impls.command_line import commands, terminal
from reference_impls.command_line.commands import app
from reference_impls.command_line.usage import PROGRAM
from reference_impls.methods.differences import COMPARISONS
from reference_impls.methods.registry import METHODS
from reference_impls.models import testbed_folder
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.study.paper_rules import consequence, read_rows
from reference_impls.study.recover import recover
from reference_impls.testbed import metrics
from reference_impls.testbed.data import Images, load
from reference_impls.testbed.models import pretrained
from tests.work import ENDLESS

ROOT = Path(__file__).parents[3]
RUNNER = CliRunner()
EMPTY = json.dumps({"model": "dit", "steps": [], "changes": {"kept": {}, "dropped": []}})
QUERY = "blocks.0.attention.qkv.weight"
FITS = "an m that divides 32 fits all layers"


def run(*words: str) -> str:
    """What a good command prints, without line breaks."""
    result = RUNNER.invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def error(*words: str) -> str:
    """The one line of a bad command, which prints nothing else and has exit code 2."""
    result = RUNNER.invoke(app, list(words))
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1
    return result.stderr[len("error: ") : -1]


def started(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command line in a process of its own, as a shell starts it."""
    command = [sys.executable, "-m", "reference_impls", *words]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDLESS,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["prune", "--method", "magnitude", "--out", "{out}", "--samples", "0"],
            f"Invalid value for '--samples': '0' is not a whole number from 1 to 10000. Try: {PROGRAM} prune --help",
        ),
        (["table", "--out", "."], ". is a folder; give the name of a file in it"),
        pytest.param(
            ["prune", "--method", "magnitude", "--sparsity", "-0.1", "--out", "{out}"],
            "sparsity must be between 0 and 1, not -0.1",
            marks=pytest.mark.slow,  # torch is imported
        ),
    ],
)
def test_one_line_in_a_process_of_its_own(tmp_path: Path, words: list[str], told: str) -> None:
    done = started(*(word.format(out=tmp_path / "out") for word in words))
    assert done.stderr == f"error: {told}\n"
    assert done.stdout == ""
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "unet"], "--model and --why go with --only; name the methods that are measured again"),
        (["--quick", "--only", "wanda"], "--only measures rows of the full table again; leave --quick out"),
        (["--only", "wanda"], '--only needs --why "…": the site says after «because» why rows were measured again'),
        (["--only", "wanda,bk-sdn", "--why", "x"], "unknown method 'bk-sdn'; did you mean bk-sdm?"),
        (["--only", "wanda", "--why", "x", "--model", "unett"], "unknown model 'unett'; did you mean unet?"),
    ],
)
def test_a_part_of_the_table_that_cannot_be(words: list[str], told: str) -> None:
    assert error("table", *words).startswith(told)


def test_a_pipe_gets_no_control_characters() -> None:
    done = started("list", COLUMNS="80")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_help(words: tuple[str, ...]) -> None:
    said = run(*words)
    assert said.startswith("Usage: ")
    assert all(command in said for command in ("list", "show", "prune", "recover", "eval", "table", "arch", "bench"))


def test_help_of_a_command_names_the_range() -> None:
    assert "--samples 1..10000" in run("prune", "--help")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["frob"], "No such command 'frob'."),
        (["lits"], "No such command 'lits'. Did you mean 'list'?"),
        (["--frob"], "No such option: --frob. Try: python -m reference_impls --help"),
        (["list", "more"], "Got unexpected extra argument(s) (more)"),
        (["prune", "--out", "OUT"], "Missing option '--method'."),
        (["prune", "--method", "magnitude"], "Missing option '--out'."),
        (["prune", "--method"], "Option '--method' requires an argument."),
        (["prune", "--sampels", "5"], "No such option: --sampels (Possible options: --samples, --scope, --steps)"),
        (["eval"], "Missing argument 'folder'."),
        (["eval", "OUT", "--samples", "9"], "--samples 9 is too few for the metrics of OUT; give 10 or more"),
        (["eval", "OUT", "--samples", "10001"], "Invalid value for '--samples': '10001' is not a whole number from 1"),
        (["eval", "OUT", "--samples", "5x"], "Invalid value for '--samples': '5x' is not a whole number from 1 to"),
        (["eval", "OUT", "--samples", "1e3"], "Invalid value for '--samples': '1e3' is not a whole number from 1 to"),
        (["eval", "OUT", "--samples", ""], "Invalid value for '--samples': '' is not a whole number from 1 to 10000"),
        (
            ["prune", "--method", "magnitude", "--out", "OUT", "--seed", "-1"],
            "Invalid value for '--seed': '-1' is not a whole number from 0 to 4294967295",
        ),
        (
            ["recover", "OUT", "--out", "OUT", "--steps", "0"],
            "Invalid value for '--steps': '0' is not a whole number from 1 to 100000",
        ),
        (["table", "--workers", "65"], "Invalid value for '--workers': '65' is not a whole number from 1 to 64"),
        (["bench", "--threads", "0"], "Invalid value for '--threads': '0' is not a whole number from 1 to 256"),
        (["recover", "OUT", "--out", "OUT", "--no-teach"], "No such option: --no-teach (Possible options: --no-teach"),
        (["show"], "Missing argument 'method'."),
        (["show", "magic"], "unknown method 'magic'; did you mean magnitude? See: python -m reference_impls list"),
        (["show", "zzz"], "unknown method 'zzz'; see: python -m reference_impls list"),
        (["demo", "WANDA"], "unknown method 'WANDA'; did you mean wanda? See: python -m reference_impls list"),
        (["arch", "sd15"], "unknown architecture 'sd15'; did you mean sd-1.4? See: python -m reference_impls arch"),
        (["arch", "dit-xl"], "unknown architecture 'dit-xl'; did you mean dit-xl-2? See: "),
        (
            ["arch", "sd-1.4", "--check", "--attention"],
            "--check and --attention show different tables; give one of them",
        ),
        (
            ["arch", "mochi-1", "--attention"],
            "no inputs are known for mochi-1, so its MACs cannot be counted; choose another",
        ),
        (
            ["arch", "sd-9", "--check"],
            "unknown architecture 'sd-9'; did you mean sd-1.4? See: python -m reference_impls arch",
        ),
    ],
)
def test_words_that_cannot_be(words: list[str], told: str) -> None:
    assert error(*words).replace("  ", " ").startswith(told.replace("  ", " "))
    assert not Path("OUT").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sparsity", "-0.1"], "sparsity must be between 0 and 1, not -0.1"),
        (["--sparsity", "NaN"], "sparsity must be between 0 and 1, not nan"),
        (["--sparsity", "inf"], "sparsity must be between 0 and 1, not inf"),
        (["--sparsity", "1", "--samples", "9"], "--samples 9 is too few for the metrics of dit; give 10 or more"),
        (["--sparsity", "1", "--variant", "fp16"], "dit has no variants; --variant is for folders of diffusers"),
        (
            ["--sparsity", "1", "--model", "some/model-1.5"],
            (
                "there is no folder some/model-1.5; if it is a model of the Hugging Face hub, download it first: hf "
                "download some/model-1.5 --local-dir FOLDER"
            ),
        ),
        (["--sparsity", "0.5x"], "sparsity '0.5x' is not a number from 0 to 1"),
        (["--pattern", "5:4"], "pattern 5:4 must keep 1 to 4 of 4 weights"),
        (
            ["--pattern", "2:4", "--pattern-axis", "rows"],
            "unknown pattern axis 'rows'; choose one of channels, kernel",
        ),
        (
            ["--sparsity", "0.5", "--pattern-axis", "kernel"],
            "--pattern-axis is for --pattern; give one, such as 2:4, or leave it out",
        ),
        (["--pattern", "2-4"], "pattern '2-4' is not n:m, such as 2:4, or n:m x rows, such as 2:4x4"),
        (
            ["--pattern", "2:5"],
            f"pattern 2:5 does not fit the 64 inputs of condition.time.0: 5 does not divide 64; {FITS}",
        ),
        (
            ["--pattern", "2:64", "--method", "sparsedm"],
            f"pattern 2:64 does not fit the 96 inputs of condition.time.2: 64 does not divide 96; {FITS}",
        ),
        (["--pattern", "2:4", "--sparsity", "0.5"], "give only one of --sparsity and --pattern"),
        (["--sparsity", "0.5", "--scope", "planet"], "unknown scope 'planet'; choose one of layer, row, global"),
        (
            ["--sparsity", "0.5", "--scope", "rows"],
            "unknown scope 'rows'; did you mean row? Choose one of layer, row, global",
        ),
        (
            ["--sparsity", "0.5", "--scope", "row", "--method", "magnitude-units"],
            "scope 'row' is for unstructured methods; magnitude-units compares within a group: use scope layer",
        ),
        (["--sparsity", "0.5", "--block", "4"], "block '4' is not rows x columns, such as 4x1 or 16x16"),
        (
            ["--sparsity", "0.5", "--model", "sdxl"],
            (
                "there is no folder sdxl; give one of a diffusers pipeline or of its unet or transformer, one written "
                "by `prune --out`, or dit or unet"
            ),
        ),
        (
            ["--sparsity", "0.5", "--model", "u-net"],
            "unknown model 'u-net'; did you mean unet? Choose one of dit, unet",
        ),
        (
            ["--sparsity", "0.5", "--method", "magic"],
            "unknown method 'magic'; did you mean magnitude? See: python -m reference_impls list",
        ),
        (
            ["--pattern", "2:4", "--method", "magnitude-units"],
            "magnitude-units removes heads, neurons and channels and takes --sparsity, not --pattern",
        ),
        (
            ["--pattern", "2:4", "--method", "shortgpt"],
            "shortgpt removes blocks and takes --sparsity, not --pattern",
        ),
        (
            ["--pattern", "2:4", "--scope", "row"],
            "a pattern compares scores in groups of m weights; with --pattern, leave --scope out",
        ),
        (
            ["--pattern", "2:4", "--block", "4x1"],
            "give --block or --pattern, not both; 2:4x4 is a pattern in blocks of four rows",
        ),
        (
            ["--sparsity", "0.5", "--method", "obs-diff", "--scope", "row"],
            "scope 'row' is not supported by SparseGPT and OBS-Diff; use scope layer",
        ),
        (["--method", "taylor"], "give --sparsity"),
        (
            ["--sparsity", "0.5", "--method", "sparsedm"],
            "sparsedm makes n:m patterns only; give a pattern, such as 2:4",
        ),
        ([], "give --sparsity or --pattern"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tmp_path: Path, words: list[str], told: str) -> None:
    assert error("prune", "--method", "magnitude", "--out", str(tmp_path / "new/out"), *words) == told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["prune --method magnitude --sparsity 0.5", "recover {folder}"])
@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("there", "{tmp}/there exists; choose another --out or delete it"),
        ("link", "{tmp}/link exists; choose another --out or delete it"),
        (
            "there/file/out",
            "{tmp}/there/file/out cannot be made: {tmp}/there/file is not a folder; choose another --out",
        ),
        (
            "locked/deep/out",
            "{tmp}/locked/deep/out cannot be made: {tmp}/locked may not be written to; choose another --out",
        ),
    ],
)
def test_a_place_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, out: str, told: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "locked").mkdir()
    free = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked" and free(path, mode))
    before = sorted(tmp_path.rglob("*"))
    words = command.format(folder=tmp_path).split()
    assert error(*words, "--out", str(tmp_path / out)) == told.format(tmp=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there/file").read_text() == "precious"


@pytest.mark.parametrize("command", [["table", "--quick"], ["bench", "--quick"]])
def test_a_file_that_cannot_be(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")
    told = f"{tmp_path} is a folder; give the name of a file in it"
    assert error(*command, "--out", str(tmp_path)) == told
    told = f"{tmp_path}/file/rows.json cannot be made: {tmp_path}/file is not a folder; choose another --out"
    assert error(*command, "--out", str(tmp_path / "file/rows.json")) == told
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_control_characters_of_a_name_are_told_and_not_sent(tmp_path: Path) -> None:
    (tmp_path / "red\x1b[31m\nname").mkdir()
    said = error("prune", "--method", "magnitude", "--sparsity", "1", "--out", str(tmp_path / "red\x1b[31m\nname"))
    assert said == f"{tmp_path}/red\\x1b[31m name exists; choose another --out or delete it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of the testbed on disk, as ``prune --out`` leaves it but for the picture."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "config.json").write_text(EMPTY)
    save_file(pretrained("dit").state_dict(), made / "model.safetensors")
    return made


def changed(folder: Path, name: str, value: torch.Tensor | None) -> Path:
    """Put one tensor into the file, or take it out."""
    file = folder / "model.safetensors"
    state = {key: tensor.clone() for key, tensor in load_file(file).items() if key != name}
    save_file(state if value is None else {**state, name: value}, file)
    return file


def test_wrong_shapes_are_named(folder: Path) -> None:
    file = changed(folder, QUERY, torch.zeros(3, 4))
    assert error("eval", str(folder)) == f"{file}: {QUERY} has shape (3, 4), expected (288, 96)"


def test_a_missing_tensor_is_named(folder: Path) -> None:
    file = changed(folder, QUERY, None)
    assert error("eval", str(folder)) == f"{file}: {QUERY} of shape (288, 96) is missing, which a DiT has"


def test_a_foreign_tensor_is_named(folder: Path) -> None:
    file = changed(folder, "other", torch.zeros(2))
    assert error("eval", str(folder)) == f"{file}: other of shape (2,) is no tensor of a DiT"


def test_values_that_are_not_finite_are_named(folder: Path) -> None:
    file = changed(folder, QUERY, torch.full((288, 96), torch.nan))
    assert error("eval", str(folder)) == f"{file}: {QUERY} of shape (288, 96) holds NaN or infinite values"


def test_a_pipeline_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "Kandinsky"}')
    words = ["prune", "--method", "magnitude", "--sparsity", "0.5", "--out", str(tmp_path / "out")]
    told = f"{tmp_path} holds a Kandinsky without a folder unet or transformer; give the folder of one of its models"
    assert error(*words, str(tmp_path)) == error(*words, "--model", str(tmp_path)) == told
    assert error(*words, str(tmp_path), "--model", "dit") == "give PIPELINE or --model, not both"
    (tmp_path / "model_index.json").write_text("[]")
    assert error(*words, str(tmp_path)) == f"{tmp_path}/model_index.json is not the index of a pipeline"
    assert [file.name for file in tmp_path.iterdir()] == ["model_index.json"]


@pytest.mark.parametrize("words", [["--prompts", "FILE"], ["--steps", "3"], ["--guidance", "2"]])
def test_only_a_pipeline_is_recorded(tmp_path: Path, words: list[str]) -> None:
    told = (
        "inputs are recorded from a whole pipeline, and dit is none; leave --prompts, --steps and --guidance out, or "
        "give the folder with model_index.json"
    )
    asked = ["prune", "--method", "wanda", "--sparsity", "0.5", "--out", str(tmp_path / "out")]
    assert error(*asked, *words) == told


def test_a_pickle_is_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    told = (
        f"{file} is a pickle, which could run anything and is not opened; safetensors is expected, as "
        "safetensors.torch.save_file writes it"
    )
    torch.save({"a": torch.zeros(1)}, file)
    assert error("eval", str(folder)) == told
    file.write_bytes(b"\x80\x04K\x01.")
    assert error("recover", str(folder), "--out", str(folder / "out")) == told
    assert sorted(one.name for one in folder.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("held", [b"", b"text, and no weights"])
def test_any_other_file_is_refused(folder: Path, held: bytes) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(held)
    assert error("eval", str(folder)).startswith(f"{file} is not a file of safetensors, which is expected: ")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    told = f"no config.json in {tmp_path}; give a folder written by `prune --out`"
    assert error("eval", str(tmp_path)) == told
    assert error("prune", "--model", str(tmp_path), "--method", "magnitude", "--sparsity", "0", "--out", "OUT") == told


@pytest.mark.parametrize("card", ["5", "[]", "{}", "no JSON", '{"model": "dit", "steps": [], "changes": {}}'])
def test_a_card_that_names_nothing(folder: Path, card: str) -> None:
    (folder / "config.json").write_text(card)
    assert error("eval", str(folder)) == f"{folder}/config.json does not name a model and what was done to it"


@pytest.mark.parametrize("name", ["sdxl", ["dit"], {}])
def test_a_card_of_another_model(folder: Path, name: object) -> None:
    (folder / "config.json").write_text(json.dumps({**json.loads(EMPTY), "model": name}))
    assert error("eval", str(folder)) == f"{folder}/config.json: unknown model {name!r}; choose one of dit, unet"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kept": {"blocks.9.attention": [0]}, "dropped": []}, "'blocks.9.attention' is not a group of units"),
        ({"kept": {"blocks.0.attention": [9]}, "dropped": []}, "[9] are not different units of 0 to 3"),
        ({"kept": {"blocks.0.attention": ["0"]}, "dropped": []}, "are not a list of whole numbers"),
        ({"kept": {}, "dropped": ["head"]}, "'head' is not a block of this model"),
    ],
)
def test_a_folder_whose_changes_cannot_be(folder: Path, changes: dict[str, Any], told: str) -> None:
    (folder / "config.json").write_text(json.dumps({"model": "dit", "steps": [], "changes": changes}))
    said = error("eval", str(folder))
    assert said.startswith(f"{folder}/config.json: ")
    assert told in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--features", "fancy"], "unknown features 'fancy'; choose one of none, plain, normalised"),
        (["--features", "fancy", "--no-teacher"], "unknown features 'fancy'; choose one of none, plain, normalised"),
        (["--features", "plain", "--no-teacher"], "features 'plain' need a teacher; leave --no-teacher out"),
        (["--features", "normalised", "--no-teacher"], "features 'normalised' need a teacher; leave --no-teacher out"),
        (["--teacher"], "no config.json in {tmp}; give a folder written by `prune --out`"),
        (["--no-teacher"], "no config.json in {tmp}; give a folder written by `prune --out`"),
    ],
)
def test_a_recovery_that_cannot_be(tmp_path: Path, words: list[str], told: str) -> None:
    assert error("recover", str(tmp_path), "--out", str(tmp_path / "out"), *words) == told.format(tmp=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def transformer(tmp_path: Path) -> Path:
    """A folder that diffusers wrote."""
    made = tmp_path / "transformer"
    diffusers_package().DiTTransformer2DModel(
        num_attention_heads=4,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        sample_size=8,
        num_embeds_ada_norm=10,
    ).save_pretrained(made)
    return made


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
class TestDiffusers:
    NAME = "transformer_blocks.0.attn1.to_q.weight"
    FILE = "diffusion_pytorch_model.safetensors"

    def refused(self, model: Path) -> str:
        before = sorted(model.parent.rglob("*"))
        words = ["prune", "--model", str(model), "--method", "magnitude", "--sparsity", "0.5"]
        said = error(*words, "--out", str(model.parent / "out"))
        assert sorted(model.parent.rglob("*")) == before
        assert said.startswith(f"{model} does not hold a DiTTransformer2DModel: ")
        return said.partition(": ")[2]

    def test_tensors_that_are_not_its_own(self, transformer: Path) -> None:
        state = {key: value.clone() for key, value in load_file(transformer / self.FILE).items()}
        save_file({**state, self.NAME: torch.zeros(3, 4)}, transformer / self.FILE)
        told = f"{transformer / self.FILE}: {self.NAME} has shape (3, 4), expected (32, 32)"
        assert self.refused(transformer) == told
        save_file({key: value for key, value in state.items() if key != self.NAME}, transformer / self.FILE)
        assert self.refused(transformer) == f"{self.NAME} is missing"
        save_file({**state, "other": torch.zeros(2)}, transformer / self.FILE)
        assert self.refused(transformer) == "other is no tensor of it"

    def test_a_pickle(self, transformer: Path) -> None:
        torch.save({"a": torch.zeros(1)}, transformer / self.FILE)
        words = ["prune", "--model", str(transformer), "--method", "magnitude", "--sparsity", "0.5"]
        said = error(*words, "--out", str(transformer.parent / "out"))
        assert said.startswith(f"{transformer / self.FILE} is a pickle, which could run anything")
        assert [one.name for one in transformer.parent.iterdir()] == ["transformer"]

    def test_a_configuration_that_cannot_be(self, transformer: Path) -> None:
        card = json.loads((transformer / "config.json").read_text())
        (transformer / "config.json").write_text(json.dumps({**card, "num_layers": "x"}))
        assert self.refused(transformer) == "'str' object cannot be interpreted as an integer"

    def test_a_pattern_that_does_not_fit(self, transformer: Path) -> None:
        words = ["prune", "--model", str(transformer), "--method", "magnitude", "--pattern", "2:5"]
        said = error(*words, "--out", str(transformer.parent / "out"))
        assert said.startswith("pattern 2:5 does not fit the 256 inputs of transformer_blocks.0.")
        assert [one.name for one in transformer.parent.iterdir()] == ["transformer"]

    @pytest.mark.parametrize("method", ["magnitude", "magnitude-units"])
    def test_it_is_not_sampled_from_and_needs_the_dense_one(self, transformer: Path, method: str) -> None:
        out = transformer.parent / "pruned"
        run("prune", "--model", str(transformer), "--method", method, "--sparsity", "0.5", "--out", str(out))
        told = (
            f"{out} holds a model of diffusers, which learns from the dense one; give the folder that it was pruned "
            "from: --against DENSE"
        )
        assert error("recover", str(out), "--out", str(out / "more")) == told
        told = f"{out} is one model, from which there is nothing to sample; give a pipeline that holds it"
        assert error("eval", str(out)) == told
        assert not (out / "more").exists()
        modes = {file.name: file.stat().st_mode & 0o777 for file in out.iterdir()}
        assert modes[self.FILE] == modes["pruning.json"] == modes["config.json"] == out.stat().st_mode & 0o666


def test_list_names_every_method() -> None:
    said = run("list")
    assert all(name in said and method.summary.split()[0] in said for name, method in METHODS.items())


def test_show_prints_formula_paper_example_rows_and_source() -> None:
    said = run("show", "wanda", "--source")
    assert "Unstructured pruning. Data requirement: calibration activations." in said
    paper = "Sun et al., 2023, arXiv:2306.11695, section 3, Eq. (1). Catalogue entry: wanda."
    assert paper in said
    example = "python -m reference_impls prune --method wanda --model dit --sparsity 0.5 \\ --out build/wanda"
    parts = (paper, "Formula S_ij", "Paper's rule: section 3, Eq. (1)", example, "Fréchet", "from __future__")
    places = [said.index(part) for part in parts]
    assert places == sorted(places)
    assert "from __future__" not in run("show", "wanda")


def test_every_method_is_shown_with_its_paper() -> None:
    for name, method in METHODS.items():
        said = run("show", name)
        assert f"Catalogue entry: {method.paper}." in said if method.paper else "A baseline, no paper." in said
        assert ("Paper's rule" in said) == (method.paper is not None)
        assert f"--method {name} " in said


def test_show_prints_every_difference_with_its_consequence() -> None:
    rows = read_rows()
    for name, compared in COMPARISONS.items():
        said = run("show", name)
        for one in compared.differs:
            below = said.partition(f"Differs: {one.what}")[2]
            consequences = [consequence(row) for row in rows if row.key == one.measured]
            expected = " ".join(consequences) or f"Not measured: {one.why_not_measured}."
            assert below.strip().startswith(expected)


@pytest.mark.parametrize("command", ["", "list", "show", "demo", "prune", "recover", "eval", "table", "arch", "bench"])
def test_help_ends_with_examples_that_the_command_line_takes(command: str) -> None:
    said = RUNNER.invoke(app, [*command.split(), "--help"]).output
    examples = said.rpartition("Example")[2].partition("python -m reference_impls ")[2]
    group: Any = typer.main.get_command(app)
    lines = [shlex.split(line) for line in examples.split("python -m reference_impls ")]
    assert lines
    assert lines[0]
    for name, *words in lines:
        assert command in ("", name)
        group.commands[name].make_context(name, words)


def test_arch_prints_names_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.console, "width", 80)
    result = RUNNER.invoke(app, ["arch"])
    assert result.exit_code == 0
    assert {line.strip() for line in result.output.splitlines()} >= set(registry.ARCHITECTURES)
    assert all(" ".join(one.note.split()) in " ".join(result.output.split()) for one in registry.ARCHITECTURES.values())
    assert f"MACs with attention: {registry.WHAT['MACs with attention']}" in " ".join(result.output.split())


def test_arch_counts_attention_where_it_is_asked() -> None:
    """DDPM attends five times over 16x16 pixels and once over 4x4, with 256 channels; each time are two products."""
    said = run("arch", "ddpm-cifar10", "--attention").replace(",", "")
    layers, everything = (int(said.split(f"{what} ")[1].split()[2]) for what in ("MACs", "MACs with attention"))
    assert everything - layers == 2 * 256 * (5 * 256**2 + 16**2)
    assert "% attention" in said


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty held-out images: the loss on all of them takes most of a command's time."""

    def first(name: str) -> tuple[Images, Images]:
        training, held_out = load(name)
        return training, held_out.first(20)

    monkeypatch.setattr(metrics, "load", first)


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_prune_then_eval(tmp_path: Path) -> None:
    out = tmp_path / "new" / "[bold]pruned"
    words = ["--pattern", "2:4", "--pattern-axis", "kernel", "--samples", "20"]
    said = run("prune", "--method", "magnitude", *words, "--out", str(out))
    assert "do not speed up dense kernels" in said
    assert f"{out}: weights, report, samples" in said
    card = json.loads((out / "config.json").read_text())
    (step,) = card["steps"]
    assert [step["prune"][key] for key in ("method", "pattern", "pattern_axis")] == ["magnitude", "2:4", "kernel"]
    held = testbed_folder.load(out)
    assert held.name == "dit"
    assert sum(int(value.count_nonzero()) for value in held.model.parameters()) == step["prune"]["after"]["nonzero"]
    with Image.open(out / "samples.png") as picture:
        assert picture.size == (320, 320)
    assert f"{card['quality']['held_out_loss']:.4f}" in run("eval", str(out), "--samples", "20")
    assert [one.name for one in tmp_path.iterdir()] == ["new"]
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["[bold]pruned"]


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_prune_twice_recover_eval(tmp_path: Path) -> None:
    """Units, then blocks: the folder of the second holds what both took out, and recovery keeps it out."""
    one, two, three = (str(tmp_path / name) for name in ("one", "two", "three"))
    few = ("--samples", "20")
    said = run("prune", "--method", "magnitude-units", "--sparsity", "0.5", "--out", one, *few)
    assert "48% fewer MACs in any runtime" in said
    assert re.search(r"dense +pruned", said)
    said = run("prune", "--model", one, "--method", "shortgpt", "--sparsity", "0.25", "--out", two, *few)
    assert re.search(r"before +after", said)
    held = testbed_folder.load(Path(two))
    assert len(held.changes.dropped) == 2
    assert len(held.changes.kept) == 2 * 6
    run("recover", two, "--steps", "3", "--features", "normalised", "--out", three, *few)
    again = testbed_folder.load(Path(three))
    assert again.changes == held.changes
    first, second, third = json.loads((tmp_path / "three/config.json").read_text())["steps"]
    assert [step["prune"]["method"] for step in (first, second)] == ["magnitude-units", "shortgpt"]
    assert third == {"recover": {"steps": 3, "rate": 5e-4, "teacher": True, "features": "normalised", "seed": 0}}


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_recover_without_a_teacher(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[object] = []

    def watched(*args: Any, teacher: object, **options: Any) -> float:
        taught.append(teacher)
        return recover(*args, teacher=None, **options)

    monkeypatch.setattr("reference_impls.command_line.recover.run", watched)
    out = folder.parent / "recovered"
    run("recover", str(folder), "--steps", "2", "--samples", "10", "--out", str(out), "--no-teacher")
    assert json.loads((out / "config.json").read_text())["steps"][-1]["recover"]["teacher"] is False
    assert taught == [None]


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_units_pruned_twice_are_numbered_as_in_the_dense_model(tmp_path: Path) -> None:
    one, two = (str(tmp_path / name) for name in ("one", "two"))
    run("prune", "--method", "random-units", "--sparsity", "0.5", "--out", one, "--samples", "10")
    run("prune", "--model", one, "--method", "random-units", "--sparsity", "0.5", "--out", two, "--samples", "10")
    first, second = (testbed_folder.load(Path(folder)).changes.kept for folder in (one, two))
    assert len(second["blocks.0.feed_forward"]) == 96
    assert set(second["blocks.0.feed_forward"]) < set(first["blocks.0.feed_forward"])


@pytest.mark.slow
@pytest.mark.nightly  # test_a_stopped_run_goes_on runs a smaller table in every pull request
def test_table_quick(tmp_path: Path) -> None:
    out = tmp_path / "quick.json"
    run("table", "--quick", "--out", str(out), "--workers", "1")
    rows = json.loads(out.read_text())["rows"]
    assert {row["method"] for row in rows} == {None, *METHODS}
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_closes_interrupts(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ctrl-C does, so that nothing is left half written; nohup still holds."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        monkeypatch.setattr(commands, "app", lambda: os.kill(os.getpid(), number))
        with pytest.raises(KeyboardInterrupt):
            commands.run()
        signal.signal(number, signal.SIG_IGN)
        commands.run()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_every_encoding_of_the_output_takes_every_character(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    for words in (["show", "wanda"], ["arch"]):
        command = [sys.executable, "-m", "reference_impls", *words]
        done = subprocess.run(command, capture_output=True, env=environment, timeout=ENDLESS, check=False)
        assert done.returncode == 0, done.stderr.decode(encoding)
        assert done.stdout.decode(encoding)

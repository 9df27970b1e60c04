"""Packed folders: smaller, opened by load with the same weights, unpacked to the same bytes, refused in one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from reference_impls.command_line.commands import app
from reference_impls.files import layout, packed
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.load import load
from reference_impls.stream.run import prune_folder
from tests.reference_impls.models.test_diffusers_folder import made
from tests.reference_impls.tiny_pipelines import made as made_pipeline

diffusers = diffusers_package()
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
DIT = "DiTTransformer2DModel"
FILE = "diffusion_pytorch_model.safetensors"


def run(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def saved(folder: Path, dtype: torch.dtype = torch.float16, **options: Any) -> Path:
    model: Any = made(DIT).to(dtype)
    model.save_pretrained(folder, **options)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(
    ("dtype", "options", "method"),
    [
        (torch.float16, {}, "magnitude"),
        (torch.bfloat16, {"max_shard_size": "60KB"}, "magnitude"),
        (torch.float32, {"variant": "fp16"}, "wanda"),  # scope global: with the whole model in memory
    ],
)
def test_a_packed_folder_is_that_without_pack(
    tmp_path: Path, dtype: torch.dtype, options: dict[str, Any], method: str
) -> None:
    source = saved(tmp_path / "dense", dtype, **options)
    words: list[str | Path] = ["prune", source, "--method", method, "--sparsity", "0.7", "--out"]
    scope = ["--scope", "global"] if method == "wanda" else []
    run(*words, tmp_path / "plain", *scope)
    said = run(*words, tmp_path / "packed", *scope, "--pack")
    size, dense = (
        sum(file.stat().st_size for file in (tmp_path / name).glob("*.safetensors")) for name in ("packed", "plain")
    )
    before = sum(file.stat().st_size for file in source.glob("*.safetensors"))
    assert f"bytes of weights {before:,} {size:,} " in said
    assert f"Packed: {size:,} bytes of weights instead of {dense:,}, {round(100 * size / dense)}%." in said
    assert size < 0.75 * dense
    for name, value in load(tmp_path / "plain").state_dict().items():
        assert torch.equal(value, load(tmp_path / "packed").state_dict()[name]), name
    with pytest.raises(OSError, match="no file named"):
        diffusers.DiTTransformer2DModel.from_pretrained(tmp_path / "packed", **({"variant": "fp16"} if scope else {}))
    card = json.loads((tmp_path / "packed/pruning.json").read_text())
    assert (card["opened by"], card["packed"]["bytes"]) == ("reference_impls.load", size)
    assert card["packed"]["unpack"] == "python -m reference_impls unpack FOLDER --out FOLDER-unpacked"
    run("unpack", tmp_path / "packed", "--out", tmp_path / "unpacked")
    plain, unpacked = files(tmp_path / "plain"), files(tmp_path / "unpacked")
    one, other = (json.loads(each.pop("pruning.json")) for each in (plain, unpacked))
    assert unpacked == plain
    assert {**other, "steps": 0} == {**one, "steps": 0}


def test_a_pipeline_is_packed_and_unpacked(tmp_path: Path) -> None:
    made_pipeline("dit").save_pretrained(tmp_path / "dense")
    run("prune", tmp_path / "dense", "--method", "magnitude", "--sparsity", "0.5", "--out", tmp_path / "out", "--pack")
    assert (tmp_path / "out/transformer" / f"packed-{FILE}").is_file()
    opened = load(tmp_path / "out").transformer
    run("unpack", tmp_path / "out", "--out", tmp_path / "unpacked")
    again = diffusers.DiTPipeline.from_pretrained(tmp_path / "unpacked").transformer
    for name, value in again.state_dict().items():
        assert torch.equal(value, opened.state_dict()[name]), name
    assert "is not packed; it can be used as it is" in run(
        "unpack", tmp_path / "dense", "--out", tmp_path / "x", code=2
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--method", "magnitude", "--sparsity", "0.8"),
        ("--method", "magnitude", "--sparsity", "0.8", "--pack"),
        ("--method", "wanda", "--sparsity", "0.8", "--samples", "1"),
        ("--method", "bk-sdm", "--sparsity", "0.5"),  # with the whole model in memory
    ],
    ids=" ".join,
)
def test_a_packed_folder_is_pruned_as_the_unpacked_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    source = saved(tmp_path / "dense", max_shard_size="60KB")
    for name, pack in (("plain", False), ("packed", True)):
        prune_folder(source, tmp_path / name, method="magnitude", sparsity=0.7, pack=pack)
        run("prune", tmp_path / name, *words, "--out", tmp_path / f"{name} again")
    one, other = (files(tmp_path / f"{name} again") for name in ("plain", "packed"))
    cards = [json.loads(each.pop("pruning.json")) for each in (one, other)]
    assert one == other
    assert [step["prune"]["after"]["nonzero"] for card in cards for step in card["steps"]][:2] == [
        step["prune"]["after"]["nonzero"] for step in cards[1]["steps"]
    ]


def test_a_packed_pipeline_is_recovered_and_evaluated_as_the_unpacked_one(tmp_path: Path) -> None:
    dense = tmp_path / "dense"
    made_pipeline("dit").save_pretrained(dense)
    (tmp_path / "prompts.txt").write_text("1\n")
    against = ("--against", dense, "--prompts", tmp_path / "prompts.txt")
    said = []
    for name, pack in (("plain", ()), ("packed", ("--pack",))):
        run("prune", dense, "--method", "magnitude", "--sparsity", "0.7", "--out", tmp_path / name, *pack)
        run("recover", tmp_path / name, *against, "--samples", "8", "--steps", "1", "--out", tmp_path / f"{name} again")
        said.append(run("eval", tmp_path / name, *against, "--samples", "1", "--steps", "2"))
    assert said[0] == said[1]
    one, other = (files(tmp_path / f"{name} again/transformer") for name in ("plain", "packed"))
    assert one[FILE] == other[FILE]


def test_a_stopped_run_packs_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path / "dense", max_shard_size="60KB")
    prune_folder(source, tmp_path / "one", method="magnitude", sparsity=0.7, pack=True)
    real, left = packed.pack, iter(range(2))

    def stops(dense: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(dense, target)

    with monkeypatch.context() as patched:
        patched.setattr(packed, "pack", stops)
        with pytest.raises(KeyboardInterrupt):
            prune_folder(source, tmp_path / "two", method="magnitude", sparsity=0.7, pack=True)
    prune_folder(source, tmp_path / "two", method="magnitude", sparsity=0.7, pack=True)
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    del one["pruning.json"], two["pruning.json"]
    assert one == two


def test_what_cannot_be_packed(tmp_path: Path) -> None:
    source = saved(tmp_path / "dense")
    words: list[str | Path] = ["prune", source, "--out", tmp_path / "out", "--pack", "--method"]
    said = run(*words, "magnitude-units", "--sparsity", "0.5", code=2)
    assert "magnitude-units removes heads, neurons and channels and leaves no zeros to pack; leave --pack out" in said
    said = run(*words, "magnitude", "--sparsity", "0.01", code=2)
    assert "--pack would make no file smaller: too few of the weights are zero" in said
    testbed = ["prune", "--model", "dit", "--method", "magnitude", "--sparsity", "0.5", "--pack"]
    assert "--pack is for folders of diffusers" in run(*testbed, "--out", tmp_path / "out", code=2)
    assert [file.name for file in tmp_path.iterdir()] == ["dense"]


def damaged(file: Path, how: str) -> None:
    """Change a packed file."""
    header, data = layout.header_of(file), file.read_bytes()
    place = layout.places_in(file)["transformer_blocks.0.attn1.to_q.weight.kept"]
    if how == "short":
        data = data[:-1]
    elif how == "bit":
        data = data[: place.begin] + bytes([data[place.begin] ^ 1]) + data[place.begin + 1 :]
    elif how == "header":
        data = data[:9] + b"\xff" + data[10:]
    elif how == "length":
        data = b"\xff" * 8 + data[8:]
    else:
        data = header.replace(b'"header"', b'"footer"') + data[len(header) :]
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("short", "is damaged: it ends before "),
        ("bit", "is damaged: the bitmask of transformer_blocks.0.attn1.to_q.weight does not fit its values"),
        ("header", "is damaged: its header cannot be read"),
        ("length", "is damaged: its header is not whole"),
        ("other", "is damaged: the header of the unpacked file is missing"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, how: str, message: str) -> None:
    prune_folder(saved(tmp_path / "dense"), tmp_path / "out", method="magnitude", sparsity=0.5, pack=True)
    damaged(tmp_path / "out" / f"packed-{FILE}", how)
    with pytest.raises(ValueError, match=f"packed-{FILE} {message}"):
        diffusers_folder.load(tmp_path / "out")
    said = run("unpack", tmp_path / "out", "--out", tmp_path / "unpacked", code=2)
    assert message in said
    assert not (tmp_path / "unpacked").exists()
    shutil.rmtree(tmp_path / "out")

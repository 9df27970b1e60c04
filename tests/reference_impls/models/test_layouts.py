"""Folders as people have them: from a cache of the hub, with links, write-protected, or with something missing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from reference_impls.command_line.commands import app
from reference_impls.models import pipeline_folder
from tests.reference_impls.tiny_pipelines import diffusers, made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
HALF = ("--method", "magnitude", "--sparsity", "0.5")
IN_MEMORY = ("--method", "magnitude-units", "--sparsity", "0.5")
"""A method that does not stream."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layouts") / "sd"
    made("sd").to(torch.float16).save_pretrained(folder)
    return folder


@pytest.fixture
def sd(shared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared, tmp_path / "sd"))


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that a command could change of a folder: content, rights, times, links."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (folder, *folder.rglob("*")):
        about = path.lstat()
        content: object = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, about.st_mode, about.st_mtime_ns, about.st_ino)
    return found


def run(source: Path, *words: str) -> Path:
    """The pruned folder; everything else is as it was."""
    out, before = source.parent / "out", state(source)
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    assert state(source) == before
    return out


def refused(source: Path | str, *words: str, out: Path | None = None) -> str:
    """The one line of a command that fails; everything is as it was."""
    source = Path(source)
    top = source.parent if source.exists() else None
    before = {} if top is None else state(top)
    done = CliRunner().invoke(app, ["prune", str(source), *(words or HALF), "--out", str(out or source.parent / "out")])
    assert done.exit_code == 2, done.output
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert top is None or state(top) == before
    return done.stderr.removeprefix("error: ").rstrip()


def half_is_zero(out: Path) -> None:
    value = load_file(out / WEIGHTS)["mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"]
    assert int((value == 0).sum()) == value.numel() // 2
    assert type(diffusers.DiffusionPipeline.from_pretrained(out)).__name__ == "StableDiffusionPipeline"


def cached(folder: Path, home: Path) -> Path:
    """The same folder as a cache of the hub has it: a snapshot of links to files that are named after their content."""
    snapshot, blobs = home / "snapshots/0a1b", home / "blobs"
    blobs.mkdir(parents=True)
    for number, file in enumerate(sorted(file for file in folder.rglob("*") if file.is_file())):
        shutil.copyfile(file, blobs / f"{number:040x}")
        (blobs / f"{number:040x}").chmod(0o444)
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blobs / f"{number:040x}", link.parent))
    return snapshot


@pytest.mark.parametrize("words", [HALF, IN_MEMORY], ids=["streamed", "in memory"])
def test_a_cache_of_the_hub(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(pipeline_folder, "LINKED", 2_000)
    home = tmp_path / "models--acme--tiny"
    snapshot = cached(shared, home)
    before = state(home)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["prune", str(snapshot), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    assert state(home) == before
    assert {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()} == {
        *(str(file.relative_to(shared)) for file in shared.rglob("*") if file.is_file()),
        "unet/pruning.json",
    }
    assert not any(file.is_symlink() for file in out.rglob("*"))
    for file in shared.rglob("*.*"):
        place = out / file.relative_to(shared)
        assert (place.read_bytes() == file.read_bytes()) == (str(file.relative_to(shared)) != WEIGHTS)
    assert (
        refused(home, out=tmp_path / "no")
        == f"{home} is a cache of the Hugging Face hub; give its snapshot: {snapshot}"
    )


def test_folders_that_are_links(sd: Path, tmp_path: Path) -> None:
    """As those of a pipeline put together from parts of others."""
    together = tmp_path / "together"
    together.mkdir()
    for part in sd.iterdir():
        (together / part.name).symlink_to(part)
    out = run(together, *HALF)
    half_is_zero(out)
    assert {file.name for file in (out / "vae").iterdir()} == {file.name for file in (sd / "vae").iterdir()}


def test_links_that_lead_nowhere(sd: Path) -> None:
    (sd / "vae/more").symlink_to("..", target_is_directory=True)
    assert refused(sd) == f"{sd}/vae/more is a link to a folder above it; remove it"
    (sd / "vae/more").unlink()
    (sd / "vae/config.json").unlink()
    (sd / "vae/config.json").symlink_to("../../blobs/5")
    told = f"{sd}/vae/config.json is a link to nothing; download the pipeline again"
    assert refused(sd) == refused(sd, *IN_MEMORY) == told
    (sd / WEIGHTS).unlink()
    (sd / WEIGHTS).symlink_to("nothing")
    assert refused(sd / "unet") == f"{sd / WEIGHTS} is a link to nothing; download it again"


@pytest.fixture
def protected(sd: Path) -> Iterator[Path]:
    paths = [sd, *sd.rglob("*")]
    rights = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield sd
    for path, mode in rights.items():
        path.chmod(mode)


@pytest.mark.parametrize("words", [HALF, IN_MEMORY], ids=["streamed", "in memory"])
def test_a_source_that_may_not_be_written_to(protected: Path, words: tuple[str, ...]) -> None:
    out = run(protected, *words)
    assert all(path.stat().st_mode & 0o200 for path in (out, *out.rglob("*")))


@pytest.mark.parametrize("words", [HALF, IN_MEMORY], ids=["streamed", "in memory"])
def test_places_for_the_result(sd: Path, words: tuple[str, ...]) -> None:
    inside = "is inside the folder that is read; choose another --out"
    exists = "exists; choose another --out or delete it"
    for source in (sd, sd / "unet"):
        assert refused(source, *words, out=source / "deep/out") == f"{source}/deep/out {inside}"
        assert refused(source, *words, out=source) == f"{source} {exists}"
    (sd.parent / "link").symlink_to(sd)
    assert refused(sd, *words, out=sd.parent / "link/out") == f"{sd.parent}/link/out {inside}"
    assert refused(sd.parent / "link", *words, out=sd / "out") == f"{sd}/out {inside}"


def test_names_of_the_hub() -> None:
    for given, name in (
        ("https://huggingface.co/acme/tiny-sd", "acme/tiny-sd"),
        ("https://huggingface.co/acme/tiny-sd/tree/main", "acme/tiny-sd"),
        ("hf://acme/tiny-sd", "acme/tiny-sd"),
        ("acme/tiny-sd", "acme/tiny-sd"),
    ):
        told = refused(given)
        assert told.startswith("there is no folder ")
        assert told.endswith(f"download it first: hf download {name} --local-dir FOLDER")


def test_files_that_were_not_fetched(sd: Path) -> None:
    weights = (sd / WEIGHTS).read_bytes()
    (sd / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert refused(sd) == f"{sd / WEIGHTS} is a pointer of Git LFS; fetch the file itself by git lfs pull"
    (sd / WEIGHTS).write_bytes(weights[:-9])
    assert refused(sd).startswith(f"{sd / WEIGHTS} is not a file of safetensors, which is expected: ")


def test_a_model_that_was_saved_with_its_adapters(sd: Path) -> None:
    """Its layers have other names then, and would be missing."""
    weights = load_file(sd / WEIGHTS)
    name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    weights[f"{name}.base_layer.weight"] = weights.pop(f"{name}.weight")
    weights[f"{name}.lora_A.default.weight"] = torch.zeros(4, 32)
    save_file(weights, sd / WEIGHTS, {"format": "pt"})
    assert refused(sd) == (
        f"{sd}/unet does not hold a UNet2DConditionModel: it was saved with its adapters ({name}.base_layer.weight); "
        "in diffusers, call fuse_lora and unload_lora_weights of the pipeline, then save_pretrained"
    )


@pytest.mark.parametrize("held", ["{", "[]", "{}", '{"_class": "UNet2DConditionModel"}', None])
def test_a_configuration_that_says_nothing(sd: Path, held: str | None) -> None:
    config = sd / "unet/config.json"
    config.unlink()
    told = "is missing; download it again"
    if held is not None:
        config.write_text(held)
        told = "is not the configuration of a model of diffusers, which names its class; download it again"
    assert refused(sd) == f"{config} {told}"


def test_a_pickle_beside_the_denoiser(sd: Path) -> None:
    """A method without data copies it and opens nothing; one that runs the pipeline says what it lacks."""
    (sd / "text_encoder/model.safetensors").rename(sd / "text_encoder/pytorch_model.bin")
    out = run(sd, *HALF)
    assert (out / "text_encoder/pytorch_model.bin").read_bytes()
    told = refused(sd, "--method", "wanda", "--sparsity", "0.5", out=sd.parent / "no")
    assert told.startswith(f"{sd} cannot be opened as a pipeline: ")
    assert "model.safetensors" in told


def test_a_second_denoiser_is_named(sd: Path) -> None:
    """Wan 2.2 has two transformers, one for each half of the time."""
    shutil.copytree(sd / "unet", sd / "unet_2")
    done = CliRunner().invoke(app, ["prune", str(sd), "--out", str(sd.parent / "out"), *HALF])
    assert "the pipeline; its unet is pruned, and its unet_2 is not" in " ".join(done.output.split())

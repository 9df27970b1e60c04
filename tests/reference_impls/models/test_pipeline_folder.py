"""A whole pipeline is pruned on its prompts and comes back whole; where something fails, nothing does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import reference_impls
from reference_impls.calls.record import fingerprint
from reference_impls.command_line.commands import app
from reference_impls.models import pipeline_folder
from tests.reference_impls.tiny_pipelines import diffusers, made

pytestmark = [  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
QUERY = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
FEW = ["--steps", "2", "--samples", "2"]
WANDA = ["--method", "wanda", "--sparsity", "0.5"]
PROMPTS = ("a cat", "the red dog on a hill")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipelines")
    made("sd").to(torch.float16).save_pretrained(folder / "sd", variant="fp16")
    made("dit").save_pretrained(folder / "dit")
    return folder


@pytest.fixture
def sd(shared: Path, tmp_path: Path) -> Path:
    """A copy of its own, whose files may be changed."""
    for file in (shared / "sd").rglob("*"):
        if file.is_file():
            place = tmp_path / "sd" / file.relative_to(shared / "sd")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    return tmp_path / "sd"


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def prune(*words: object) -> str:
    done = CliRunner().invoke(app, ["prune", *map(str, words)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def refused(source: Path, *words: object, code: int = 2) -> str:
    """The one line of a command that fails; it leaves everything as it was."""
    before = files(source.parent)
    out = source.parent / "out"
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *map(str, words)])
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert files(source.parent) == before
    assert not out.exists()
    return done.stderr.removeprefix("error: ").rstrip()


def test_a_pipeline_comes_back_whole(sd: Path, tmp_path: Path) -> None:
    (sd / "v1-dense.safetensors").write_bytes(b"the same model as a single file")
    before, out = files(sd), tmp_path / "out"
    said = prune(sd, "--prompts", tmp_path / "prompts.txt", *WANDA, *FEW, "--seed", "5", "--out", out)
    assert "Calibrated on 2 forward passes recorded from StableDiffusionPipeline with 2 prompts of prompts.txt." in said
    assert "the pipeline; its unet is pruned" in said
    assert files(sd) == before
    after = files(out)
    assert set(after) == (set(before) - {"v1-dense.safetensors"}) | {"unet/pruning.json"}
    assert {name for name in after if after[name] != before.get(name)} == {
        "unet/pruning.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
    }
    dense, pruned = (load_file(folder / "unet/diffusion_pytorch_model.fp16.safetensors")[QUERY] for folder in (sd, out))
    assert pruned.dtype == torch.float16
    assert int((pruned == 0).sum()) == pruned.numel() // 2
    assert torch.equal(pruned[pruned != 0], dense[pruned != 0])
    (step,) = json.loads(after["unet/pruning.json"])["steps"]
    assert step["prune"]["calibration"] == {
        "source": "recorded",
        "pipeline": "StableDiffusionPipeline",
        "denoiser": "unet",
        "scheduler": "DDIMScheduler",
        "prompts": 2,
        "prompts_sha256": fingerprint(PROMPTS),
        "prompts_file": "prompts.txt",
        "steps": 2,
        "guidance": None,
        "seed": 5,
        "forward passes": 2,
    }
    assert {"python", "torch", "diffusers"} <= set(step["prune"]["versions"])
    assert oct((out / "unet").stat().st_mode) == oct(out.stat().st_mode)
    code = (  # of a process that does not import this package
        "import sys, diffusers, torch\n"
        "load = diffusers.DiffusionPipeline.from_pretrained\n"
        "pipeline = load(sys.argv[1], variant='fp16', torch_dtype=torch.float32)\n"
        "pipeline.set_progress_bar_config(disable=True)\n"
        "image = pipeline('a cat', num_inference_steps=1).images[0]\n"
        "print(image.size, any('reference_impls' in name for name in sys.modules))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=dict(os.environ))
    assert done.stdout.splitlines()[-1] == "(16, 16) False"


def test_in_python_it_is_the_same(sd: Path, tmp_path: Path) -> None:
    """The ten lines of a notebook."""
    prune(sd, "--prompts", tmp_path / "prompts.txt", *WANDA, *FEW, "--guidance", "3", "--out", tmp_path / "out")
    pipeline = reference_impls.load(sd)
    calls = reference_impls.record(pipeline, PROMPTS, steps=2, limit=2, guidance=3.0)
    reference_impls.prune(pipeline.unet, calls, 0.5, method="wanda")
    written = reference_impls.load(tmp_path / "out").unet.state_dict()
    for name, value in pipeline.unet.state_dict().items():
        assert torch.equal(value.half(), written[name].half()), name
    with torch.no_grad():
        before = calls.calls[0].run(pipeline.unet)
        choices = reference_impls.sparsify(pipeline.unet, calls.calls[0].run)
        after = calls.calls[0].run(pipeline.unet)
    assert len(choices) > 10
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)


def test_large_files_are_linked(sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_folder, "LINKED", 2_000)
    for file in (sd / "vae").iterdir():
        file.chmod(0o600)
    prune(sd, "--method", "magnitude", "--sparsity", "0.5", "--out", tmp_path / "out")
    weights = "vae/diffusion_pytorch_model.fp16.safetensors"
    assert (tmp_path / "out" / weights).samefile(sd / weights)
    assert (sd / weights).stat().st_mode & 0o777 == 0o600  # the source's own
    assert not (tmp_path / "out/model_index.json").samefile(sd / "model_index.json")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))
    prune(sd, "--method", "magnitude", "--sparsity", "0.5", "--out", tmp_path / "copied")
    assert files(tmp_path / "copied").keys() == files(tmp_path / "out").keys()


def test_a_data_free_method_reads_the_denoiser_only(sd: Path, tmp_path: Path) -> None:
    (sd / "text_encoder/model.fp16.safetensors").write_bytes(b"not safetensors")
    prune(sd, "--method", "magnitude", "--pattern", "2:4", "--out", tmp_path / "pruned")
    assert (tmp_path / "pruned/text_encoder/model.fp16.safetensors").read_bytes() == b"not safetensors"
    said = refused(sd, *WANDA)
    assert said.startswith(f"{sd} cannot be opened as a pipeline: ")


def test_classes_are_prompts_of_a_pipeline_of_classes(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("207\n4\n")
    words = ["--method", "obs-diff", "--sparsity", "0.5", *FEW]
    said = prune(shared / "dit", "--prompts", tmp_path / "classes.txt", *words, "--out", tmp_path / "out")
    assert "recorded from DiTPipeline with 2 prompts of classes.txt." in said
    done = CliRunner().invoke(app, ["prune", str(shared / "dit"), *words, "--out", str(tmp_path / "no")])
    assert done.stderr == "error: DiTPipeline needs class numbers as prompts; give some\n"


def test_removed_units_are_opened_and_pruned_again(sd: Path, tmp_path: Path) -> None:
    units = ["--method", "obs-diff-units", "--sparsity", "0.5", *FEW, "--out", tmp_path / "one"]
    said = prune(sd, *units)
    assert "with 2 prompts of this package; --prompts FILE takes yours." in said
    assert "Open it with reference_impls.load: the configuration of UNet2DConditionModel cannot say what was" in said
    prune(tmp_path / "one", *WANDA, *FEW, "--out", tmp_path / "two")
    pipeline: Any = reference_impls.load(tmp_path / "two")
    assert type(pipeline) is diffusers.StableDiffusionPipeline
    assert len(pipeline("a cat", num_inference_steps=1, output_type="np").images) == 1
    steps = json.loads((tmp_path / "two/unet/pruning.json").read_text())["steps"]
    assert [step["prune"]["method"] for step in steps] == ["obs-diff-units", "wanda"]


def test_what_cannot_be(sd: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    assert refused(sd, "--method", "magnitude", "--sparsity", "0.5", "--prompts", prompts) == (
        "magnitude is data-free; leave --prompts, --steps and --guidance out"
    )
    assert refused(sd / "unet", *WANDA, "--prompts", prompts).startswith("inputs are recorded from a whole pipeline, ")
    assert refused(sd, *WANDA, "--prompts", sd / "none.txt") == f"{sd}/none.txt: no such file of prompts"
    prompts.write_text("")
    assert refused(sd, *WANDA, "--prompts", prompts) == f"{prompts} is empty; write one prompt a line"
    inside = CliRunner().invoke(app, ["prune", str(sd), *WANDA, *FEW, "--out", str(sd / "deep/out")])
    assert inside.stderr == f"error: {sd}/deep/out is inside the folder that is read; choose another --out\n"
    assert not (sd / "deep").exists()
    assert refused(sd, *WANDA, "--variant", "bf16") == (
        f"{sd}/unet has no weights of variant 'bf16'; its variants: fp16"
    )


@pytest.mark.parametrize("where", ["recording", "pruning", "writing"])
def test_an_interrupt_leaves_nothing(sd: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if where == "recording":
        monkeypatch.setattr(diffusers.DDIMScheduler, "step", stop)
    elif where == "pruning":
        monkeypatch.setattr("reference_impls.pruning.drop_weights.set_matrix", stop)
    else:
        monkeypatch.setattr("reference_impls.files.weights.save_file", stop)
    words = [*WANDA, *FEW, "--scope", "global"]  # with the whole model in memory
    assert refused(sd, *words, code=130) == "interrupted; the command wrote nothing that is not complete"

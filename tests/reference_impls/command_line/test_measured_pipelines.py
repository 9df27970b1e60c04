"""`bench PIPELINE` and `eval PIPELINE` measure what is there, and refuse what cannot be measured in one line."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import reference_impls
from reference_impls.command_line.commands import app
from reference_impls.command_line.usage import PROGRAM
from reference_impls.files.packed import pack
from reference_impls.kernels import modules
from reference_impls.kernels.modules import SparseConv2d, SparseLinear
from reference_impls.pipelines import parts
from reference_impls.pipelines.scenes import SCENES, scene_of
from reference_impls.study.pipeline_samples import Asked, compare, follows, sample, sheet
from tests.reference_impls.tiny_pipelines import made
from tests.work import without_a_clock

pytestmark = [  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SPARSE = (SparseLinear, SparseConv2d)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense and a pruned pipeline in half precision, and one of another size."""
    folder = tmp_path_factory.mktemp("pipelines")
    pipeline = made("sd").to(torch.float16)
    pipeline.save_pretrained(folder / "dense")
    reference_impls.prune(pipeline.unet.float(), sparsity=0.6, method="magnitude")
    pipeline.to(torch.float16).save_pretrained(folder / "pruned")
    made("ddpm").save_pretrained(folder / "other")
    other = made("sd").unet
    type(other)(**{**other.config, "cross_attention_dim": 24}).save_pretrained(folder / "wider")
    (folder / "prompts.txt").write_text("a cat\nthe red dog\n")
    return folder


@pytest.fixture(autouse=True)
def kernels_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is faster here; two runs are enough to see what is said of them."""
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n == "dense") for n in candidates})
    without_a_clock(monkeypatch)


def lines(*words: object) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def run(*words: object) -> str:
    return " ".join(lines(*words).split())


def error(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("error: ").rstrip()


def test_bench_of_a_pipeline(shared: Path, tmp_path: Path) -> None:
    folder, out = shared / "pruned", tmp_path / "times.json"
    said = run("bench", folder, "--prompts", shared / "prompts.txt", "--out", out)
    assert "Minimum of 2 runs of each, timed alternately, on 1 thread." in said
    assert "Timed in float32, in which the kernels compute; the folder holds float16." in said
    found = json.loads(out.read_text())
    model: Any = reference_impls.load(folder).unet
    weights = [
        layer.weight
        for layer in model.modules()
        if isinstance(layer, torch.nn.Linear) or (isinstance(layer, torch.nn.Conv2d) and modules.computable(layer))
    ]
    assert found["layers"] == {"csr": len(found["rows"])} == {"csr": sum(bool((w == 0).any()) for w in weights)}
    assert found["samples"] == 2  # with the pipeline's own guidance
    assert found["inputs"][0] == [2, 4, 8, 8]
    assert found["largest_difference"] <= 1e-4
    seconds = found["seconds"]
    assert found["speed_up"] == {"sparse": pytest.approx(seconds["dense"] / seconds["sparse"], abs=1e-3)}
    assert found["against"] is found["unpruned"] is None
    weights_file = folder / "unet/diffusion_pytorch_model.safetensors"
    pack(weights_file, tmp_path / "packed-weights.safetensors")
    pruned = found["pruned"]
    assert pruned["bytes"] == weights_file.stat().st_size
    assert pruned["packed_bytes"] == (tmp_path / "packed-weights.safetensors").stat().st_size < pruned["bytes"]
    assert pruned["cost"]["parameters"] == sum(value.numel() for value in model.parameters())
    assert 0 < pruned["cost"]["macs_nonzero"] < 0.6 * pruned["cost"]["macs"]
    assert found["machine"]["threads"] == 1
    assert {"torch", "diffusers", "compiler"} <= set(found["versions"])


def timed_beside_the_dense(shared: Path, out: Path, *folders: Path) -> tuple[str, Any]:
    """What is said of a pruned and a dense folder, and what is written of them."""
    said = run("bench", folders[0], "--against", folders[1], "--out", out)
    assert f"Speed-ups are over the dense model of {folders[1]}, for the same inputs." in said
    found = json.loads(out.read_text())
    assert found["against"] == str(folders[1])
    dense = shared / "dense/unet"
    assert found["unpruned"]["bytes"] == (dense / "diffusion_pytorch_model.safetensors").stat().st_size
    model = reference_impls.load(dense)
    assert isinstance(model, torch.nn.Module)
    assert found["unpruned"]["cost"]["parameters"] == sum(value.numel() for value in model.parameters())
    return said, found


def test_bench_of_zeros_beside_the_dense_pipeline(shared: Path, tmp_path: Path) -> None:
    said, found = timed_beside_the_dense(shared, tmp_path / "times.json", shared / "pruned", shared / "dense")
    seconds = found["seconds"]
    assert set(seconds) == {"unpruned", "dense", "sparse"}
    ratios = {name: pytest.approx(seconds["unpruned"] / seconds[name], abs=1e-3) for name in ("dense", "sparse")}
    assert found["speed_up"] == ratios
    assert "speed-up, dense kernels" in said
    assert "speed-up, sparse kernels" in said
    for cost in ("macs", "parameters"):
        assert found["pruned"]["cost"][cost] == found["unpruned"]["cost"][cost]
    assert found["pruned"]["cost"]["macs_nonzero"] < found["unpruned"]["cost"]["macs_nonzero"]


@pytest.mark.parametrize(("method", "sparsity"), [("magnitude-units", 0.5), ("bk-sdm", 0.3)])
def test_bench_of_fewer_units_or_blocks_beside_the_dense_model(
    shared: Path, tmp_path: Path, method: str, sparsity: float
) -> None:
    """They have no zeros to skip; what is timed of them is the model itself."""
    dense, pruned = shared / "dense", tmp_path / "out"
    bench, _ = commands_in(lines("prune", dense, "--method", method, "--sparsity", sparsity, "--out", pruned))
    assert bench == ["bench", str(pruned), "--against", str(dense)]
    said, found = timed_beside_the_dense(shared, tmp_path / "times.json", pruned / "unet", dense)
    assert set(found["seconds"]) == {"unpruned", "dense"}
    assert found["rows"] == []
    assert "sparse kernels" not in said
    assert "forward pass dense pruned" in said
    for what in ("macs", "parameters"):
        assert 0 < found["pruned"]["cost"][what] < found["unpruned"]["cost"][what]
    assert found["pruned"]["bytes"] < found["unpruned"]["bytes"]
    assert error("bench", pruned) == (
        "no layer of this UNet2DConditionModel has zeros to skip; prune it by an unstructured method, or time it "
        "against the dense model: --against DENSE"
    )


def test_bench_of_a_model_alone(shared: Path) -> None:
    assert "samples 1 " in run("bench", shared / "pruned/unet")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--quick"], "--quick and --shapes choose single layers; leave them out, or leave PIPELINE out"),
        (["--variant", "fp16"], "{pruned}/unet has no weights of variant 'fp16'; its variants: none"),
        (["--prompts", "{pruned}/none.txt"], "{pruned}/none.txt: no such file of prompts"),
    ],
)
def test_bench_refuses_words(shared: Path, words: list[str], told: str) -> None:
    pruned = str(shared / "pruned")
    assert error("bench", pruned, *(word.format(pruned=pruned) for word in words)) == told.format(pruned=pruned)


def test_bench_refuses_subjects(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = ["--prompts", shared / "prompts.txt"]
    assert error("bench", shared / "dense") == (
        "no layer of this UNet2DConditionModel has zeros to skip; prune it by an unstructured method, or time it "
        "against the dense model: --against DENSE"
    )
    assert error("bench", shared / "pruned", "--against", shared / "other") == (
        f"{shared}/pruned was not pruned from --against {shared}/other, whose model is another one"
    )
    assert error("bench", shared / "pruned", "--against", shared / "wider") == (
        f"{shared}/pruned was not pruned from --against {shared}/wider, whose model is another one"
    )
    assert error("bench", tmp_path) == (
        f"{tmp_path} is no folder of diffusers; give a pipeline or its unet or transformer; for a model of the "
        "testbed: eval FOLDER --sparse"
    )
    assert error("bench", shared / "pruned/unet", *prompts) == (
        f"{shared}/pruned/unet is one model, which takes no prompts; leave --prompts out, or give its pipeline"
    )
    assert error("bench", *prompts) == (
        "--against, --prompts and --variant are for a PIPELINE; give one, or leave them out"
    )
    right = SparseLinear.forward
    monkeypatch.setattr(SparseLinear, "forward", lambda layer, x: right(layer, x) * 1.1)
    assert error("bench", shared / "pruned").startswith("outputs of UNet2DConditionModel differ by ")


def test_eval_of_a_pipeline(shared: Path, tmp_path: Path) -> None:
    words = ["--prompts", shared / "prompts.txt", "--steps", "2", "--seed", "3", "--samples", "3"]
    said = run(
        "eval", shared / "pruned", "--against", shared / "dense", *words, "--images", tmp_path / "new/images.png"
    )
    asked = Asked(("a cat", "the red dog"), 3, 2, None, 3)
    dense, pruned = (
        sample(reference_impls.load(shared / name), asked, lambda *_: None) for name in ("dense", "pruned")
    )
    assert not np.array_equal(dense[0], dense[2])  # the same prompt has another seed
    mse = np.mean([np.square(one - other).mean() for one, other in zip(dense, pruned, strict=True)])
    assert f"MSE to dense samples {mse:.3g} " in said
    assert f"PSNR to dense samples, dB {-10 * math.log10(mse):.1f} " in said
    assert "2 steps, the pipeline's own guidance, seeds from 3; values from 0 to 1." in said
    written = np.asarray(Image.open(tmp_path / "new/images.png"))
    assert written.shape == (2 * 18, 3 * 18, 3)
    assert np.array_equal(written[18:34, 36:52], (pruned[2] * 255).round().astype(np.uint8))


def test_eval_with_sparse_kernels(shared: Path) -> None:
    words = ["--against", shared / "dense", "--steps", "1", "--samples", "1"]
    plain, sparse = run("eval", shared / "pruned", *words), run("eval", shared / "pruned", *words, "--sparse")
    assert "sparse kernels" not in plain
    assert "kernels chosen for pruned layers" in sparse
    psnr = "PSNR to dense samples, dB"
    assert plain.partition(psnr)[2].split()[0] == sparse.partition(psnr)[2].split()[0]
    same = run("eval", shared / "dense", *words)
    assert "MSE to dense samples 0 PSNR to dense samples, dB inf" in same


def commands_in(said: str) -> list[list[str]]:
    """What a shell makes of the lines to paste."""
    lines = said.replace("\\\n", "").splitlines()
    return [shlex.split(line.removeprefix(f"  {PROGRAM}")) for line in lines if line.startswith(f"  {PROGRAM}")]


def test_what_prune_says_next_can_be_run(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a name has a space, and with what was given: only the samples and their steps are fewer here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "the dense one").symlink_to(shared / "dense")
    (tmp_path / "my prompts.txt").write_text("a cat\n")
    words = ["the dense one", "--method", "wanda", "--sparsity", "0.6", "--out", "its result", "--samples", "1"]
    asked = ["--prompts", "my prompts.txt", "--steps", "1", "--guidance", "2.0"]
    bench, evaluate = commands_in(lines("prune", *words, *asked))
    assert bench == ["bench", "its result", *asked[:2]]
    assert evaluate == ["eval", "its result", "--against", "the dense one", *asked]
    run(*bench)
    run(*evaluate, "--samples", "1")
    magnitude = ["--method", "magnitude", "--sparsity", "0.6", "--pack", "--out", "alone"]
    bench, unpack = commands_in(lines("prune", "the dense one/unet", *magnitude))
    assert (bench, unpack) == (["bench", "alone"], ["unpack", "alone", "--out", "alone-unpacked"])
    run(*unpack)


def test_samples_of_images_are_not_compared_from_the_command_line(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "dense").mkdir()
    for part in (shared / "dense").iterdir():
        (tmp_path / "dense" / part.name).symlink_to(part)
    index = tmp_path / "dense/model_index.json"
    text = index.read_text()
    index.unlink()
    index.write_text(text.replace("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"))
    said = lines("prune", tmp_path / "dense", "--method", "magnitude", "--sparsity", "0.6", "--out", tmp_path / "out")
    assert [words[0] for words in commands_in(said)] == ["bench"]


def test_eval_refuses(shared: Path, tmp_path: Path) -> None:
    pruned = shared / "pruned"
    assert error("eval", pruned) == (
        f"{pruned} is a pipeline of diffusers, whose samples are compared with the dense ones; give the pipeline that "
        "it was pruned from: --against PIPELINE"
    )
    assert error("eval", pruned / "unet", "--against", shared / "dense") == (
        f"{pruned}/unet is one model, from which there is nothing to sample; give {pruned}"
    )
    assert error("eval", pruned, "--against", pruned / "unet") == (
        f"--against {pruned}/unet is no pipeline of diffusers; give a folder with model_index.json"
    )
    assert error("eval", tmp_path, "--steps", "3") == (
        f"{tmp_path} is no pipeline of diffusers; --against, --prompts, --steps, --guidance, --seed, --variant and "
        "--images are for one"
    )
    assert error("eval", pruned, "--against", shared / "dense", "--images", tmp_path / "samples") == (
        f"--images {tmp_path}/samples: no such kind of image; give a name such as samples.png"
    )
    few = ["--steps", "1", "--samples", "1", "--prompts", shared / "prompts.txt"]
    assert error("eval", pruned, "--against", shared / "other", *few) == (
        "DDPMPipeline takes no prompts; leave them out"
    )
    assert error("eval", shared / "dense", "--against", shared / "dense", *few, "--sparse") == (
        "no layer of this UNet2DConditionModel has zeros to skip; leave --sparse out"
    )
    assert not list(tmp_path.iterdir())


def test_samples_that_cannot_be_compared() -> None:
    small, large = [np.zeros((4, 4, 3), np.float32)], [np.zeros((8, 8, 3), np.float32)]
    with pytest.raises(
        ValueError, match="samples of the dense pipeline are 8×8×3, those of the pruned one 4×4×3; give"
    ):
        compare(large, small)
    broken = [np.full((4, 4, 3), np.nan, np.float32)]
    with pytest.raises(ValueError, match="samples of the pruned pipeline are not finite"):
        compare(small, broken)
    with pytest.raises(ValueError, match="samples of the dense pipeline are not finite"):
        compare(broken, small)
    with pytest.raises(ValueError, match="samples of shape 2×500 are no images; leave --images out"):
        sheet(([np.zeros((2, 500), np.float32)],))


def test_videos_are_shown_by_their_first_image() -> None:
    video = np.zeros((5, 4, 6, 3), np.float32)
    video[0] = 1
    assert sheet(([video],)).getpixel((5, 3)) == (255, 255, 255)


def test_the_miniature_pipeline_is_asked_for_its_digits() -> None:
    """Its own captions, and a classifier that names what they say."""
    pipeline = parts.pipeline()
    assert parts.is_miniature(pipeline)
    assert not parts.is_miniature(made("sd"))
    captions = tuple(SCENES[index].caption() for index in (5, 35, 75))
    asked = Asked(captions, 3, 10, 4.0)
    images = sample(pipeline, asked, lambda *_: None)
    found = follows(images, asked)
    assert found is not None
    assert found.class_accuracy == 1
    assert follows(images, Asked(("a cat",), 3)) is None
    said = run("eval", parts.FOLDER, "--against", parts.FOLDER, "--samples", "2", "--steps", "10")
    assert "class accuracy 1.000 " in said
    assert "10 steps, guidance 4, seeds from 0" in said
    wrong = follows(images, Asked(captions[1:] + captions[:1], 3))
    assert wrong is not None
    assert wrong.class_accuracy == 0


def test_a_caption_names_its_scene() -> None:
    assert {scene_of(scene.caption()) for scene in SCENES} == set(SCENES)
    for scene in SCENES:
        short = scene_of(scene.caption(size=False, place=False))
        assert short is not None
        assert short.digit == scene.digit
    assert scene_of("a cat") is None

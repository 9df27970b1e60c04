"""``load(folder, sparse=True)``: the same outputs from sparse layers, in a pipeline, a model alone and the testbed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import reference_impls
from reference_impls.calls.one_pass import pass_of_noise, pass_of_pipeline
from reference_impls.kernels import modules
from reference_impls.kernels.modules import SparseConv2d, SparseLinear
from reference_impls.testbed.calibration import from_trajectory
from reference_impls.testbed.models import pretrained
from tests.reference_impls.tiny_pipelines import made, package

pytestmark = [  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pruned pipelines in half precision, and one that is dense."""
    folder = tmp_path_factory.mktemp("pipelines")
    for name, part in (("sd", "unet"), ("dit", "transformer")):
        pipeline = made(name)
        reference_impls.prune(getattr(pipeline, part), sparsity=0.7, method="magnitude")
        pipeline.to(torch.float16).save_pretrained(folder / name)
    made("dit").save_pretrained(folder / "dense")
    return folder


@pytest.fixture(autouse=True)
def kernels_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is faster here."""
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n == "dense") for n in candidates})


def close(got: torch.Tensor, expected: torch.Tensor) -> None:
    assert float((got - expected).abs().max()) <= 1e-4 * float(expected.abs().max())


@torch.no_grad()
def test_a_pipeline_generates_the_same(folders: Path) -> None:
    dense, sparse = reference_impls.load(folders / "sd"), reference_impls.load(folders / "sd", sparse=True)
    kinds = {type(module) for module in sparse.unet.modules()}
    assert {SparseLinear, SparseConv2d} <= kinds
    assert not any(value.requires_grad for value in sparse.unet.parameters())
    call = pass_of_pipeline(dense)
    assert call.samples == 2  # with the pipeline's own guidance
    close(call.run(sparse.unet), call.run(dense.unet))
    images = []
    for pipeline in (dense, sparse):
        generator = torch.Generator().manual_seed(0)
        asked = {"num_inference_steps": 2, "output_type": "pt", "generator": generator}
        images.append(pipeline("a cat", **asked).images)
    close(images[1], images[0])


@torch.no_grad()
@pytest.mark.parametrize("place", ["sd/unet", "dit/transformer"])
def test_a_model_alone(folders: Path, place: str) -> None:
    dense, sparse = reference_impls.load(folders / place), reference_impls.load(folders / place, sparse=True)
    assert any(isinstance(module, SparseLinear) for module in sparse.modules())
    call = pass_of_noise(dense)
    close(call.run(sparse), call.run(dense))


@torch.no_grad()
def test_a_model_of_the_testbed(tmp_path: Path) -> None:
    model = pretrained("dit")
    reference_impls.prune(model, sparsity=0.7, method="magnitude")
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    changes: dict[str, Any] = {"kept": {}, "dropped": []}
    (tmp_path / "config.json").write_text(json.dumps({"model": "dit", "steps": [], "changes": changes}))
    sparse = reference_impls.load(tmp_path, sparse=True)
    assert any(isinstance(module, SparseLinear) for module in sparse.modules())
    call = from_trajectory(model, n=2, steps=1).calls[0]
    close(call.run(sparse), call.run(model))


def test_where_dense_wins_it_stays(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n != "dense") for n in candidates})
    model = reference_impls.load(folders / "dit", sparse=True).transformer  # of classes, not of prompts
    assert not any(isinstance(module, modules.Sparse) for module in model.modules())


def test_what_cannot_be(folders: Path) -> None:
    said = f"{folders / 'dense'} has no layer with zeros to skip; prune it by an unstructured method, or load it dense"
    with pytest.raises(ValueError, match=re.escape(said)):
        reference_impls.load(folders / "dense", sparse=True)


def test_a_pipeline_that_starts_from_an_image() -> None:
    """Its denoiser is timed with noise where its inputs are known; otherwise the line says how to do it by hand."""
    diffusers = package("diffusers")
    parts = {name: part for name, part in made("sd").components.items() if name != "image_encoder"}
    call = pass_of_pipeline(diffusers.StableDiffusionImg2ImgPipeline(**parts, requires_safety_checker=False))
    assert call.arguments["encoder_hidden_states"].shape == (1, 8, 16)

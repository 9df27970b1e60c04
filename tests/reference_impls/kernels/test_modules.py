"""Sparse layers inside models: the same numbers, on disk and back, no gradients, dense kept where dense wins."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from reference_impls.kernels import modules
from reference_impls.kernels.modules import SparseConv2d, SparseLinear, sparsify
from reference_impls.maths.masks import Tile
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.testbed import metrics
from reference_impls.testbed.data import load
from reference_impls.testbed.models import pretrained

Layer = TypeVar("Layer", bound=nn.Linear | nn.Conv2d)


def thin(layer: Layer) -> Layer:
    with torch.no_grad():
        layer.weight.mul_(torch.rand_like(layer.weight) > 0.7)
    return layer


@pytest.mark.parametrize("kind", modules.FORMATS)
@torch.no_grad()
def test_linear(kind: modules.Format) -> None:
    torch.manual_seed(0)
    layer = thin(nn.Linear(30, 20))
    sparse = SparseLinear.from_dense(layer, kind=kind)
    for shape in ((30,), (5, 30), (2, 3, 4, 30), (0, 30)):
        x = torch.randn(shape)
        torch.testing.assert_close(sparse(x), layer(x), rtol=1e-5, atol=1e-5)
    across = torch.randn(30, 7).t()
    torch.testing.assert_close(sparse(across), layer(across), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sparse(input=across), layer(across), rtol=1e-5, atol=1e-5)
    fused = SparseLinear.from_dense(layer, kind=kind, activation="silu")
    torch.testing.assert_close(fused(across), nn.functional.silu(layer(across)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", modules.FORMATS)
@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (3, 1, 0), (1, 1, 0)])
@torch.no_grad()
def test_convolution(kind: modules.Format, size: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    layer = thin(nn.Conv2d(8, 12, size, stride=stride, padding=padding, bias=size == 3))
    sparse = SparseConv2d.from_dense(layer, kind=kind)
    for x in (
        torch.randn(3, 8, 9, 11),
        torch.randn(0, 8, 9, 11),
        torch.randn(1, 8, 9, 11).to(memory_format=torch.channels_last),
    ):
        torch.testing.assert_close(sparse(x), layer(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sparse(input=x), layer(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 5),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, padding=2),
        nn.Conv2d(4, 4, 3, stride=3),
        nn.Conv2d(4, 4, (1, 3)),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    ],
)
def test_convolutions_without_a_kernel(layer: nn.Conv2d) -> None:
    with pytest.raises(ValueError, match="no kernel for a convolution of"):
        SparseConv2d.from_dense(layer)


def test_refusals() -> None:
    sparse = SparseLinear.from_dense(nn.Linear(4, 3))
    with pytest.raises(RuntimeError, match=r"sparse layers have no gradient: call them under torch\.no_grad"):
        sparse(torch.ones(2, 4, requires_grad=True))
    with pytest.raises(
        TypeError, match=re.escape("x is torch.float64 on cpu; the kernels compute in float32 on the CPU")
    ):
        sparse(torch.ones(2, 4).double())
    with pytest.raises(
        TypeError, match=re.escape("weight is torch.float16; the kernels compute in float32: call .float()")
    ):
        SparseLinear.from_dense(nn.Linear(4, 3).half())
    with pytest.raises(ValueError, match="format 'coo' is not one of csr, shared"):
        SparseLinear.from_dense(nn.Linear(4, 3), kind="coo")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="does not hold 4 inputs"):
        sparse(torch.ones(2, 5))


@torch.no_grad()
def test_saved_loaded_copied_and_changed(tmp_path: Path) -> None:
    layer = thin(nn.Linear(10, 8))
    sparse = SparseLinear.from_dense(layer)
    x = torch.randn(3, 10)
    expected = sparse(x)
    save_file(sparse.state_dict(), tmp_path / "layer.safetensors")
    other = SparseLinear.from_dense(nn.Linear(10, 8))
    other(x)
    other.load_state_dict(load_file(tmp_path / "layer.safetensors"))
    torch.testing.assert_close(other(x), expected, rtol=0, atol=0)
    twin = copy.deepcopy(sparse)
    sparse.weight.zero_()
    torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)
    torch.testing.assert_close(sparse(x), layer.bias.expand(3, 8))


@pytest.mark.parametrize(("name", "data"), [("dit", "digits"), ("unet", "mnist16")])
@torch.no_grad()
def test_a_pruned_model_draws_the_same_pictures(name: str, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer sparse, whatever is faster here: the samples differ by rounding only."""
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n == "dense") for n in candidates})
    dense = pretrained(name)
    prune(dense, calibration_for("magnitude", dense, load(data)[0]), 0.5, method="magnitude", block=Tile(4, 1))
    sparse, side = copy.deepcopy(dense), dense.side
    given = torch.randn(2, 1, side, side), torch.rand(2), torch.arange(2)
    choices = sparsify(sparse, lambda model: model(*given))
    assert len(choices) > 20
    assert {choice.chosen for choice in choices.values()} <= set(modules.FORMATS)
    assert any(isinstance(module, SparseLinear) for module in sparse.modules())
    torch.testing.assert_close(
        metrics.samples(sparse, side, 10, steps=4), metrics.samples(dense, side, 10, steps=4), rtol=0, atol=1e-4
    )


@torch.no_grad()
def test_dense_stays_where_it_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n != "dense") for n in candidates})
    model = nn.Sequential(thin(nn.Linear(8, 8)), nn.Linear(8, 8))
    choices = sparsify(model, lambda model: model(torch.ones(1, 8)))
    assert list(choices) == ["0"]
    assert choices["0"].chosen == "dense"
    assert type(model[0]) is nn.Linear
    assert not model[0]._forward_pre_hooks


@torch.no_grad()
def test_an_activation_behind_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a kernel computes goes into the kernel; the exact GELU is none of them."""
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n == "dense") for n in candidates})
    for activation, fused in ((nn.SiLU(), "silu"), (nn.GELU("tanh"), "gelu"), (nn.GELU(), None), (nn.ReLU(), None)):
        model = nn.Sequential(thin(nn.Linear(8, 8)), activation)
        x = 3 * torch.randn(20, 8)
        expected = model(x)
        sparsify(model, lambda model, x=x: model(x))  # type: ignore[misc]  # no types for defaults of a lambda
        assert isinstance(model[0], SparseLinear)
        assert model[0].activation == fused
        torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
@torch.no_grad()
def test_a_pipeline_of_diffusers_runs_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer with zeros made sparse, and the pictures of the whole pipeline stay."""
    diffusers = diffusers_package()
    monkeypatch.setattr(modules, "_timed", lambda candidates, x: {n: float(n == "dense") for n in candidates})
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ).eval()
    for layer in unet.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            thin(layer)
    pipeline = diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler())
    pipeline.set_progress_bar_config(disable=True)

    def pictures() -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        made = pipeline(batch_size=2, generator=generator, num_inference_steps=3, output_type="np").images
        return torch.from_numpy(made)

    expected = pictures()
    choices = sparsify(unet, lambda model: model(torch.randn(2, 3, 8, 8), 10))
    assert sum(isinstance(module, modules.Sparse) for module in unet.modules()) == len(choices) > 20
    torch.testing.assert_close(pictures(), expected, rtol=0, atol=1e-4)


@torch.no_grad()
def test_equal_layers_are_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[list[str]] = []

    def notes(candidates: dict[str, nn.Module], _x: torch.Tensor) -> dict[str, float]:
        timed.append(list(candidates))
        return {name: float(name == "dense") for name in candidates}

    monkeypatch.setattr(modules, "_timed", notes)
    layers = [nn.Linear(64, 64) for _ in range(5)]
    for layer in layers[:3]:
        layer.weight.view(-1)[::2] = 0
    layers[2].weight[:, 1::4] = 0  # of another sparsity
    layers[3].weight[0, :4] = 0  # as many as half precision makes
    x = torch.randn(3, 64)
    model = nn.Sequential(*layers)
    expected = model(x)
    choices = sparsify(model, lambda model: model(x))
    assert list(choices) == ["0", "1", "2"]
    assert choices["0"] is choices["1"]
    assert [type(layer) for layer in model] == [SparseLinear] * 3 + [nn.Linear] * 2
    assert timed == [["dense", "csr", "shared"]] * 2
    torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-5)
    scattered = nn.Sequential(thin(nn.Linear(64, 64)))
    assert list(sparsify(scattered, lambda model: model(x))["0"].seconds) == ["dense", "csr"]

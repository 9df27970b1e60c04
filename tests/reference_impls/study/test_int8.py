"""Dynamic int8: rounding by hand, every floating type, and refusals that change nothing."""

import copy
import re

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import Layer, prunable
from reference_impls.study.int8 import Int8, quantize
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")


class Doubled(nn.Linear):
    """A layer with a rule of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def slow(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """One output after another, in double precision."""
    weight, inputs = layer.weight.detach().double(), x.double()
    step = float(inputs.abs().max()) / 127
    result = torch.zeros(len(x), len(weight), dtype=torch.float64)
    for output, row in enumerate(weight):
        scale = float(row.abs().max()) / 127
        for sample, values in enumerate(inputs):
            levels = zip(row.tolist(), values.tolist(), strict=True)
            result[sample, output] = scale * step * sum(round(w / scale) * round(v / step) for w, v in levels)
    return result if layer.bias is None else result + layer.bias.double()


@pytest.mark.parametrize("bias", [True, False])
def test_rounding_by_hand(bias: bool) -> None:
    layer, x = nn.Linear(16, 18, bias=bias).double(), torch.randn(3, 16).double()
    torch.testing.assert_close(Int8(layer)(x), slow(layer, x))


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(
    "layer", [nn.Linear(16, 16), nn.Conv1d(16, 16, 3), nn.Conv2d(16, 16, 3, stride=2), nn.Conv3d(16, 16, 1)]
)
def test_every_floating_type_and_layer(layer: Layer, dtype: torch.dtype) -> None:
    x = torch.randn(2, 16, *[7] * (layer.weight.dim() - 2))
    model = nn.Sequential(copy.deepcopy(layer)).to(dtype)
    assert quantize(model) == 1
    output = model(x.to(dtype))
    assert output.dtype == model[0].weight.dtype == dtype
    torch.testing.assert_close(model[0].weight.float(), layer.weight, rtol=0, atol=0.01)
    expected = layer(x)
    assert float((output.float() - expected).norm() / expected.norm()) < 0.03
    assert not model(torch.zeros_like(x, dtype=dtype)).isnan().any()


@pytest.mark.parametrize("scale", [1e-7, 1e4])
def test_weights_at_the_ends_of_half_precision(scale: float) -> None:
    layer = nn.Linear(16, 16, bias=False)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 1).mul_(scale)
    layer = layer.half()
    output = Int8(layer)(torch.full((1, 16), 1e-2, dtype=torch.float16)).float()
    expected = layer.weight.float().sum(1) * 1e-2
    torch.testing.assert_close(output[0], expected, rtol=0.05, atol=1e-7)


@pytest.mark.parametrize("layer", [nn.Linear(16, 18), nn.Conv2d(16, 18, 3)])
def test_a_batch_of_nothing(layer: Layer) -> None:
    x = torch.zeros(0, 16, *[5] * (layer.weight.dim() - 2))
    assert Int8(layer)(input=x).shape == layer(x).shape


def test_a_layer_in_two_places_stays_one() -> None:
    layer = nn.Linear(16, 16)
    model = nn.Sequential(layer, nn.ReLU(), layer, nn.Sequential(layer))
    assert quantize(model) == 1
    assert isinstance(model[0], Int8)
    assert model[0] is model[2]
    assert model[3].get_submodule("0") is model[0]


def test_zeros_stay_zeros_and_the_mode_stays() -> None:
    model = nn.Sequential(nn.Linear(16, 16)).eval()
    with torch.no_grad():
        model.get_parameter("0.weight")[3:7] = 0
    quantize(model)
    rounded = model[0]
    assert isinstance(rounded, Int8)
    assert not rounded.levels[3:7].any()
    assert not rounded.training


def refusals() -> list[tuple[nn.Module, str]]:
    hooked, own, infinite = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
    hooked.register_forward_hook(lambda *_: None)
    vars(own)["forward"] = lambda x: x
    with torch.no_grad():
        infinite.weight[0, 0] = torch.inf
    parametrized = nn.utils.parametrizations.weight_norm(nn.Linear(16, 16))
    return [
        (Doubled(16, 16), "it is a Doubled, and only the layers of torch themselves are replaced"),
        (parametrized, "it is a ParametrizedLinear, and only the layers of torch themselves are replaced"),
        (nn.Conv2d(16, 16, 3, padding=1, padding_mode="circular"), "padding_mode 'circular' is not quantized here"),
        (hooked, "it has hooks"),
        (own, "it has a forward of its own"),
        (infinite, "weight"),
    ]


@pytest.mark.parametrize(("layer", "why"), refusals(), ids=lambda given: given if isinstance(given, str) else None)
def test_a_refusal_names_the_layer_and_changes_nothing(layer: nn.Module, why: str) -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Sequential(layer), nn.Linear(16, 16))
    before = list(model.modules())
    with pytest.raises(ValueError, match=f"^not quantized: 1.0: {re.escape(why)}.*. Name them in leave"):
        quantize(model)
    assert list(model.modules()) == before
    assert quantize(model, leave=["1.0"]) == 2
    assert model[1].get_submodule("0") is layer


def test_every_refused_layer_is_named_at_once() -> None:
    model = nn.Sequential(Doubled(16, 16), nn.Linear(16, 16), Doubled(16, 16))
    with pytest.raises(ValueError, match=r"^not quantized: 0: it is a Doubled, .*; 2: it is a Doubled, "):
        quantize(model)


def test_the_whole_model_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match=r"the model itself: nothing holds it; put it into an nn.Sequential"):
        quantize(nn.Linear(16, 16))


def test_attention_reads_the_weight_of_its_projection_itself() -> None:
    model = nn.Sequential(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)).eval()
    x = torch.randn(2, 5, 16)
    with pytest.raises(ValueError, match=r"0\.self_attn\.out_proj: it is a NonDynamicallyQuantizableLinear, "):
        quantize(model)
    expected = model(x)
    assert quantize(model, leave=["0.self_attn.out_proj"]) == 2
    for gradients in (True, False):  # without, one fused operator reads the weights
        with torch.set_grad_enabled(gradients):
            error = (model(x) - expected).detach().norm() / expected.detach().norm()
        assert 0 < float(error) < 0.05


def test_a_name_to_leave_has_to_be_a_layer() -> None:
    with pytest.raises(ValueError, match=r"^leave: 7 is no prunable layer; names are such as 0$"):
        quantize(nn.Sequential(nn.Linear(16, 16)), leave=["7"])


def test_levels_by_hand() -> None:
    """Weights are multiples of 1/127 of the row's largest, inputs of the call's largest."""
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.27, -0.636]]))
        layer.bias.fill_(0.5)
    quantized = Int8(layer)
    assert quantized.levels.tolist() == [[127, -64]]
    x = torch.tensor([[2.54, 1.0]])
    assert quantized(x).item() == pytest.approx((127 * 127 - 64 * 50) * 0.01 * 0.02 + 0.5, rel=1e-5)


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_it_keeps_zeros_and_hardly_changes_the_output(name: str) -> None:
    model, batch = small(name), from_images(TRAIN, batches=1, size=8).calls[0]
    prune(model, Calibration((batch,)), 0.5, method="magnitude")
    zeros = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    with torch.no_grad():
        before = batch.run(model)
        assert quantize(model) == len(zeros)
        error = (batch.run(model) - before).square().mean() / before.square().mean()
    assert 0 < float(error) < 0.01
    for layer_name, mask in zeros.items():
        assert not model.get_buffer(f"{layer_name}.levels")[mask].any()

"""The rows that a layer's matrix is multiplied with: with them, the matrix gives what the layer itself gives."""

import warnings
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix, in_columns, input_rows, like_weight, prunable

MODES = ("zeros", "reflect", "replicate", "circular")
PADDINGS = ("same", "valid", 0, 1, (1, 2))
KERNELS = (1, 3, (2, 3))
"""An even side is padded unevenly where the padding is "same"."""
STEPS = ((1, 1), (1, 2), (2, 1), ((2, 1), (1, 2)))
"""Stride and dilation."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS, ids=str)
def test_rows_of_a_convolution(mode: str, padding: str | int | tuple[int, int]) -> None:
    x = torch.randn(2, 3, 7, 8, generator=torch.Generator().manual_seed(0))
    for kernel, (stride, dilation) in product(KERNELS, STEPS):
        if padding == "same" and stride != 1:
            continue  # the layer itself refuses it
        layer = nn.Conv2d(3, 5, kernel, stride, padding, dilation, padding_mode=mode)  # type: ignore[arg-type]  # no Literal
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")  # slower, says torch
            output = layer(x)
        assert layer.bias is not None
        made = input_rows(layer, x) @ as_matrix(layer).T + layer.bias  # (n * pixels, outputs)
        expected = output.permute(0, 2, 3, 1).flatten(0, 2)
        torch.testing.assert_close(made, expected, msg=f"kernel {kernel}, stride {stride}, dilation {dilation}")


@pytest.mark.parametrize("sides", [1, 3])
def test_rows_of_a_convolution_over_lines_and_volumes(sides: int) -> None:
    layer = nn.Conv1d(3, 5, 3, stride=2, padding=1) if sides == 1 else nn.Conv3d(3, 5, 3, stride=2, padding=1)
    x = torch.randn(2, 3, *(5, 6, 7)[:sides], generator=torch.Generator().manual_seed(0))
    assert layer.bias is not None
    made = input_rows(layer, x) @ as_matrix(layer).T + layer.bias
    torch.testing.assert_close(made, layer(x).movedim(1, -1).flatten(0, -2))


def test_groups_of_a_pattern_lie_along_the_input_channels() -> None:
    """The layout of sparse kernels for convolutions: outputs, kernel rows, kernel columns, channels."""
    weight = torch.randn(16, 16, 3, 3, generator=torch.Generator().manual_seed(0))
    layer = nn.Conv2d(16, 16, 3)
    with torch.no_grad():
        layer.weight.copy_(weight)
    prune(nn.Sequential(layer), method="magnitude", pattern=Pattern(2, 4))
    groups = layer.weight.detach().permute(0, 2, 3, 1).reshape(-1, 4)
    assert (groups != 0).sum(1).eq(2).all()
    largest = weight.permute(0, 2, 3, 1).reshape(-1, 4).abs().topk(2, dim=1).values.sum(1)
    torch.testing.assert_close(groups.abs().sum(1), largest)


def test_a_matrix_goes_back_into_the_shape_of_the_weight() -> None:
    for shape in ((5, 4), (5, 4, 3), (5, 4, 3, 2), (5, 4, 3, 2, 2)):
        weight = torch.randn(shape)
        assert torch.equal(like_weight(in_columns(weight), weight), weight)


def test_rows_of_a_linear() -> None:
    layer, x = nn.Linear(4, 5), torch.randn(2, 3, 4)
    torch.testing.assert_close(input_rows(layer, x) @ as_matrix(layer).T + layer.bias, layer(x).flatten(0, 1))


def test_small_and_grouped_layers_stay_dense() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),  # one input
        nn.Conv2d(16, 16, 3),
        nn.Conv2d(32, 32, 3, groups=2),
        nn.Linear(16, 15),
        nn.Linear(16, 16),
    )
    assert list(prunable(model)) == ["1", "4"]


class Adapted(nn.Module):
    """A layer with a LoRA beside it, as PEFT makes it."""

    def __init__(self) -> None:
        super().__init__()
        self.base_layer = nn.Linear(16, 16)
        self.lora_A = nn.ModuleDict({"default": nn.Linear(16, 16)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(16, 16)})


def test_layers_whose_weights_are_not_theirs_to_prune() -> None:
    """What is written to a weight that is computed from others would be gone in the next forward pass."""
    coded = nn.Linear(16, 16)
    coded.weight = nn.Parameter(torch.ones(16, 16, dtype=torch.int8), requires_grad=False)
    normed = weight_norm(nn.Conv1d(16, 16, 3))
    model = nn.ModuleList([normed, coded, Adapted(), nn.Linear(16, 16)])
    before = normed.weight.detach().clone()
    report = prune(model, method="magnitude", sparsity=0.5)
    assert list(report.achieved) == ["2.base_layer", "3"]
    assert dict(report.left_out) == {
        "0": "a layer whose weight is made of others, as by weight norm",
        "1": "a quantized layer",
        "2.lora_A.default": "a layer of an adapter",
        "2.lora_B.default": "a layer of an adapter",
    }
    assert torch.equal(normed.weight, before)
    with pytest.raises(ValueError, match=r"has no Linear or .* or more; each is a layer whose weight is made"):
        prunable(nn.ModuleList([normed, coded]))

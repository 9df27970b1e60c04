"""The rows that a layer's matrix is multiplied with: with them, the matrix gives what the layer itself gives."""

import warnings
from itertools import product

import pytest
import torch
from torch import nn

from reference_impls.pruning.layers import as_matrix, input_rows, prunable

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

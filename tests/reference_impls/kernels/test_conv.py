"""3x3 convolutions: right to 1e-5 of float64 on every side, stride, padding, layout and version."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.kernels import conv3x3, rowblock_conv3x3

KERNELS = [conv3x3, rowblock_conv3x3]
SHAPES = [
    (1, 1, 1, 1, 1),
    (2, 3, 5, 4, 4),
    (3, 7, 6, 5, 9),
    (1, 17, 13, 16, 16),
    (2, 5, 9, 8, 8),
    (1, 3, 4, 33, 130),
    (1, 2, 3, 7, 200),
    (5, 4, 8, 2, 3),
    (1, 40, 7, 31, 64),
]


STEPS = [(1, 1), (1, 0), (2, 1), (2, 0)]
"""Stride and padding."""


def random(
    images: int, channels: int, outputs: int, height: int, width: int, density: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    mask = generator.random((outputs, channels, 3, 3)) < density
    weight = (generator.standard_normal(mask.shape) * mask).astype(np.float32)
    x = generator.standard_normal((images, channels, height, width)).astype(np.float32)
    return weight, x, generator.standard_normal(outputs).astype(np.float32)


def check(
    kernel: ModuleType,
    weight: np.ndarray,
    x: np.ndarray,
    bias: np.ndarray,
    *,
    stride: int,
    padding: int,
    activation: str | None = None,
    **options: object,
) -> None:
    pictures, weights, biases = (torch.from_numpy(one).double() for one in (x, weight, bias))
    exact = torch.nn.functional.conv2d(pictures, weights, biases, stride, padding)
    options |= {"stride": stride, "padding": padding, "activation": activation}
    if activation == "silu":
        exact = torch.nn.functional.silu(exact)
    size = max(1.0, float(exact.abs().max())) if exact.numel() else 1.0
    packed = kernel.pack(weight)
    got = kernel.convolve(packed, x, bias=bias, **options)
    assert np.abs(got - exact.numpy()).max(initial=0) <= 1e-5 * size
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    turned = kernel.convolve(packed, last, bias=bias, channels_last=True, **options)
    assert np.abs(turned.transpose(0, 3, 1, 2) - exact.numpy()).max(initial=0) <= 1e-5 * size


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("shape", "stride", "padding"),
    [(shape, *step) for shape in SHAPES for step in STEPS if min(shape[3:]) + 2 * step[1] >= 3],
)
def test_against_float64(kernel: ModuleType, shape: tuple[int, int, int, int, int], stride: int, padding: int) -> None:
    for density in (0.0, 0.1, 1.0):
        for threads in (1, 2):
            check(kernel, *random(*shape, density), stride=stride, padding=padding, threads=threads)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_slower_versions(kernel: ModuleType, backend: str) -> None:
    for stride, padding in ((1, 1), (2, 0)):
        data = random(2, 3, 6, 7, 5, 0.4)
        check(kernel, *data, stride=stride, padding=padding, backend=backend, activation="silu")


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=50)
@given(st.data())
def test_any_shape(kernel: ModuleType, data: st.DataObject) -> None:
    images, channels, outputs = (data.draw(st.integers(1, most)) for most in (4, 20, 20))
    height, width = (data.draw(st.integers(3, 40)) for _ in range(2))
    made = random(images, channels, outputs, height, width, data.draw(st.floats(0, 1)), data.draw(st.integers(0, 9)))
    stride, padding = data.draw(st.sampled_from([1, 2])), data.draw(st.sampled_from([0, 1]))
    check(kernel, *made, stride=stride, padding=padding, threads=data.draw(st.integers(1, 3)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_not_contiguous(kernel: ModuleType) -> None:
    weight, x, _ = random(2, 6, 5, 9, 9, 0.5)
    packed = kernel.pack(np.ascontiguousarray(weight[:, ::2]))
    expected = kernel.convolve(packed, np.ascontiguousarray(x[:, ::2, ::-1]))
    np.testing.assert_array_equal(kernel.convolve(packed, x[:, ::2, ::-1]), expected)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"x": np.zeros((1, 2, 4, 4))}, TypeError, "x is float64"),
        (
            {"x": np.zeros((1, 3, 4, 4), np.float32)},
            ValueError,
            "x of shape (1, 3, 4, 4) does not hold 2 channels first",
        ),
        ({"stride": 3}, ValueError, "stride 3 and padding 1: the kernel knows strides 1 and 2, paddings 0 and 1"),
        ({"padding": 2}, ValueError, "stride 1 and padding 2"),
        ({"x": np.zeros((1, 2, 2, 2), np.float32), "padding": 0}, ValueError, "images of 2 x 2 are smaller than the"),
        ({"activation": "relu"}, ValueError, "activation 'relu' is not silu, gelu or None"),
        ({"bias": np.zeros(9, np.float32)}, ValueError, "bias of shape (9,) does not fit 3 outputs"),
        ({"threads": 0}, ValueError, "threads 0 is not positive"),
    ],
)
def test_refusals(kernel: ModuleType, change: dict[str, Any], error: type[Exception], told: str) -> None:
    packed = kernel.pack(np.ones((3, 2, 3, 3), np.float32))
    with pytest.raises(error, match=re.escape(told)):
        kernel.convolve(packed, **({"x": np.zeros((1, 2, 4, 4), np.float32)} | change))


@pytest.mark.parametrize("kernel", KERNELS)
def test_weights_that_are_refused(kernel: ModuleType) -> None:
    with pytest.raises(ValueError, match=re.escape("weight of shape (2, 2, 5, 5) is not (outputs, channels, 3, 3)")):
        kernel.pack(np.ones((2, 2, 5, 5), np.float32))


def test_no_pictures() -> None:
    packed = conv3x3.pack(np.ones((3, 2, 3, 3), np.float32))
    assert conv3x3.convolve(packed, np.zeros((0, 2, 4, 4), np.float32)).shape == (0, 3, 4, 4)

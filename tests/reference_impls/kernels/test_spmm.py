"""SpMM, unstructured and shared: right to 1e-5 of float64 on every shape, layout, number of threads and version."""

from __future__ import annotations

import re
import resource
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.kernels import csr_spmm, rowblock_spmm
from reference_impls.kernels.spmm import finish
from reference_impls.kernels.weight_order import arrange

KERNELS = [csr_spmm, rowblock_spmm]
SHAPES = [
    (1, 1, 1),
    (7, 5, 3),
    (130, 77, 129),
    (513, 300, 64),
    (3, 2_000, 17),
    (1_030, 40, 1),
    (64, 64, 200),
    (2, 3, 0),
]


def random(
    outputs: int, inputs: int, tokens: int, density: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    weight = generator.standard_normal((outputs, inputs)) * (generator.random((outputs, inputs)) < density)
    x, bias = generator.standard_normal((tokens, inputs)), generator.standard_normal(outputs)
    return weight.astype(np.float32), x.astype(np.float32), bias.astype(np.float32)


def check(
    kernel: ModuleType,
    weight: np.ndarray,
    x: np.ndarray,
    bias: np.ndarray | None,
    *,
    activation: str | None = None,
    **options: object,
) -> None:
    options["activation"] = activation
    exact: Any = x.astype(np.float64) @ weight.astype(np.float64).T + (0 if bias is None else bias.astype(np.float64))
    exact = finish(exact, activation)
    packed = kernel.pack(weight)
    size = max(1.0, float(np.abs(exact).max(initial=0)))
    got = kernel.multiply(packed, x, bias=bias, **options)
    assert np.abs(got - exact).max(initial=0) <= 1e-5 * size
    across = kernel.multiply(packed, np.ascontiguousarray(x.T), bias=bias, layout="channels_first", **options)
    assert np.abs(across - exact.T).max(initial=0) <= 1e-5 * size
    pictures = np.stack([x.T, 2 * x.T, np.zeros_like(x.T)])
    apart = kernel.multiply(packed, pictures, layout="channels_first", **options)
    assert apart.shape == (3, len(weight), len(x))
    for picture, alone in zip(pictures, apart, strict=True):
        one = kernel.multiply(packed, picture, layout="channels_first", **options)
        assert np.abs(alone - one).max(initial=0) <= 1e-5 * size


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_against_float64(kernel: ModuleType, shape: tuple[int, int, int], density: float) -> None:
    weight, x, bias = random(*shape, density)
    for threads in (1, 2):
        check(kernel, weight, x, bias, backend="cpp", threads=threads)
    check(kernel, weight, x, None, backend="cpp")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_slower_versions(kernel: ModuleType, backend: str) -> None:
    for shape in ((1, 1, 1), (7, 5, 3), (130, 77, 129), (2, 3, 0)):
        for density in (0.0, 0.3, 1.0):
            weight, x, bias = random(*shape, density)
            check(kernel, weight, x, bias, backend=backend, activation="silu")
            check(kernel, weight, x, None, backend=backend)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("activation", ["silu", "gelu"])
def test_activations_over_their_whole_range(kernel: ModuleType, activation: str) -> None:
    weight = np.eye(4, dtype=np.float32)
    x = np.concatenate([np.linspace(-120, 120, 997), [0.0, -0.0, 1e-20, -1e-20]]).astype(np.float32)
    check(kernel, weight, np.stack([x] * 4, axis=1), None, activation=activation, backend="cpp")


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=60)
@given(st.data())
def test_any_shape(kernel: ModuleType, data: st.DataObject) -> None:
    outputs, inputs, tokens = (data.draw(st.integers(1, most)) for most in (70, 150, 300))
    weight, x, bias = random(outputs, inputs, tokens, data.draw(st.floats(0, 1)), data.draw(st.integers(0, 9)))
    weight[data.draw(st.integers(0, outputs - 1))] = 0
    weight[:, data.draw(st.integers(0, inputs - 1))] = 0
    check(kernel, weight, x, bias, threads=data.draw(st.integers(1, 3)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_not_contiguous_and_not_changed(kernel: ModuleType) -> None:
    weight, x, _ = random(20, 30, 40, 0.5)
    wide = np.zeros((40, 60), np.float32)
    wide[:, ::2] = x
    before = wide.copy()
    packed = kernel.pack(weight)
    np.testing.assert_allclose(kernel.multiply(packed, wide[:, ::2]), x @ weight.T, atol=1e-4)
    np.testing.assert_array_equal(wide, before)
    np.testing.assert_allclose(kernel.multiply(packed, x[::-1]), x[::-1] @ weight.T, atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_calls_repeat_to_the_bit(kernel: ModuleType) -> None:
    weight, x, bias = random(100, 90, 80, 0.3)
    packed = kernel.pack(weight)
    first = kernel.multiply(packed, x, bias=bias)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(kernel.multiply(packed, x, bias=bias, threads=threads), first)


def test_a_shared_pattern_stores_each_place_once() -> None:
    generator = np.random.default_rng(0)
    mask = np.repeat(generator.random((8, 64)) < 0.1, 4, axis=0)
    weight = (generator.standard_normal((32, 64)) * mask).astype(np.float32)
    packed = rowblock_spmm.pack(weight)
    assert packed.values.size == mask.sum()
    assert rowblock_spmm.shares_pattern(weight) == 1.0
    single = (generator.standard_normal((32, 64)) * (generator.random((32, 64)) < 0.01)).astype(np.float32)
    assert rowblock_spmm.shares_pattern(single) < 0.3


@pytest.mark.parametrize("span_rows", [1, 2])
@pytest.mark.parametrize("outputs", [1, 37, 1_101])
def test_a_stream_holds_every_weight_once_in_order(outputs: int, span_rows: int) -> None:
    generator = np.random.default_rng(0)
    weight = np.zeros((outputs, 50), np.float32)
    rows, columns = np.nonzero(generator.random(weight.shape) < 0.2)
    weight[rows, columns] = np.arange(1, len(rows) + 1)
    stream = arrange(
        rows,
        columns,
        weight[rows, columns],
        columns % 8 * 4,
        rows=outputs,
        columns=50,
        block_inputs=8,
        span_rows=span_rows,
    )
    assert stream.span_start[-1] == len(stream.span_count) == len(stream.span_row)
    found = np.zeros((stream.chunks * stream.chunk_rows, 50), np.float32)
    at = 0
    for part in range(stream.chunks * stream.blocks):
        chunk, block = divmod(part, stream.blocks)
        spans = slice(stream.span_start[part], stream.span_start[part + 1])
        counts = stream.span_count[spans]
        assert (np.diff(counts) <= 0).all()
        assert (-(-counts // 4)).sum() == stream.entry_start[part + 1] - stream.entry_start[part]
        for count, of_span in zip(counts, stream.span_row[spans], strict=True):
            for number in range(count):
                slot = number % 4
                values, offsets = stream.entries[at + number // 4]
                column = 8 * block + (int(offsets) >> 16 * slot & 0xFFFF) // 4
                found[chunk * stream.chunk_rows + of_span[slot % span_rows], column] += values[slot]
            at += -(-count // 4)
    assert at == len(stream.entries)
    np.testing.assert_array_equal(found[:outputs], weight)
    assert not found[outputs:].any()


def test_rows_of_a_span_differ_by_few_weights() -> None:
    """Rows are paired by their number of weights, so that few zeros fill the entries of the shorter one."""
    generator = np.random.default_rng(0)
    rows, columns = np.nonzero(generator.random((512, 256)) < 0.1)
    values = np.ones(len(rows), np.float32)
    stream = arrange(rows, columns, values, columns, rows=512, columns=256, block_inputs=256, span_rows=2)
    assert len(values) <= stream.span_count.sum() <= 1.03 * len(values)


@pytest.mark.parametrize("kernel", KERNELS)
def test_memory_does_not_grow(kernel: ModuleType) -> None:
    packed = kernel.pack(np.eye(3, dtype=np.float32))
    x = np.ones((2, 3), np.float32)
    for _ in range(500):
        kernel.multiply(packed, x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        kernel.multiply(packed, x)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_000  # kB


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"x": np.zeros((2, 4))}, TypeError, "x is float64; the kernels compute in float32: convert it with .astype"),
        ({"x": np.zeros((2, 4), np.float16)}, TypeError, "x is float16"),
        ({"x": np.zeros((2, 5), np.float32)}, ValueError, "x of shape (2, 5) does not hold 4 inputs, tokens first"),
        ({"x": np.zeros(4, np.float32)}, ValueError, "x of shape (4,) does not hold 4 inputs"),
        ({"bias": np.zeros(2, np.float32)}, ValueError, "bias of shape (2,) does not fit 3 outputs"),
        ({"bias": np.zeros(3)}, TypeError, "bias is float64"),
        ({"layout": "sideways"}, ValueError, "layout 'sideways' is not tokens_first or channels_first"),
        ({"activation": "relu"}, ValueError, "activation 'relu' is not silu, gelu or None"),
        ({"threads": 0}, ValueError, "threads 0 is not positive"),
        ({"backend": "fortran"}, ValueError, "backend 'fortran' is not cpp, numba or numpy"),
    ],
)
def test_refusals(kernel: ModuleType, change: dict[str, Any], error: type[Exception], told: str) -> None:
    packed = kernel.pack(np.ones((3, 4), np.float32))
    with pytest.raises(error, match=re.escape(told)):
        kernel.multiply(packed, **({"x": np.zeros((2, 4), np.float32)} | change))


@pytest.mark.parametrize("kernel", KERNELS)
def test_weights_that_are_refused(kernel: ModuleType) -> None:
    with pytest.raises(TypeError, match="weight is float64; the kernels compute in float32"):
        kernel.pack(np.ones((2, 2)))
    with pytest.raises(ValueError, match=re.escape("weight of shape (2, 2, 1) is not a matrix")):
        kernel.pack(np.ones((2, 2, 1), np.float32))

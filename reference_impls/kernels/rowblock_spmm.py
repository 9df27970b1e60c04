"""SpMM for 4×1 blocks, in which four rows have the same pattern: vector-wise n:m (2:4x4), blocks of 4×1, of 16×16.

1. ``reference``: the definition, in NumPy.
2. ``readable``: four rows at a time, in numba.
3. ``rowblock_spmm.cpp``: four rows times four vectors of tokens in registers; three vectors with the registers of AVX2.

Each vector of inputs that is loaded serves four multiply-adds, so the load no longer is what limits: 16 multiply-adds
for 4 loads of inputs and 4 of weights, where the unstructured kernel needs 16 loads of inputs for 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from reference_impls.kernels import build
from reference_impls.kernels.spmm import (
    Backend,
    Floats,
    Layout,
    call_cpp,
    call_slow,
    check_call,
    check_float32,
    choose_backend,
)
from reference_impls.kernels.weight_order import Stream, arrange

ROWS = 4
"""Rows that share a pattern."""
PANEL_BYTES = 256 * 1024
"""Fraction of the L2 cache that a panel may take."""


@dataclass(frozen=True)
class RowBlockWeight:
    """A sparse matrix (outputs, inputs) in strips of four rows; a column of a strip is kept or not as a whole."""

    values: Floats
    """(n, 4)."""
    columns: np.ndarray
    """(n,) inputs, rising in each strip."""
    strip_start: np.ndarray
    """(strips + 1,)."""
    outputs: int
    inputs: int
    stream: Stream


def pack(weight: Floats) -> RowBlockWeight:
    """Prepare a matrix; a column of a strip of four rows is skipped where all four are zero.

    Any matrix is computed correctly. It is fast where zeros form 4×1 blocks.

    Args:
        weight: (outputs, inputs), float32.

    Raises:
        TypeError: it is not float32.
        ValueError: it is not a matrix.
    """
    if check_float32("weight", weight).ndim != 2:
        raise ValueError(f"weight of shape {weight.shape} is not a matrix")
    outputs, inputs = weight.shape
    strips = -(-outputs // ROWS)
    whole = np.zeros((strips * ROWS, inputs), np.float32)
    whole[:outputs] = weight
    by_strip = whole.reshape(strips, ROWS, inputs)
    strip, columns = np.nonzero((by_strip != 0).any(axis=1))
    values = np.ascontiguousarray(by_strip[strip, :, columns])  # (n, 4)
    block = max(1, PANEL_BYTES // (tile() * 4))
    stream = arrange(
        strip,
        columns,
        values,
        columns % block * tile(),
        rows=outputs,
        columns=inputs,
        block_inputs=block,
        group=ROWS,
    )
    return RowBlockWeight(values, columns, np.searchsorted(strip, np.arange(strips + 1)), outputs, inputs, stream)


def shares_pattern(weight: Floats) -> float:
    """Fraction of the stored positions that hold a weight: 1 where every strip of four rows agrees, 1/4 at worst."""
    used = weight != 0
    strips = np.add.reduceat(used, np.arange(0, len(used), ROWS), axis=0) > 0
    return float(used.sum() / max(1, strips.sum() * ROWS))


@cache
def tile() -> int:
    """Tokens of a tile on this machine."""
    return int(build.library("rowblock_spmm").rowblock_spmm_tile()) if build.available() else 24


def multiply(
    weight: RowBlockWeight,
    x: Floats,
    *,
    bias: Floats | None = None,
    activation: str | None = None,
    layout: Layout = "tokens_first",
    threads: int = 1,
    backend: Backend | None = None,
) -> Floats:
    """Y, laid out as x; arguments, results and refusals as in ``csr_spmm.multiply``."""
    check_call(x, weight.inputs, layout, activation, threads)
    if bias is not None and check_float32("bias", bias).shape != (weight.outputs,):
        raise ValueError(f"bias of shape {bias.shape} does not fit {weight.outputs} outputs")
    chosen = choose_backend(backend)
    if chosen == "cpp":
        return call_cpp(
            build.library("rowblock_spmm").rowblock_spmm,
            weight.stream,
            weight.outputs,
            weight.inputs,
            x,
            bias,
            activation,
            layout,
            threads,
        )
    compute = readable() if chosen == "numba" else reference
    return call_slow(
        lambda rows: compute(weight.values, weight.columns, weight.strip_start, rows)[: weight.outputs],
        x,
        bias,
        activation,
        layout,
    )


def reference(values: Floats, columns: np.ndarray, strip_start: np.ndarray, x: Floats) -> Floats:
    """The definition: x (inputs, tokens) -> (strips * 4, tokens)."""
    y = np.zeros((ROWS * (len(strip_start) - 1), x.shape[1]), np.float32)
    for strip in range(len(strip_start) - 1):
        mine = slice(strip_start[strip], strip_start[strip + 1])
        y[ROWS * strip : ROWS * (strip + 1)] = values[mine].T @ x[columns[mine]]
    return y


@cache
def readable() -> Any:
    """The same in numba: a row of inputs is read once for four rows of outputs."""
    from numba import njit

    @njit(fastmath={"contract"})
    def spmm(values, columns, strip_start, x):  # type: ignore[no-untyped-def]  # numba finds them
        y = np.zeros((4 * (len(strip_start) - 1), x.shape[1]), np.float32)
        for strip in range(len(strip_start) - 1):
            a, b, c, d = y[4 * strip], y[4 * strip + 1], y[4 * strip + 2], y[4 * strip + 3]
            for i in range(strip_start[strip], strip_start[strip + 1]):
                inputs = x[columns[i]]
                v, w, r, s = values[i, 0], values[i, 1], values[i, 2], values[i, 3]
                for token in range(len(inputs)):
                    a[token] += v * inputs[token]
                    b[token] += w * inputs[token]
                    c[token] += r * inputs[token]
                    d[token] += s * inputs[token]
        return y

    return spmm

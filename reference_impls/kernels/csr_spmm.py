"""Unstructured SpMM: Y = X W^T with a W in CSR form, in which every row has its own pattern (also n:m along a row).

1. ``reference``: the definition, in NumPy.
2. ``readable``: row by row, weight by weight, in numba.
3. ``csr_spmm.cpp``: a tile of tokens at a time, packed so that it stays in the L1 cache. A wide tile, eight vectors,
   takes one row of weights at a time; a narrow one, four vectors, takes two.

Per non-zero weight and vector of tokens: one multiply-add, one load of inputs folded into it, a
sixteenth of a load of weights (an eighth in a narrow tile): the values of four weights are one load, and so are their
offsets. One load a multiply-add caps any unstructured kernel.
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

NARROW_BELOW = 0.35
"""Density of weights below which a tile is narrow: sums come and go more often than inputs, so blocks are longer."""
PANEL_BYTES = 24 * 1024
"""Fraction of the L1 cache that a panel may take; weights and sums pass through the rest."""


@dataclass(frozen=True)
class CsrWeight:
    """A sparse matrix (outputs, inputs), twice: as CSR, and as the stream of the C++ kernel."""

    values: Floats
    columns: np.ndarray
    row_start: np.ndarray
    outputs: int
    inputs: int
    narrow: bool
    """Which of the two tiles the stream is for."""
    stream: Stream


def pack(weight: Floats) -> CsrWeight:
    """Prepare a matrix whose zeros are to be skipped.

    Args:
        weight: (outputs, inputs), float32.

    Raises:
        TypeError: it is not float32.
        ValueError: it is not a matrix.
    """
    if check_float32("weight", weight).ndim != 2:
        raise ValueError(f"weight of shape {weight.shape} is not a matrix")
    outputs, inputs = weight.shape
    rows, columns = np.nonzero(weight)
    return from_csr(weight[rows, columns], columns, np.searchsorted(rows, np.arange(outputs + 1)), outputs, inputs)


def from_csr(values: Floats, columns: np.ndarray, row_start: np.ndarray, outputs: int, inputs: int) -> CsrWeight:
    """Prepare a matrix that is in CSR form already: (n,), (n,), (outputs + 1,)."""
    rows = np.repeat(np.arange(outputs), np.diff(row_start))
    density = len(values) / max(1, outputs * inputs)
    narrow = density < NARROW_BELOW
    block = max(1, panel_bytes(density) // (4 * tile(narrow)))
    stream = arrange(
        rows,
        columns,
        values,
        columns % block * tile(narrow),
        rows=outputs,
        columns=inputs,
        block_inputs=block,
        span_rows=2 if narrow else 1,
    )
    return CsrWeight(values, columns.astype(np.int64), row_start.astype(np.int64), outputs, inputs, narrow, stream)


@cache
def tile(narrow: bool) -> int:
    """Tokens of a tile on this machine; a guess that nothing uses where there is no compiler."""
    return int(getattr(build.library("csr_spmm"), f"{function(narrow)}_tile")()) if build.available() else 64


def function(narrow: bool) -> str:
    """Which C++ function computes with a tile."""
    return "csr_spmm_narrow" if narrow else "csr_spmm"


def panel_bytes(density: float) -> int:
    """Bytes of a panel: what the L1 cache holds, more at high sparsity, where sums cost more."""
    return int(PANEL_BYTES * (1 if density > 0.12 else 1.5 if density > 0.07 else 2 if density > 0.02 else 6))


def multiply(
    weight: CsrWeight,
    x: Floats,
    *,
    bias: Floats | None = None,
    activation: str | None = None,
    layout: Layout = "tokens_first",
    threads: int = 1,
    backend: Backend | None = None,
) -> Floats:
    """Y, laid out as x.

    Args:
        weight: from ``pack``.
        x: (tokens, inputs); or, with layout channels_first, (inputs, pixels) or (images, inputs, pixels); float32,
            contiguous or not.
        bias: (outputs,).
        activation: silu, gelu (its tanh form) or None.
        layout: tokens_first as in ``nn.Linear``, or channels_first as in a 1×1 convolution.
        threads: of the C++ form.
        backend: cpp, numba or numpy; the fastest there is where not given.

    Raises:
        TypeError: x or bias is not float32.
        ValueError: a shape, name or number does not fit.
    """
    check_call(x, weight.inputs, layout, activation, threads)
    if bias is not None and check_float32("bias", bias).shape != (weight.outputs,):
        raise ValueError(f"bias of shape {bias.shape} does not fit {weight.outputs} outputs")
    chosen = choose_backend(backend)
    if chosen == "cpp":
        return call_cpp(
            getattr(build.library("csr_spmm"), function(weight.narrow)),
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
        lambda rows: compute(weight.values, weight.columns, weight.row_start, rows), x, bias, activation, layout
    )


def reference(values: Floats, columns: np.ndarray, row_start: np.ndarray, x: Floats) -> Floats:
    """The definition: x (inputs, tokens) -> (outputs, tokens)."""
    y = np.zeros((len(row_start) - 1, x.shape[1]), np.float32)
    for row in range(len(y)):
        mine = slice(row_start[row], row_start[row + 1])
        y[row] = values[mine] @ x[columns[mine]]
    return y


@cache
def readable() -> Any:
    """The same in numba: the inner loop runs over tokens, which a compiler turns into vectors."""
    from numba import njit

    @njit(fastmath={"contract"})
    def spmm(values, columns, row_start, x):  # type: ignore[no-untyped-def]  # numba finds them
        y = np.zeros((len(row_start) - 1, x.shape[1]), np.float32)
        for row in range(len(y)):
            for i in range(row_start[row], row_start[row + 1]):
                value, inputs = values[i], x[columns[i]]
                for token in range(len(inputs)):
                    y[row, token] += value * inputs[token]
        return y

    return spmm

"""Every implementation of one layer: dense libraries, sparse libraries where they are installed, and our kernels.

Each result is checked against float64 before it is timed. Arrays of torch are in torch's own memory, as in any
program that uses it: numpy asks the system for huge pages, and torch does not.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from reference_impls.bench.layers import Case, Conv, Linear, masked
from reference_impls.bench.timing import Call
from reference_impls.kernels import conv3x3, csr_spmm, rowblock_conv3x3, rowblock_spmm
from reference_impls.kernels.spmm import Floats

TOLERANCE = 1e-5
"""Largest error, relative to the largest result."""


@dataclass(frozen=True)
class Implementation:
    """One implementation of a layer."""

    library: str
    pattern: str
    kind: str
    """dense, sparse (a library), csr (ours, unstructured) or shared (ours, 4×1 blocks)."""
    call: Call


def implementations(case: Case, threads: int) -> list[Implementation]:
    """All implementations of a layer at one sparsity; the dense ones once.

    Raises:
        RuntimeError: a result is wrong.
    """
    found: list[Implementation] = []
    with warnings.catch_warnings():  # torch calls its sparse layouts beta
        warnings.simplefilter("ignore", UserWarning)
        for pattern in case.patterns:
            with_dense = pattern == case.patterns[0]
            if isinstance(case.layer, Linear):
                found += _linear(case.layer, pattern, case.sparsity, threads, with_dense, case.libraries)
            else:
                found += _conv(case.layer, pattern, case.sparsity, threads, with_dense)
    return found


def _linear(
    layer: Linear, pattern: str, sparsity: float, threads: int, with_dense: bool, libraries: bool
) -> Iterator[Implementation]:
    weight = masked((layer.outputs, layer.inputs), pattern, sparsity)
    first = np.random.default_rng(1).standard_normal((layer.tokens, layer.inputs)).astype(np.float32)
    across = np.ascontiguousarray(first.T)
    w, x, x_across = (torch.from_numpy(array).clone() for array in (weight, first, across))
    csr = csr_spmm.pack(weight)
    calls: dict[tuple[str, str], Call] = {}
    if with_dense:
        calls["torch linear", "dense"] = lambda: nn.functional.linear(x, w)
        calls["torch matmul, channels first", "dense"] = lambda: w @ x_across
        calls["numpy", "dense"] = lambda: first @ weight.T
    calls["ours, csr", "csr"] = lambda: csr_spmm.multiply(csr, first, threads=threads)
    calls["ours, csr, channels first", "csr"] = lambda: csr_spmm.multiply(
        csr, across, layout="channels_first", threads=threads
    )
    if pattern != "unstructured":
        shared = rowblock_spmm.pack(weight)
        calls["ours, shared", "shared"] = lambda: rowblock_spmm.multiply(shared, first, threads=threads)
        calls["ours, shared, channels first", "shared"] = lambda: rowblock_spmm.multiply(
            shared, across, layout="channels_first", threads=threads
        )
    if libraries and pattern in ("unstructured", "4x4"):
        calls |= {(name, "sparse"): call for name, call in sparse_libraries(weight, across, pattern, threads).items()}
    exact = first.astype(np.float64) @ weight.astype(np.float64).T
    yield from _checked(layer.name, pattern, calls, exact)


def sparse_libraries(weight: Floats, x: Floats, pattern: str, threads: int) -> Mapping[str, Call]:
    """(outputs, inputs) times (inputs, tokens) by torch, scipy, MKL and JAX, where they are installed."""
    w, xt = torch.from_numpy(weight), torch.from_numpy(x)
    if pattern == "4x4":
        by_block = w.to_sparse_bsr((4, 4))
        return {"torch BSR 4x4": lambda: by_block @ xt}
    by_row = w.to_sparse_csr()
    calls: dict[str, Call] = {"torch CSR": lambda: by_row @ xt}
    try:
        from scipy.sparse import csr_matrix
    except ImportError:
        return calls
    matrix = csr_matrix(weight)
    if threads == 1:  # it has no threads
        calls["scipy CSR"] = lambda: matrix @ x
    try:
        _show_mkl()
        from sparse_dot_mkl import dot_product_mkl, mkl_set_num_threads
    except ImportError:
        pass
    else:
        mkl_set_num_threads(threads)
        calls["sparse_dot_mkl"] = lambda: dot_product_mkl(matrix, x)
    try:
        import jax
        from jax.experimental.sparse import BCSR
    except ImportError:
        pass
    else:
        product = jax.jit(lambda a, b: a @ b)
        by_jax, x_jax = BCSR.from_scipy_sparse(matrix), jax.numpy.asarray(x)
        calls["jax BCSR"] = lambda: product(by_jax, x_jax).block_until_ready()
    return calls


def _show_mkl() -> None:
    """The package ``mkl`` puts its library where sparse_dot_mkl does not look."""
    libraries = sorted((Path(sys.prefix) / "lib").glob("libmkl_rt.so*"))
    if libraries:
        os.environ.setdefault("MKL_RT", str(libraries[0]))


def _conv(layer: Conv, pattern: str, sparsity: float, threads: int, with_dense: bool) -> Iterator[Implementation]:
    channels, side = layer.channels, layer.side
    weight = masked((channels, 9 * channels), pattern, sparsity).reshape(channels, channels, 3, 3)
    image = np.random.default_rng(1).standard_normal((1, channels, side, side)).astype(np.float32)
    w, x = torch.from_numpy(weight).clone(), torch.from_numpy(image).clone()
    w_last, x_last = (tensor.to(memory_format=torch.channels_last) for tensor in (w, x))
    single = conv3x3.pack(weight)
    calls: dict[tuple[str, str], Call] = {}
    if with_dense:
        calls["torch conv2d", "dense"] = lambda: torch.conv2d(x, w, padding=1)
        calls["torch conv2d, channels last", "dense"] = lambda: torch.conv2d(x_last, w_last, padding=1)
    calls["ours, csr", "csr"] = lambda: conv3x3.convolve(single, image, threads=threads)
    if pattern != "unstructured":
        shared = rowblock_conv3x3.pack(weight)
        calls["ours, shared", "shared"] = lambda: rowblock_conv3x3.convolve(shared, image, threads=threads)
    exact = torch.conv2d(x.double(), w.double(), padding=1).numpy()
    yield from _checked(layer.name, pattern, calls, exact)


def _checked(
    layer: str, pattern: str, calls: Mapping[tuple[str, str], Call], exact: np.ndarray
) -> Iterator[Implementation]:
    scale = float(np.abs(exact).max()) or 1.0
    for (library, kind), call in calls.items():
        got = np.asarray(call())
        error = float(np.abs((got if got.shape == exact.shape else got.T) - exact).max()) / scale
        if not error <= TOLERANCE:
            raise RuntimeError(f"{library} on {layer}, {pattern}: off by {error:.1e}; it is not timed")
        yield Implementation(library, pattern, kind, call)

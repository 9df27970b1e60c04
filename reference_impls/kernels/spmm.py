"""Common checks and calls of both SpMM kernels: shapes, types, layouts, bias, activation."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reference_impls.kernels import build
from reference_impls.kernels.weight_order import Stream, pointer

Floats = NDArray[np.float32]
Layout = Literal["tokens_first", "channels_first"]
Backend = Literal["cpp", "numba", "numpy"]
ACTIVATIONS: Mapping[str | None, int] = {None: 0, "silu": 1, "gelu": 2}


def check_float32(name: str, array: np.ndarray) -> Floats:
    """The array itself.

    Raises:
        TypeError: it is of another type; the message says how to convert it.
    """
    if array.dtype != np.float32:
        raise TypeError(f"{name} is {array.dtype}; the kernels compute in float32: convert it with .astype('float32')")
    return array


def check_call(x: Floats, inputs: int, layout: str, activation: str | None, threads: int) -> None:
    """Refuse what a kernel cannot compute.

    Raises:
        TypeError: x is not float32.
        ValueError: x does not hold that many inputs, or a name or number is unknown.
    """
    check_float32("x", x)
    if layout not in ("tokens_first", "channels_first"):
        raise ValueError(f"layout {layout!r} is not tokens_first or channels_first")
    fits = (2,) if layout == "tokens_first" else (2, 3)
    if x.ndim not in fits or x.shape[-1 if layout == "tokens_first" else -2] != inputs:
        raise ValueError(f"x of shape {x.shape} does not hold {inputs} inputs, {layout.replace('_', ' ')}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} is not silu, gelu or None")
    if threads < 1:
        raise ValueError(f"threads {threads} is not positive")


def choose_backend(backend: Backend | None) -> Backend:
    """C++ where a compiler is, else numba, else NumPy; or what is asked for.

    Raises:
        ValueError: the name is unknown.
    """
    if backend is not None:
        if backend not in ("cpp", "numba", "numpy"):
            raise ValueError(f"backend {backend!r} is not cpp, numba or numpy")
        return backend
    if build.available():
        return "cpp"
    try:
        import numba  # noqa: F401
    except ImportError:
        return "numpy"
    return "numba"


def finish(y: Floats, activation: str | None) -> Floats:
    """The last step, in NumPy."""
    if activation is None:
        return y
    inner = y if activation == "silu" else np.float32(1.5957691216) * (y + np.float32(0.044715) * y**3)
    return y / (1 + np.exp(np.clip(-inner, -80, 80)))


def call_slow(
    compute: Callable[[Floats], Floats], x: Floats, bias: Floats | None, activation: str | None, layout: Layout
) -> Floats:
    """The same for a version that takes (inputs, tokens) and gives (outputs, tokens) without bias."""
    pictures = x.T[None] if layout == "tokens_first" else x if x.ndim == 3 else x[None]
    images, inputs, pixels = pictures.shape
    y = compute(np.ascontiguousarray(pictures.transpose(1, 0, 2)).reshape(inputs, images * pixels))
    y = finish(y if bias is None else y + bias[:, None], activation)  # (outputs, images * pixels)
    if layout == "tokens_first":
        return np.ascontiguousarray(y.T)
    apart = np.ascontiguousarray(y.reshape(len(y), images, pixels).transpose(1, 0, 2))
    return apart if x.ndim == 3 else apart[0]


def call_cpp(
    kernel: Callable[..., None],
    stream: Stream,
    outputs: int,
    inputs: int,
    x: Floats,
    bias: Floats | None,
    activation: str | None,
    layout: Layout,
    threads: int,
) -> Floats:
    """Call a compiled kernel; the result has the layout of x."""
    x = np.ascontiguousarray(x)
    first = layout == "tokens_first"
    pixels = 1 if first else x.shape[-1]
    y = np.empty((len(x), outputs) if first else (*x.shape[:-2], outputs, pixels), np.float32)
    if not y.size:
        return y
    number, small = ctypes.c_int64, ctypes.c_int
    kernel(
        *stream.arguments,
        number(outputs),
        number(stream.block_inputs),
        pointer(None if bias is None else np.ascontiguousarray(bias)),
        pointer(x),
        pointer(y),
        number(inputs),
        number(y.size // outputs),
        number(pixels),
        small(first),
        small(ACTIVATIONS[activation]),
        small(threads),
    )
    return y

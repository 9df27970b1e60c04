"""Common parts of both 3×3 kernels: shapes, numbering of positions, the call, the definition in NumPy and numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from reference_impls.kernels import build
from reference_impls.kernels.spmm import ACTIVATIONS, Backend, Floats, check_float32, choose_backend, finish
from reference_impls.kernels.weight_order import Stream, pointer

WIDEST = 128
"""Columns of a strip, at most."""
TAPS = 9


@dataclass(frozen=True)
class Geometry:
    """How positions are numbered; the offsets of the taps depend on it."""

    strip: int
    stride: int

    def plane(self, tile: int) -> tuple[int, int]:
        """Floats of the even rows and of a whole copy of one channel."""
        even = rounded(tile + (2 if self.stride == 1 else 1) * self.strip)
        return even, even + (0 if self.stride == 1 else rounded(tile))

    def tap_offsets(self, tile: int) -> np.ndarray:
        """(9,) floats from a channel's panel to the input of position 0, tap by tap."""
        even, plane = self.plane(tile)
        down = (0, self.strip, 2 * self.strip) if self.stride == 1 else (0, even, self.strip)
        return np.array([dx * plane + down[dy] for dy in range(3) for dx in range(3)])


class Pictures(ctypes.Structure):
    """The C++ struct of that name."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("y", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("images", "channels", "outputs", "height", "width")),
        *((name, ctypes.c_int64) for name in ("out_height", "out_width")),
        *((f"x_{name}", ctypes.c_int64) for name in ("image", "channel", "row", "column")),
        *((f"y_{name}", ctypes.c_int64) for name in ("image", "channel", "row", "column")),
        *((name, ctypes.c_int64) for name in ("strip", "image_rows")),
        *((name, ctypes.c_int) for name in ("stride", "padding", "activation")),
    )


def rounded(floats: int) -> int:
    """Whole cache lines."""
    return -(-floats // 16) * 16


def check_weight(weight: Floats) -> Floats:
    """The weight itself.

    Raises:
        TypeError: it is not float32.
        ValueError: it is not (outputs, channels, 3, 3).
    """
    if check_float32("weight", weight).ndim != 4 or weight.shape[2:] != (3, 3):
        raise ValueError(f"weight of shape {weight.shape} is not (outputs, channels, 3, 3)")
    return weight


def output_side(side: int, stride: int, padding: int) -> int:
    """Pixels of a side afterwards."""
    return (side + 2 * padding - 3) // stride + 1


def convolve(
    x: Floats,
    *,
    outputs: int,
    channels: int,
    stride: int,
    padding: int,
    bias: Floats | None,
    activation: str | None,
    threads: int,
    channels_last: bool,
    backend: Backend | None,
    kernel: str,
    stream_for: Callable[[Geometry], Stream],
    slow: Callable[[Floats, int, bool], Floats],
) -> Floats:
    """Check, choose, call; see ``conv3x3.convolve`` for the arguments that users give.

    Args:
        x: (images, channels, height, width), or with channels last.
        outputs: channels of the result.
        channels: of x.
        stride: 1 or 2.
        padding: 0 or 1.
        bias: (outputs,).
        activation: silu, gelu or None.
        threads: of the C++ form.
        channels_last: layout of x and of the result.
        backend: see ``spmm.choose_backend``.
        kernel: name of the C++ function.
        stream_for: weights for a geometry.
        slow: padded x, stride and whether numba is wanted -> result without bias.

    Raises:
        TypeError: x or bias is not float32.
        ValueError: a shape, name or number does not fit.
    """
    if check_float32("x", x).ndim != 4 or x.shape[3 if channels_last else 1] != channels:
        raise ValueError(
            f"x of shape {x.shape} does not hold {channels} channels {'last' if channels_last else 'first'}"
        )
    if stride not in (1, 2) or padding not in (0, 1):
        raise ValueError(f"stride {stride} and padding {padding}: the kernel knows strides 1 and 2, paddings 0 and 1")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} is not silu, gelu or None")
    if threads < 1:
        raise ValueError(f"threads {threads} is not positive")
    if bias is not None and check_float32("bias", bias).shape != (outputs,):
        raise ValueError(f"bias of shape {bias.shape} does not fit {outputs} outputs")
    x = np.ascontiguousarray(x)
    images, height, width = (x.shape[0], *x.shape[1:3]) if channels_last else (x.shape[0], *x.shape[2:])
    out_height, out_width = (output_side(side, stride, padding) for side in (height, width))
    if min(out_height, out_width) < 1:
        raise ValueError(f"images of {height} x {width} are smaller than the 3×3 window; padding {padding}")
    if choose_backend(backend) != "cpp":
        first = np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if channels_last else x
        around = np.pad(first, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        y = slow(around, stride, choose_backend(backend) == "numba")
        y = finish(y if bias is None else y + bias[:, None, None], activation)
        return np.ascontiguousarray(y.transpose(0, 2, 3, 1)) if channels_last else y
    shape = (images, out_height, out_width, outputs) if channels_last else (images, outputs, out_height, out_width)
    y = np.empty(shape, np.float32)
    if not y.size:
        return y
    strip = out_width if out_width <= WIDEST else WIDEST // 2
    needed = (out_height - 1) * stride + 3 - padding  # rows from an image's first to the last that it reads
    stream = stream_for(Geometry(strip, stride))
    pictures = Pictures(
        x.ctypes.data,
        y.ctypes.data,
        *(images, channels, outputs, height, width, out_height, out_width),
        *_steps(x, channels_last),
        *_steps(y, channels_last),
        *(strip, -(-max(needed, height + padding) // stride)),
        *(stride, padding, ACTIVATIONS[activation]),
    )
    getattr(build.library(kernel), kernel)(
        *stream.arguments,
        ctypes.c_int64(outputs),
        ctypes.c_int64(stream.block_inputs),
        pointer(None if bias is None else np.ascontiguousarray(bias)),
        ctypes.byref(pictures),
        ctypes.c_int(threads),
    )
    return y


def _steps(array: Floats, channels_last: bool) -> tuple[int, int, int, int]:
    """Floats from one image, channel, row, column to the next."""
    steps = [step // 4 for step in array.strides]
    return (steps[0], steps[3], steps[1], steps[2]) if channels_last else (steps[0], steps[1], steps[2], steps[3])


def reference(
    values: Floats, channel: np.ndarray, tap: np.ndarray, row_start: np.ndarray, x: Floats, stride: int
) -> Floats:
    """The definition: padded x (images, channels, h, w) -> (images, outputs, ...), weight by weight."""
    images, _, height, width = x.shape
    out_height, out_width = (height - 3) // stride + 1, (width - 3) // stride + 1
    y = np.zeros((images, len(row_start) - 1, out_height, out_width), np.float32)
    for row in range(len(row_start) - 1):
        for i in range(row_start[row], row_start[row + 1]):
            dy, dx = divmod(int(tap[i]), 3)
            seen = x[:, channel[i], dy : dy + stride * out_height : stride, dx : dx + stride * out_width : stride]
            y[:, row] += values[i] * seen[:, :out_height, :out_width]
    return y


@cache
def readable() -> Any:
    """The same in numba."""
    from numba import njit

    @njit(fastmath={"contract"})
    def conv(values, channel, tap, row_start, x, stride):  # type: ignore[no-untyped-def]  # numba finds them
        images, _, height, width = x.shape
        out_height, out_width = (height - 3) // stride + 1, (width - 3) // stride + 1
        y = np.zeros((images, len(row_start) - 1, out_height, out_width), np.float32)
        for image in range(images):
            for row in range(len(row_start) - 1):
                for i in range(row_start[row], row_start[row + 1]):
                    value, dy, dx = values[i], tap[i] // 3, tap[i] % 3
                    for line in range(out_height):
                        inputs = x[image, channel[i], line * stride + dy]
                        for column in range(out_width):
                            y[image, row, line, column] += value * inputs[column * stride + dx]
        return y

    return conv

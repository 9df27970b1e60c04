"""Direct sparse 3×3 convolution, unstructured: every channel has its own pattern; stride 1 or 2, padding 0 or 1.

1. ``convolution.reference``: the definition, in NumPy.
2. ``convolution.readable``: weight by weight, in numba.
3. ``conv3x3.cpp``: the loop of ``csr_spmm`` over shifted reads of a packed panel; see ``conv.h``.

Nothing is unfolded: a tile of 128 positions of one channel takes three copies of its rows, 3 kB at a width of 64, where
im2col would write nine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from reference_impls.kernels import convolution
from reference_impls.kernels.convolution import TAPS, Geometry, check_weight
from reference_impls.kernels.csr_spmm import panel_bytes
from reference_impls.kernels.spmm import Backend, Floats
from reference_impls.kernels.weight_order import Stream, arrange


@dataclass(frozen=True)
class ConvWeight:
    """A sparse weight (outputs, channels, 3, 3), by output channel; streams are made for each geometry it meets."""

    values: Floats
    channel: np.ndarray
    tap: np.ndarray
    """0 to 8, row by row of the window."""
    row_start: np.ndarray
    outputs: int
    channels: int
    streams: dict[Geometry, Stream] = field(default_factory=dict, compare=False)

    def stream(self, geometry: Geometry) -> Stream:
        """The weights as the C++ kernel uses them."""
        if geometry not in self.streams:
            channel_floats = 3 * geometry.plane(tile())[1]
            density = len(self.values) / max(1, TAPS * self.outputs * self.channels)
            block = max(1, panel_bytes(density) // (4 * channel_floats))
            offsets = self.channel % block * channel_floats + geometry.tap_offsets(tile())[self.tap]
            self.streams[geometry] = arrange(
                np.repeat(np.arange(self.outputs), np.diff(self.row_start)),
                self.channel,
                self.values,
                offsets,
                rows=self.outputs,
                columns=self.channels,
                block_inputs=block,
            )
        return self.streams[geometry]


def pack(weight: Floats) -> ConvWeight:
    """Prepare a weight whose zeros are to be skipped.

    Args:
        weight: (outputs, channels, 3, 3), float32.

    Raises:
        TypeError: it is not float32.
        ValueError: it is not of that shape.
    """
    outputs, channels = check_weight(weight).shape[:2]
    flat = weight.reshape(outputs, channels * TAPS)
    row, place = np.nonzero(flat)
    start = np.searchsorted(row, np.arange(outputs + 1))
    return ConvWeight(flat[row, place], place // TAPS, place % TAPS, start, outputs, channels)


@cache
def tile() -> int:
    """Positions of a tile on this machine."""
    from reference_impls.kernels import build

    return int(build.library("conv3x3").conv3x3_tile())


def convolve(
    weight: ConvWeight,
    x: Floats,
    *,
    stride: int = 1,
    padding: int = 1,
    bias: Floats | None = None,
    activation: str | None = None,
    threads: int = 1,
    channels_last: bool = False,
    backend: Backend | None = None,
) -> Floats:
    """The convolution of a batch of images, laid out as x.

    Args:
        weight: from ``pack``.
        x: (images, channels, height, width), or (images, height, width, channels) with channels last; float32.
        stride: 1 or 2.
        padding: 0 or 1, of zeros.
        bias: (outputs,).
        activation: silu, gelu (its tanh form) or None.
        threads: of the C++ form.
        channels_last: layout of x and of the result.
        backend: cpp, numba or numpy; the fastest there is where not given.

    Raises:
        TypeError: x or bias is not float32.
        ValueError: a shape, name or number does not fit.
    """

    def slow(around: Floats, step: int, numba: bool) -> Floats:
        compute = convolution.readable() if numba else convolution.reference
        return compute(weight.values, weight.channel, weight.tap, weight.row_start, around, step)

    return convolution.convolve(
        x,
        outputs=weight.outputs,
        channels=weight.channels,
        stride=stride,
        padding=padding,
        bias=bias,
        activation=activation,
        threads=threads,
        channels_last=channels_last,
        backend=backend,
        kernel="conv3x3",
        stream_for=weight.stream,
        slow=slow,
    )

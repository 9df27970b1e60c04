"""Direct sparse 3×3 convolution for 4×1 blocks, in which four output channels have the same pattern.

1. ``convolution.reference``: the definition, in NumPy, on the strips taken apart.
2. ``convolution.readable``: the same in numba.
3. ``rowblock_conv3x3.cpp``: four output channels times four vectors of positions in registers (three with AVX2).

Each load of inputs serves four multiply-adds, as in ``rowblock_spmm``. The panel of shifted copies is that of
``conv3x3``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from reference_impls.kernels import convolution
from reference_impls.kernels.convolution import TAPS, Geometry, check_weight
from reference_impls.kernels.rowblock_spmm import PANEL_BYTES, ROWS
from reference_impls.kernels.spmm import Backend, Floats
from reference_impls.kernels.weight_order import Stream, arrange


@dataclass(frozen=True)
class RowBlockConvWeight:
    """A sparse weight (outputs, channels, 3, 3) in strips of four output channels."""

    values: Floats
    """(n, 4)."""
    channel: np.ndarray
    tap: np.ndarray
    strip_start: np.ndarray
    outputs: int
    channels: int
    streams: dict[Geometry, Stream] = field(default_factory=dict, compare=False)

    def stream(self, geometry: Geometry) -> Stream:
        """The weights as the C++ kernel uses them."""
        if geometry not in self.streams:
            channel_floats = 3 * geometry.plane(tile())[1]
            block = max(1, PANEL_BYTES // (4 * channel_floats))
            offsets = self.channel % block * channel_floats + geometry.tap_offsets(tile())[self.tap]
            self.streams[geometry] = arrange(
                np.repeat(np.arange(len(self.strip_start) - 1), np.diff(self.strip_start)),
                self.channel,
                self.values,
                offsets,
                rows=self.outputs,
                columns=self.channels,
                block_inputs=block,
                group=ROWS,
            )
        return self.streams[geometry]


def pack(weight: Floats) -> RowBlockConvWeight:
    """Prepare a weight; a position is skipped where it is zero in all four channels of a strip.

    Args:
        weight: (outputs, channels, 3, 3), float32.

    Raises:
        TypeError: it is not float32.
        ValueError: it is not of that shape.
    """
    outputs, channels = check_weight(weight).shape[:2]
    strips = -(-outputs // ROWS)
    whole = np.zeros((strips * ROWS, channels * TAPS), np.float32)
    whole[:outputs] = weight.reshape(outputs, channels * TAPS)
    by_strip = whole.reshape(strips, ROWS, channels * TAPS)
    strip, place = np.nonzero((by_strip != 0).any(axis=1))
    values = np.ascontiguousarray(by_strip[strip, :, place])  # (n, 4)
    start = np.searchsorted(strip, np.arange(strips + 1))
    return RowBlockConvWeight(values, place // TAPS, place % TAPS, start, outputs, channels)


@cache
def tile() -> int:
    """Positions of a tile on this machine."""
    from reference_impls.kernels import build

    return int(build.library("rowblock_conv3x3").rowblock_conv3x3_tile())


def convolve(
    weight: RowBlockConvWeight,
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
    """The convolution of a batch of images; arguments, results and refusals as in ``conv3x3.convolve``."""

    def slow(around: Floats, step: int, numba: bool) -> Floats:
        compute = convolution.readable() if numba else convolution.reference
        start = np.repeat(weight.strip_start[:-1], ROWS), np.repeat(weight.strip_start[1:], ROWS)
        order = np.concatenate([np.arange(a, b) for a, b in zip(*start, strict=True)] or [np.arange(0)]).astype(int)
        member = np.repeat(np.arange(len(start[0])) % ROWS, start[1] - start[0])
        row_start = np.concatenate([[0], np.cumsum(start[1] - start[0])])[: weight.outputs + 1]
        values = np.ascontiguousarray(weight.values[order, member])
        return compute(values, weight.channel[order], weight.tap[order], row_start, around, step)

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
        kernel="rowblock_conv3x3",
        stream_for=weight.stream,
        slow=slow,
    )

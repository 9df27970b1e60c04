"""Sparse weights in the order in which a kernel uses them: by chunk of rows, block of inputs, row, weight.

Rows are ordered by their number of weights inside a chunk and block: branches repeat, and are foreseen.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CHUNK = 512
"""Output rows whose sums are held at once; times a tile they fit in the L2 cache."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """What ``tile.h`` calls a Stream; arrays are contiguous."""

    entries: NDArray[np.void]
    """Values beside byte offsets into a panel."""
    span_row: NDArray[np.int32]
    span_count: NDArray[np.int32]
    span_start: Ints
    entry_start: Ints
    chunks: int
    blocks: int
    chunk_rows: int
    """In rows of the matrix, also where groups of rows share a pattern."""
    block_inputs: int

    @cached_property
    def arguments(self) -> list[object]:
        """For a call through ctypes, in the order of the C++ functions."""
        arrays = (self.entries, self.span_row, self.span_count, self.span_start, self.entry_start)
        return [pointer(array) for array in arrays] + [
            ctypes.c_int64(number) for number in (self.chunks, self.blocks, self.chunk_rows)
        ]


def pointer(array: np.ndarray | None) -> ctypes.c_void_p:
    """Address of an array's data, or null."""
    return ctypes.c_void_p(None if array is None else array.ctypes.data)


def arrange(
    row: Ints,
    column: Ints,
    values: NDArray[np.float32],
    offsets: NDArray[np.int64],
    *,
    rows: int,
    columns: int,
    block_inputs: int,
    group: int = 1,
) -> Stream:
    """Order weights into a stream.

    Args:
        row: (n,) row of each weight, or group of rows.
        column: (n,) its input, which decides the block.
        values: (n,) or (n, group).
        offsets: (n,) bytes into the panel of its block.
        rows: rows of the matrix.
        columns: inputs.
        block_inputs: inputs of a block.
        group: rows that share a pattern.
    """
    chunk_groups = max(1, min(CHUNK, rows) // group + (min(CHUNK, rows) % group > 0))
    groups = -(-rows // group)
    chunks, blocks = -(-groups // chunk_groups) or 1, -(-columns // block_inputs) or 1
    where = (row // chunk_groups) * blocks + column // block_inputs
    span_key = where * chunk_groups + row % chunk_groups
    sizes = np.bincount(span_key, minlength=chunks * blocks * chunk_groups)
    order = np.lexsort((column, row, -sizes[span_key], where))
    kind = np.dtype([("value", np.float32, (group,) if group > 1 else ()), ("offset", np.int32)])
    entries = np.empty(len(order), kind)
    entries["value"], entries["offset"] = values[order], offsets[order]
    firsts = np.flatnonzero(np.diff(span_key[order], prepend=-1))
    spans = span_key[order][firsts]
    total = chunks * blocks
    return Stream(
        entries=entries,
        span_row=(spans % chunk_groups).astype(np.int32),
        span_count=np.diff(firsts, append=len(order)).astype(np.int32),
        span_start=np.concatenate([[0], np.cumsum(np.bincount(spans // chunk_groups, minlength=total))]).astype(
            np.int64
        ),
        entry_start=np.concatenate([[0], np.cumsum(np.bincount(where, minlength=total))]).astype(np.int64),
        chunks=chunks,
        blocks=blocks,
        chunk_rows=chunk_groups * group,
        block_inputs=block_inputs,
    )

"""Sparse weights in the order in which a kernel uses them: by chunk of rows, block of inputs, row, weight.

Rows are ordered by their number of weights inside a chunk and block: branches repeat, and are foreseen, and rows that
are computed together have about as many.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

TOGETHER = 4
"""Weights of an entry, where every row has its own pattern."""
CHUNK = 512
"""Output rows whose sums are held at once; times a tile they fit in the L2 cache."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """What ``tile.h`` calls a Stream; arrays are contiguous."""

    entries: NDArray[np.void]
    """Values beside offsets into a panel, in floats."""
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
    span_rows: int = 1,
) -> Stream:
    """Order weights into a stream.

    An entry has one weight of each row of a group; or, without groups, ``TOGETHER`` weights of the rows of a span by
    turns. Where a row has fewer than the other, its value is 0, and its offset that of input 0 of the block.

    Args:
        row: (n,) row of each weight, or group of rows.
        column: (n,) its input, which decides the block.
        values: (n,) or (n, group).
        offsets: (n,) floats into the panel of its block; below 65,536 without groups.
        rows: rows of the matrix.
        columns: inputs.
        block_inputs: inputs of a block.
        group: rows that share a pattern.
        span_rows: rows with patterns of their own whose sums are in registers at once; a divisor of ``TOGETHER``.
    """
    chunk_groups = max(1, -(-min(CHUNK, rows) // (group * span_rows))) * span_rows
    groups = -(-rows // group)
    chunks, blocks = -(-groups // chunk_groups) or 1, -(-columns // block_inputs) or 1
    parts = chunks * blocks
    where = (row // chunk_groups) * blocks + column // block_inputs
    place = where * chunk_groups + row % chunk_groups
    sizes = np.bincount(place, minlength=parts * chunk_groups).reshape(parts, chunk_groups)
    by_size = np.argsort(-sizes, axis=1, kind="stable")
    ordered = np.take_along_axis(sizes, by_size, axis=1)
    own = 1 if group > 1 else TOGETHER // span_rows  # weights of a row in an entry
    counts = -(-ordered[:, ::span_rows] // own)  # (parts, spans of a part): entries; the first row of a span is longest
    first_entry = np.cumsum(counts) - counts.ravel()
    rank = np.argsort(by_size, axis=1).ravel()  # (parts * chunk_groups,)
    order = np.lexsort((column, place))
    place = place[order]
    number = np.arange(len(order)) - (np.cumsum(sizes) - sizes.ravel())[place]  # of a weight in its row and block
    span = place // chunk_groups * counts.shape[1] + rank[place] // span_rows
    entry = first_entry[span] + number // own
    if group > 1:
        entries = np.zeros(len(order), [("value", np.float32, (group,)), ("offset", np.int32)])
        entries["value"][entry], entries["offset"][entry] = values[order], offsets[order]
    else:
        entries = np.zeros(int(counts.sum()), [("value", np.float32, (TOGETHER,)), ("offsets", np.uint64)])
        slot = number % own * span_rows + rank[place] % span_rows
        four = np.zeros((len(entries), TOGETHER), "<u2")
        entries["value"][entry, slot], four[entry, slot] = values[order], offsets[order]
        entries["offsets"] = four.view("<u8")[:, 0]
    used = counts.ravel() > 0
    return Stream(
        entries=entries,
        span_row=by_size.reshape(-1, span_rows)[used].astype(np.int32),
        span_count=(ordered[:, ::span_rows] * span_rows).ravel()[used].astype(np.int32),
        span_start=np.concatenate([[0], np.cumsum((counts > 0).sum(1))]).astype(np.int64),
        entry_start=np.concatenate([[0], np.cumsum(counts.sum(1))]).astype(np.int64),
        chunks=chunks,
        blocks=blocks,
        chunk_rows=chunk_groups * group,
        block_inputs=block_inputs,
    )

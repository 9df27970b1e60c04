"""The k-th lowest of many floating-point numbers, by counting how often each digit of 16 bits occurs.

Numbers of one sign are ordered as their bits are. So one pass over the numbers finds the upper 16 bits of the k-th
lowest, and each further pass 16 more: one pass for half precision, two for single. They need not be in memory at once.
Five to twenty times as fast as ``kthvalue`` on one thread, and without its copies.

On a CPU, comparing and counting is done by numpy on the bits: several times as fast as torch does it, in half precision
most of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

DIGIT = 16
DIGITS = 1 << DIGIT
PIECE = 1 << 20
"""Numbers that are counted at once."""
INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""By their bytes."""
Whole = npt.NDArray[np.signedinteger[Any]]


class Border(NamedTuple):
    """The k-th lowest of some numbers."""

    value: torch.Tensor
    """A scalar."""
    lower: int
    """How many are lower."""
    equal: int
    """How many have this value."""


def kth_lowest(numbers: Callable[[], Iterable[torch.Tensor]], k: int, dtype: torch.dtype) -> Border:
    """The k-th lowest, counted from 1.

    Args:
        numbers: goes through all of them, finite ones, anew as often as it is called.
        k: at least 1, and at most as many as there are.
        dtype: floating; of all numbers, or wider.
    """
    bits = 8 * dtype.itemsize
    signed = DIGITS // 2
    counts = torch.zeros(DIGITS, dtype=torch.int64)  # the lower half is for negative numbers, the largest first
    for piece in _pieces(numbers, dtype):
        positive, negative_ones = _by_sign(piece)
        counts[signed:] += _counted(_digit(_magnitudes(positive), bits - DIGIT), signed)
        if negative_ones.numel():
            counts[:signed] += _counted(_digit(_magnitudes(negative_ones), bits - DIGIT), signed).flip(0)
    digit, lower, equal = _bin(counts, k)
    negative = digit < signed
    prefix = signed - 1 - digit if negative else digit - signed
    for shift in range(bits - 2 * DIGIT, -1, -DIGIT):
        counts = torch.zeros(DIGITS, dtype=torch.int64)
        for piece in _pieces(numbers, dtype):
            found = _magnitudes(_by_sign(piece)[negative])
            found = found[found >> (shift + DIGIT) == prefix]
            counts += _counted((found >> shift) & (DIGITS - 1), DIGITS)
        digit, fewer, equal = _bin(counts.flip(0) if negative else counts, k - lower)
        lower += fewer
        prefix = prefix << DIGIT | (DIGITS - 1 - digit if negative else digit)
    value = torch.tensor([prefix], dtype=INTEGERS[dtype.itemsize]).view(dtype)[0]
    return Border(-value if negative else value, lower, equal)


def _pieces(numbers: Callable[[], Iterable[torch.Tensor]], dtype: torch.dtype) -> Iterator[torch.Tensor]:
    for some in numbers():
        for piece in some.flatten().split(PIECE):
            if piece.numel():
                yield piece.to(dtype)


def _by_sign(piece: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Those from 0 on, and the negative ones."""
    if not bool(piece.min() < 0):
        return piece, piece[:0]
    below = piece < 0
    return piece[~below], piece[below]


def _magnitudes(piece: torch.Tensor) -> torch.Tensor:
    """Numbers of one sign as whole numbers that are ordered as their magnitudes; -0 counts as 0."""
    kind = INTEGERS[piece.dtype.itemsize]
    return piece.view(kind) & torch.iinfo(kind).max


def _digit(magnitudes: torch.Tensor, shift: int) -> torch.Tensor:
    """The upper bits."""
    return magnitudes >> shift if shift else magnitudes


def _counted(digits: torch.Tensor, most: int) -> torch.Tensor:
    return torch.bincount(digits, minlength=most).cpu()


def _bin(counts: torch.Tensor, k: int) -> tuple[int, int, int]:
    """The bin of the k-th, how many are in bins before it, and how many in it."""
    ends = counts.cumsum(0)
    found = int(torch.searchsorted(ends, k))
    own = int(counts[found])
    return found, int(ends[found]) - own, own


def in_order(values: torch.Tensor) -> Whole:
    """Whole numbers that are ordered as the values, and equal where these are; for floating values on a CPU, no NaN."""
    bits = _bits(values)
    if not bits.size or bits.min() >= 0:
        return bits
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)  # -0 becomes 0


def nonzero(values: torch.Tensor) -> int:
    """How many are not zero: ``count_nonzero``, several times as fast on a CPU."""
    if values.device.type != "cpu":
        return int(values.count_nonzero())
    if not values.is_floating_point():
        return int(np.count_nonzero(values.numpy()))
    bits = _bits(values)
    return int(np.count_nonzero(bits)) - int(np.count_nonzero(bits == np.iinfo(bits.dtype).min))  # -0


def _bits(values: torch.Tensor) -> Whole:
    bits: Whole = values.detach().contiguous().view(INTEGERS[values.dtype.itemsize]).numpy()
    return bits

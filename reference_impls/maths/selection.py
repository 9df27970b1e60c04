"""The k-th lowest of many floating-point numbers, by counting how often each digit of 16 bits occurs.

Numbers of one sign are ordered as their bits are. So one pass over the numbers finds the upper 16 bits of the k-th
lowest, and each further pass 16 more: one pass for half precision, two for single. They need not be in memory at once.
Five to twenty times as fast as ``kthvalue`` on one thread, and without its copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch

DIGIT = 16
DIGITS = 1 << DIGIT
PIECE = 1 << 20
"""Numbers that are counted at once."""
INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""By their bytes."""


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
        counts[signed:] += _counted(_magnitudes(piece, negative=False) >> (bits - DIGIT), signed)
        if bool(piece.min() < 0):
            counts[:signed] += _counted(_magnitudes(piece, negative=True) >> (bits - DIGIT), signed).flip(0)
    digit, lower, equal = _bin(counts, k)
    negative = digit < signed
    prefix = signed - 1 - digit if negative else digit - signed
    for shift in range(bits - 2 * DIGIT, -1, -DIGIT):
        counts = torch.zeros(DIGITS, dtype=torch.int64)
        for piece in _pieces(numbers, dtype):
            found = _magnitudes(piece, negative=negative)
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


def _magnitudes(piece: torch.Tensor, *, negative: bool) -> torch.Tensor:
    """The numbers of one sign as whole numbers that are ordered as their magnitudes; -0 counts as 0."""
    kind = INTEGERS[piece.dtype.itemsize]
    if negative:
        piece = piece[piece < 0]
    elif bool(piece.min() < 0):
        piece = piece[piece >= 0]
    return piece.view(kind) & torch.iinfo(kind).max


def _counted(digits: torch.Tensor, most: int) -> torch.Tensor:
    return torch.bincount(digits, minlength=most).cpu()


def _bin(counts: torch.Tensor, k: int) -> tuple[int, int, int]:
    """The bin of the k-th, how many are in bins before it, and how many in it."""
    ends = counts.cumsum(0)
    found = int(torch.searchsorted(ends, k))
    own = int(counts[found])
    return found, int(ends[found]) - own, own

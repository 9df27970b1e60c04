"""What every plot has: its width, the size of its text, its frame, and axes with round values.

Distances are in units of the drawing, whose text is ``SIZE`` high.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WIDTH, SIZE = 560, 13
LOGARITHMIC_FROM = 8
"""An axis whose largest value is so many times its smallest one is logarithmic."""

FEW_DECADES = 20
"""A logarithmic axis that spans less has more round values."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the axes are."""

    height: int
    """Of the whole drawing."""
    left: int
    right: int
    top: int
    foot: int
    width: int = WIDTH
    """Of the whole drawing."""


@dataclass(frozen=True, slots=True)
class Axis:
    """How values become distances."""

    low: float
    high: float
    logarithmic: bool
    start: float
    end: float

    def at(self, value: float) -> float:
        """Distance of a value."""
        bend: Callable[[float], float] = math.log if self.logarithmic else float
        share = (bend(value) - bend(self.low)) / (bend(self.high) - bend(self.low))
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Round values in between."""
        return tuple(Tick(self.at(value), f"{value:g}") for value in self._values())

    def _values(self) -> Iterator[float]:
        if self.logarithmic:
            digits = (1, 2, 5) if self.high / self.low > FEW_DECADES else (1, 1.5, 2, 3, 5, 7)
            for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
                yield from (v for digit in digits if self.low <= (v := round(digit * 10.0**power, 12)) <= self.high)
            return
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step)
        for number in range(first, math.floor(self.high / step) + 1):
            yield round(number * step, 10)


def axis(values: Sequence[float], start: float, end: float, *, logarithmic: bool = False, below: float = 0) -> Axis:
    """An axis with some room around the values.

    Args:
        values: what it shows.
        start: where it begins.
        end: where it ends.
        logarithmic: even where the values span little; they must be positive.
        below: more room under the lowest value, as a fraction of the axis.
    """
    low, high = min(values), max(values)
    if low > 0 and (logarithmic or high / low >= LOGARITHMIC_FROM):
        room = (high / low) ** 0.07
        return Axis(low / room / (high / low) ** below, high * room, logarithmic=True, start=start, end=end)
    room = max((high - low) * 0.08, abs(low) * 0.001, abs(high) * 0.001) or 1
    return Axis(low - room - (high - low) * below, high + room, logarithmic=False, start=start, end=end)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(digit * power for digit in (1, 2, 2.5, 5, 10) if digit * power >= rough * 0.999)

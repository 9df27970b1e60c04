"""Where everything of a line plot stands: a quality over the share that was pruned, one line a method.

Only geometry; a template draws it. Names stand at the right ends of the lines, pushed apart where they would overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.drawings.axes import SIZE, WIDTH, Axis, Frame, Tick, axis

HEIGHT = 320
LEFT, RIGHT, TOP, BOTTOM = 58, 118, 14, 46
FRAME = Frame(HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM)
LINE_HEIGHT = SIZE + 2
NAME_WIDTH = 32
"""Of a share under its tick."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one line shows."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(share, value), by rising share."""
    strong: bool
    """Drawn in the foreground."""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line with its name."""

    series: Series
    places: tuple[tuple[float, float], ...]
    label_y: float


@dataclass(frozen=True, slots=True)
class LinePlot:
    """A drawing."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    level: float
    """Height of the reference value."""
    logarithmic: bool
    frame: Frame = FRAME


def line_plot(
    series: Sequence[Series],
    reference: float,
    *,
    by_what_is_left: bool = False,
    named: Sequence[float] | None = None,
) -> LinePlot:
    """Lay out a plot; the same series always give the same drawing.

    Args:
        series: at least one, each of at least one point.
        reference: a value that gets a line of its own across the plot.
        by_what_is_left: equal steps to the right halve what is left, so that 90 % and 99 % stand apart.
        named: shares that stand at the axis, as far as the points reach; those of the points where not given.

    Raises:
        ValueError: there is no series.
    """
    values = [value for line in series for _, value in line.points]
    shares = sorted({share for line in series for share, _ in line.points})
    if not values:
        raise ValueError("no lines to draw")
    if by_what_is_left:
        left = Axis((1 - min(shares)) * 1.1, (1 - max(shares)) / 1.1, logarithmic=True, start=LEFT, end=WIDTH - RIGHT)
    else:
        left = Axis(1.03 - min(shares), 0.99 - max(shares), logarithmic=False, start=LEFT, end=WIDTH - RIGHT)
    y = axis([*values, reference], HEIGHT - BOTTOM, TOP)
    ticks = tuple(_ticks(left, [share for share in named or shares if shares[0] <= share <= shares[-1]]))
    places = [tuple((left.at(1 - share), y.at(value)) for share, value in line.points) for line in series]
    wanted = [points[-1][1] + SIZE / 3 for points in places]
    lines = tuple(map(Line, series, places, _apart(wanted)))
    return LinePlot(ticks, y.ticks(), lines, y.at(reference), y.logarithmic)


def _ticks(left: Axis, shares: Sequence[float]) -> Iterator[Tick]:
    """Every share that has room for its name."""
    last = float("-inf")
    for share in shares:
        at = left.at(1 - share)
        if at - last >= NAME_WIDTH:
            yield Tick(at, f"{share:.0%}".replace("%", " %"))
            last = at


def _apart(wanted: Sequence[float]) -> list[float]:
    """Heights near the wanted ones, at least a line's height from each other, inside the drawing."""
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    places = list(wanted)
    floor = TOP + SIZE / 2
    for index in order:
        places[index] = max(places[index], floor)
        floor = places[index] + LINE_HEIGHT
    ceiling = HEIGHT - BOTTOM + SIZE / 2
    for index in reversed(order):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - LINE_HEIGHT
    return [round(place, 1) for place in places]

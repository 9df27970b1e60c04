"""Where everything of a line plot is placed: a value over the sparsity, one line a method.

Only geometry; a template draws it. The names are at the right ends of the lines, pushed apart where they would
overlap; a series of one point has its name beside the point. A legend below the plot repeats them on narrow screens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generator.drawings.axes import SIZE, Axis, Frame, Tick, axis
from reference_impls.number_format import percent

WIDTH, HEIGHT = 600, 330
LEFT, RIGHT, TOP, BOTTOM = 66, 142, 14, 50
FRAME = Frame(HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM, WIDTH)
LINE_HEIGHT = SIZE + 2
NAME_WIDTH = 32
"""Of a sparsity under its tick."""
REACH = 90
"""A line that ends farther from the right edge has its name beside its last point: no long leader looks like data."""
BELOW = 0.08
"""Room under the lowest value for a name beside a point."""
MARKS = (
    "M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M{x} {y}m-3.5-3.5h7v7h-7z",
    "M{x} {y}m0-4.5l4.5 8h-9z",
    "M{x} {y}m0-5l5 5l-5 5l-5-5z",
    "M{x} {y}m0 4.5l4.5-8h-9z",
    "M{x} {y}m-1.9-5.5h3.8v3.6h3.6v3.8h-3.6v3.6h-3.8v-3.6h-3.6v-3.8h3.6z",
)
"""Shapes that distinguish the series without colour: circle, square, two triangles, rhombus, plus."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one line shows."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(sparsity, value), by rising sparsity."""
    strong: bool
    """Drawn in the foreground."""
    dashed: bool = False
    hollow: bool = False
    """Its marks are hollow: for methods that train."""
    style: int = 0
    """Number of its colour and mark."""
    deviations: tuple[float, ...] = ()
    """Half the height of the error bar of each point; none where empty."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name in the drawing."""

    x: float
    y: float
    anchor: str
    leads: bool
    """Whether a short leader joins it with the last point."""


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line with its name."""

    series: Series
    places: tuple[tuple[float, float], ...]
    label: Label
    bars: tuple[tuple[float, float, float], ...]
    """(x, upper end, lower end) of each error bar."""

    def marks(self) -> Iterator[str]:
        """The marks of its points, as paths."""
        return (mark(self.series.style, x, y) for x, y in self.places)

    def mark_at(self, x: float, y: float) -> str:
        """Its mark, for the legend."""
        return mark(self.series.style, x, y)


@dataclass(frozen=True, slots=True)
class LinePlot:
    """A drawing."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    level: float
    """Height of the reference value."""
    level_label: float
    """Height of its name."""
    logarithmic: bool
    frame: Frame = FRAME


def mark(style: int, x: float, y: float) -> str:
    """A mark at a place, as a path."""
    return MARKS[style % len(MARKS)].format(x=f"{x:g}", y=f"{y:g}")


def line_plot(
    series: Sequence[Series],
    reference: float,
    *,
    by_density: bool = False,
    logarithmic: bool = False,
    named: Sequence[float] | None = None,
) -> LinePlot:
    """Lay out a plot; the same series always give the same drawing.

    Args:
        series: at least one, each of at least one point.
        reference: a value that gets a line of its own across the plot.
        by_density: the axis is logarithmic in the fraction of non-zero weights, so that 90% and 99% lie apart.
        logarithmic: the axis of the values is, even where they span little.
        named: sparsities that are named at the axis, as far as the points reach; those of the points where not given.

    Raises:
        ValueError: there is no series.
    """
    values = [value for line in series for _, value in line.points]
    sparsities = sorted({sparsity for line in series for sparsity, _ in line.points})
    if not values:
        raise ValueError("no lines to draw")
    least, most = sparsities[0], sparsities[-1]
    if by_density:
        density = Axis((1 - least) * 1.1, (1 - most) / 1.1, logarithmic=True, start=LEFT, end=WIDTH - RIGHT)
    else:
        density = Axis(1.03 - least, 0.99 - most, logarithmic=False, start=LEFT, end=WIDTH - RIGHT)
    shown = [*values, reference, *(end for line in series for end in _ends(line) if end > 0)]
    below = BELOW * sum(len(line.points) == 1 for line in series)
    y = axis(shown, HEIGHT - BOTTOM, TOP, logarithmic=logarithmic, below=below)
    ticks = tuple(_ticks(density, [sparsity for sparsity in named or sparsities if least <= sparsity <= most]))
    places = [tuple((density.at(1 - sparsity), y.at(value)) for sparsity, value in line.points) for line in series]
    level = y.at(reference)
    at_edge = [index for index, points in enumerate(places) if _ends_at_edge(points)]
    *heights, level_label = _apart([*(places[index][-1][1] + SIZE / 3 for index in at_edge), level + SIZE / 3])
    labels = {
        index: Label(FRAME.right + 14, height, "start", leads=True)
        for index, height in zip(at_edge, heights, strict=True)
    }
    for index, points in enumerate(places):
        if index not in labels:
            labels[index] = _beside(points, labels.values())
    lines = tuple(
        Line(line, points, labels[index], tuple(_bars(line, points, y)))
        for index, (line, points) in enumerate(zip(series, places, strict=True))
    )
    return LinePlot(ticks, y.ticks(), lines, level, level_label, y.logarithmic)


def _ends_at_edge(points: Sequence[tuple[float, float]]) -> bool:
    """Whether a line has its name at the right edge."""
    return len(points) > 1 and FRAME.right - points[-1][0] <= REACH


def _beside(points: Sequence[tuple[float, float]], others: Iterable[Label]) -> Label:
    """Below the last point and the other names there, or above it where the axis is too near."""
    x, y = points[-1]
    below = y + SIZE + 7
    near = sorted(one.y for one in others if not one.leads and abs(one.x - x) < REACH)
    for height in near:
        if abs(height - below) < LINE_HEIGHT:
            below = height + LINE_HEIGHT
    return Label(x, round(below if below <= FRAME.foot - 3 else y - 9, 1), "middle", leads=False)


def _ends(line: Series) -> Iterator[float]:
    """The ends of the error bars."""
    for (_, value), deviation in zip(line.points, line.deviations, strict=False):
        yield from (value - deviation, value + deviation)


def _bars(line: Series, points: Sequence[tuple[float, float]], y: Axis) -> Iterator[tuple[float, float, float]]:
    """The error bars; on a logarithmic axis their lower ends stay above its lowest value."""
    for (_, value), (x, _), deviation in zip(line.points, points, line.deviations, strict=False):
        yield x, y.at(value + deviation), y.at(max(value - deviation, y.low))


def _ticks(density: Axis, sparsities: Sequence[float]) -> Iterator[Tick]:
    """Every sparsity that has room for its name."""
    last = float("-inf")
    for sparsity in sparsities:
        at = density.at(1 - sparsity)
        if at - last >= NAME_WIDTH:
            yield Tick(at, percent(sparsity))
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

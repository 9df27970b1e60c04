"""Where everything of a scatter plot stands: axes, points, and labels that do not lie on each other.

Only geometry; a template draws it. Distances are in units of the drawing, see ``axes``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from generator.drawings.axes import SIZE, WIDTH, Frame, Tick, axis

HEIGHT = 380
LEFT, RIGHT, TOP, BOTTOM = 64, 18, 18, 52
FRAME = Frame(HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM)
DIGIT = 0.56 * SIZE
"""Mean width of a letter."""
LABELS = 40
"""More labels than this cannot be placed; the table beside the plot names all points."""
LONGEST_LABEL = 42
NUMBER_SIZE = 20
"""Of the text of the numbers, in units of the drawing."""
BESIDE = 9.5
"""Distance up to which a label is seen to belong to its point."""

Kind = Literal["baseline", "read"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Dot:
    """A point to be drawn."""

    label: str
    x: float
    y: float
    kind: Kind
    leads: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A drawn point with its label; an empty label is not drawn."""

    x: float
    y: float
    kind: Kind
    label: str
    label_x: float
    label_y: float
    anchor: Literal["start", "middle", "end"]
    leader: tuple[float, float] | None = None
    """Where a line from the point to a label that is not beside it ends."""


@dataclass(frozen=True, slots=True)
class Number:
    """The number of a point, counted from 1, for drawings too narrow for names."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Scatter:
    """A drawing."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    numbers: tuple[Number, ...]
    """Of all points, in their order; larger text, as the drawing is shrunk where they are shown."""
    front: tuple[tuple[float, float], ...]
    """Points that lead, from left to right."""
    x_logarithmic: bool
    y_logarithmic: bool
    frame: Frame = FRAME


def scatter(dots: Sequence[Dot]) -> Scatter:
    """Lay out a plot; the same dots always give the same drawing.

    Args:
        dots: at least one, with values that an axis can hold, as ``pareto`` chooses them.

    Raises:
        ValueError: there are no dots.
    """
    x = axis([dot.x for dot in dots], LEFT, WIDTH - RIGHT)
    y = axis([dot.y for dot in dots], HEIGHT - BOTTOM, TOP)
    places = [(x.at(dot.x), y.at(dot.y)) for dot in dots]
    front = sorted({place for place, dot in zip(places, dots, strict=True) if dot.leads})
    marks = _marks(dots, places, front)
    return Scatter(x.ticks(), y.ticks(), marks, _numbers(places), tuple(front), x.logarithmic, y.logarithmic)


def _marks(
    dots: Sequence[Dot], places: Sequence[tuple[float, float]], front: Sequence[tuple[float, float]]
) -> tuple[Mark, ...]:
    """Every dot with the free place for its label; the leading ones choose first."""
    points = [(a - 6, b - 6, a + 6, b + 6) for a, b in places]
    line = [_between(start, end, step / 12) for start, end in pairwise(front) for step in range(1, 12)]
    boxes: list[Box] = []
    marks: dict[int, Mark] = {}
    for index in sorted(range(len(dots)), key=lambda index: (not dots[index].leads, places[index])):
        (a, b), dot = places[index], dots[index]
        label = dot.label if len(dot.label) <= LONGEST_LABEL else f"{dot.label[: LONGEST_LABEL - 1].rstrip()}…"
        if len(boxes) >= LABELS:
            marks[index] = Mark(a, b, dot.kind, "", a, b, "start")
            continue
        others = [*boxes, *(box for place, box in enumerate(points) if place != index)]
        choices = list(_choices(a, b, len(label) * DIGIT))
        best = min(choices, key=lambda choice: (_cost(choice[0], others, line), choices.index(choice)))
        box, anchor = best
        boxes.append(box)
        at = {"start": box[0], "middle": (box[0] + box[2]) / 2, "end": box[2]}[anchor]
        leader = _leader((a, b), box)
        marks[index] = Mark(a, b, dot.kind, label, round(at, 1), round(box[3] - 3, 1), anchor, leader)
    return tuple(marks[index] for index in range(len(dots)))


def _numbers(places: Sequence[tuple[float, float]]) -> tuple[Number, ...]:
    """The number of every point where it overlaps least; none of so many that they cannot be placed."""
    if len(places) > LABELS:
        return ()
    boxes = [(a - 6, b - 6, a + 6, b + 6) for a, b in places]
    found = []
    for index, (a, b) in enumerate(places):
        text = str(index + 1)
        others = [box for place, box in enumerate(boxes) if place != index]
        choices = list(_choices(a, b, len(text) * 0.6 * NUMBER_SIZE, NUMBER_SIZE))
        box, anchor = min(choices, key=lambda choice: (_cost(choice[0], others, ()), choices.index(choice)))
        boxes.append(box)
        at = {"start": box[0], "middle": (box[0] + box[2]) / 2, "end": box[2]}[anchor]
        found.append(Number(round(at, 1), round(box[3] - 4, 1), text, anchor))
    return tuple(found)


def _choices(
    a: float, b: float, width: float, size: float = SIZE
) -> Iterator[tuple[Box, Literal["start", "middle", "end"]]]:
    """Places for a label of a size around a point, the preferred one first."""
    height = size + 2
    for far in (0, 8, 16, 26):
        for up in (-height / 2, -height - far, far):
            yield (a + 8, b + up, a + 8 + width, b + up + height), "start"
            yield (a - 8 - width, b + up, a - 8, b + up + height), "end"
        for up in (-height - 6 - far, 6 + far):
            yield (a - width / 2, b + up, a + width / 2, b + up + height), "middle"


def _leader(point: tuple[float, float], box: Box) -> tuple[float, float] | None:
    """The nearest place of a label, if it is not near."""
    x = min(max(point[0], box[0]), box[2])
    y = min(max(point[1], box[1]), box[3])
    return (round(x, 1), round(y, 1)) if math.dist(point, (x, y)) > BESIDE else None


def _cost(box: Box, others: Sequence[Box], line: Sequence[tuple[float, float]]) -> float:
    left, top, right, bottom = box
    outside = max(0, LEFT - left) + max(0, right - WIDTH) + max(0, -top) + max(0, bottom - (HEIGHT - BOTTOM))
    under = sum(
        max(0, min(right, other[2]) - max(left, other[0])) * max(0, min(bottom, other[3]) - max(top, other[1]))
        for other in others
    )
    crossed = sum(left <= x <= right and top <= y <= bottom for x, y in line)
    return 100 * outside + 10 * under + 4 * crossed


def _between(first: tuple[float, float], second: tuple[float, float], share: float) -> tuple[float, float]:
    return first[0] + share * (second[0] - first[0]), first[1] + share * (second[1] - first[1])

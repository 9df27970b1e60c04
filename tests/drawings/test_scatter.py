"""The geometry of scatter plots: axes, points, and labels that do not lie on each other."""

from __future__ import annotations

import math
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.drawings.axes import SIZE, WIDTH, axis
from generator.drawings.scatter import BOTTOM, DIGIT, HEIGHT, LEFT, RIGHT, TOP, Dot, Mark, scatter
from tests.work import calls_in


def box(mark: Mark) -> tuple[float, float, float, float]:
    width = len(mark.label) * DIGIT
    left = {"start": mark.label_x, "middle": mark.label_x - width / 2, "end": mark.label_x - width}[mark.anchor]
    return left, mark.label_y - SIZE + 1, left + width, mark.label_y + 3


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_labels_do_not_lie_on_each_other() -> None:
    near = [(1, 1), (1.01, 1.02), (1, 1.05), (1.02, 0.98), (5, 5), (5.02, 5), (9, 1), (9, 9)]
    drawing = scatter([Dot(f"Method {n}", x, y, "read", leads=n % 2 == 0) for n, (x, y) in enumerate(near)])
    boxes = [box(mark) for mark in drawing.marks]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    for left, top, right, bottom in boxes:
        assert left >= LEFT - 1
        assert right <= WIDTH
        assert top >= -1
        assert bottom <= HEIGHT


def test_points_and_ticks_lie_in_the_frame_and_larger_values_to_the_right_and_up() -> None:
    drawing = scatter([Dot("a", 1, 2, "baseline", leads=True), Dot("b", 3, 8, "read", leads=False)])
    first, second = drawing.marks
    assert LEFT < first.x < second.x < WIDTH - RIGHT
    assert TOP < second.y < first.y < HEIGHT - BOTTOM
    assert 3 <= len(drawing.x_ticks) <= 8
    assert [tick.text for tick in drawing.x_ticks] == ["1", "1.5", "2", "2.5", "3"]
    assert drawing.front == ((first.x, first.y),)


def test_a_wide_range_is_logarithmic() -> None:
    drawn = axis([2, 200], 0, 100)
    assert drawn.logarithmic
    assert math.isclose(drawn.at(20), 50, abs_tol=0.1)
    assert {tick.text for tick in drawn.ticks()} >= {"2", "5", "10", "100", "200"}
    assert not axis([-1, 200], 0, 100).logarithmic


@given(st.lists(st.floats(-9e11, 9e11).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=1, max_size=6))
@settings(max_examples=200, derandomize=True, database=None)
def test_any_values_have_an_axis(numbers: list[float]) -> None:
    drawn = axis(numbers, 0, 100)
    assert all(0 <= drawn.at(number) <= 100 for number in numbers)
    assert len(drawn.ticks()) < 80


def test_many_dots_are_drawn_and_some_named() -> None:
    def dots(number: int) -> list[Dot]:
        name = "A rather long name of a method, number"
        return [Dot(f"{name} {n}", n % 17, n % 13, "read", leads=n < 3) for n in range(number)]

    assert calls_in(lambda: scatter(dots(160))) < 5 * calls_in(lambda: scatter(dots(40)))
    drawing = scatter(dots(160))
    assert len(drawing.marks) == 160
    assert all(mark.label for mark in drawing.marks[:3])
    assert sum(bool(mark.label) for mark in drawing.marks) == 40
    assert scatter(dots(160)) == drawing

"""Line plots: names where they mislead nobody, error bars inside the frame, marks that tell the series apart."""

from __future__ import annotations

from itertools import pairwise

import pytest

from generator.drawings.axes import Axis, axis
from generator.drawings.lines import FRAME, MARKS, Series, line_plot, mark

LONG = Series("long", ((0.3, 0.25), (0.5, 0.3), (0.9, 1.0)), strong=True)
LONE = Series("lone", ((0.5, 0.23),), strong=False, hollow=True, style=1)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_single_point_is_named_beside_it(logarithmic: bool) -> None:
    plot = line_plot([LONG, LONE], 0.225, logarithmic=logarithmic)
    (x, y), label = plot.lines[1].places[0], plot.lines[1].label
    assert label.x == x
    assert not label.leads
    assert 10 <= label.y - y <= 25
    assert label.y <= FRAME.foot


def test_names_of_two_single_points_are_below_one_another() -> None:
    twin = Series("twin", ((0.5, 0.2301),), strong=True)
    first, second = (line.label for line in line_plot([LONG, LONE, twin], 0.225, logarithmic=True).lines[1:])
    assert abs(second.y - first.y) >= 14.9
    assert max(first.y, second.y) <= FRAME.foot


def test_a_line_that_ends_early_is_named_beside_its_end() -> None:
    early = Series("early", ((0.3, 0.3), (0.4, 0.5)), strong=True)
    long, short = line_plot([LONG, early], 0.225).lines
    assert long.label.leads
    assert long.label.x > FRAME.right
    assert not short.label.leads
    assert short.label.x == short.places[-1][0]


def test_leaders_are_short() -> None:
    series = [Series(str(end), ((0.3, 0.3), (end / 100, 0.5)), strong=True) for end in range(31, 91)]
    for line in line_plot(series[::12], 0.225).lines:
        assert not line.label.leads or FRAME.right - line.places[-1][0] <= 90


def test_the_name_of_the_reference_keeps_clear_of_the_others() -> None:
    plot = line_plot([LONG, Series("near", ((0.3, 0.25), (0.9, 0.226)), strong=True)], 0.225)
    heights = sorted([plot.level_label, *(line.label.y for line in plot.lines)])
    assert all(second - first >= 14.9 for first, second in pairwise(heights))


def test_error_bars_reach_a_deviation_and_stay_inside() -> None:
    bars = Series("bars", ((0.3, 0.5), (0.9, 1.0)), strong=True, deviations=(0.1, 0.3))
    plot = line_plot([bars], 0.4)
    (x, high, low), (_, top, _) = plot.lines[0].bars
    assert x == plot.lines[0].places[0][0]
    assert high < plot.lines[0].places[0][1] < low
    assert FRAME.top <= top
    assert low <= FRAME.foot
    assert line_plot([LONG], 0.4).lines[0].bars == ()


def test_an_error_bar_below_zero_ends_at_the_foot_of_a_logarithmic_axis() -> None:
    wide = Series("wide", ((0.3, 0.1), (0.9, 1.0)), strong=True, deviations=(0.2, 0.0))
    assert line_plot([wide], 0.4, logarithmic=True).lines[0].bars[0][2] == FRAME.foot


def test_every_style_has_a_mark_of_its_own() -> None:
    assert len(set(MARKS)) == len(MARKS) >= 6
    assert len({mark(style, 10, 20) for style in range(len(MARKS))}) == len(MARKS)
    assert mark(0, 10.5, 20).startswith("M10.5 20m")
    drawn = line_plot([LONG, LONE], 0.225).lines[1]
    assert list(drawn.marks()) == [mark(1, *drawn.places[0])]
    assert drawn.mark_at(16, 6) == mark(1, 16, 6)


def test_a_short_logarithmic_axis_has_enough_round_values() -> None:
    short = axis([0.2248, 1.1], 280, 14, logarithmic=True)
    assert short.logarithmic
    assert [tick.text for tick in short.ticks()] == ["0.3", "0.5", "0.7", "1"]
    assert [tick.text for tick in Axis(0.2, 50, logarithmic=True, start=0, end=9).ticks()][:3] == ["0.2", "0.5", "1"]


def test_room_below_is_given_on_both_kinds_of_axis() -> None:
    for logarithmic in (False, True):
        plain, roomy = (axis([1.0, 5.0], 100, 0, logarithmic=logarithmic, below=below) for below in (0, 0.2))
        assert roomy.low < plain.low
        assert roomy.high == plain.high

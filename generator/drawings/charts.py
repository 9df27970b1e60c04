"""Geometry of the statistics charts: from numbers to bars and labels. A template draws them as SVG.

Two forms are enough: *panels*, one small column chart a group with a common scale, and *bars*, one row a group.
Across, places are percentages of the width and texts keep their size, so that the same drawing serves a phone and a
wide screen; down, they are pixels. See docs/decisions/charts.md for why no plotting library does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from generator.views.statistics import Group, Number, Period, Statistic
from reference_impls.number_format import count, percent

PLOT_HEIGHT = 68
"""Pixels of a panel's highest column."""
ABOVE, BELOW = 16, 18
"""Pixels for the values over the columns and for the years under them."""
ROW_HEIGHT, BAR_HEIGHT = 42, 14
"""Pixels of a row of bars, and of the bar in it."""
LONGEST = 80.0
"""Percent of the width that the longest bar takes; the rest is for its value."""
GAP = 16.0
"""Percent of a column's slot that stays empty."""

Unit = Literal["papers", "percent"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One number as a rectangle: ``x`` and ``width`` in percent, ``y`` and ``height`` in pixels."""

    x: float
    y: float
    width: float
    height: float
    value: str
    """What stands at its end."""
    text: str
    """What it says, in words."""
    number: Number


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of a panel with the year under it."""

    middle: float
    """Percent of the width."""
    year: str
    bar: Bar


@dataclass(frozen=True, slots=True)
class Panel:
    """One group over time."""

    group: Group
    columns: tuple[Column, ...]
    text: str
    """The whole panel in words."""
    height: int = ABOVE + PLOT_HEIGHT + BELOW
    base: int = ABOVE + PLOT_HEIGHT


@dataclass(frozen=True, slots=True)
class Row:
    """One group as a bar, its name above."""

    name: str
    baseline: int
    bar: Bar


@dataclass(frozen=True, slots=True)
class Rows:
    """Groups side by side."""

    rows: tuple[Row, ...]
    height: int
    text: str
    """The whole chart in words."""


def panels(statistic: Statistic, unit: Unit = "papers") -> tuple[Panel, ...]:
    """One panel a group; all have the scale of the highest column."""
    top = max((_size(number, unit) for group in statistic.groups for number in group.by_period), default=0)
    return tuple(_panel(group, statistic.periods, unit, top) for group in statistic.groups)


def bars(groups: Sequence[Group], unit: Unit = "papers") -> Rows:
    """One row a group. Shares are drawn on a scale of 100 percent, counts on that of the largest."""
    return _rows([(group.name, group.total) for group in groups], unit)


def bars_by_period(group: Group, periods: Sequence[Period], unit: Unit = "papers") -> Rows:
    """One row a period, for one group."""
    return _rows([(period.name, number) for period, number in zip(periods, group.by_period, strict=True)], unit)


def _rows(named: Sequence[tuple[str, Number]], unit: Unit) -> Rows:
    top = 100.0 if unit == "percent" else max((_size(number, unit) for _, number in named), default=0)
    rows = []
    for index, (name, number) in enumerate(named):
        y = index * ROW_HEIGHT
        width = round(LONGEST * _size(number, unit) / top, 2) if top else 0.0
        value = (
            f"{_value(number, unit)}\u2002{number.count} of {number.whole}" if unit == "percent" else str(number.count)
        )
        bar = Bar(0.0, y + 20, width, BAR_HEIGHT, value, f"{name}: {_words(number, unit)}", number)
        rows.append(Row(name, y + 14, bar))
    return Rows(tuple(rows), len(named) * ROW_HEIGHT, "; ".join(row.bar.text for row in rows))


def _panel(group: Group, periods: Sequence[Period], unit: Unit, top: float) -> Panel:
    slot = 100 / len(periods)
    columns = []
    for index, (period, number) in enumerate(zip(periods, group.by_period, strict=True)):
        height = round(PLOT_HEIGHT * _size(number, unit) / top, 1) if top else 0.0
        if number.count:
            height = max(height, 1.5)
        x, y = round(slot * (index + GAP / 200), 2), round(ABOVE + PLOT_HEIGHT - height, 1)
        text = f"{group.name}, {period.name}: {_words(number, unit)}"
        value = _value(number, unit).removesuffix("%") if number.count else ""
        bar = Bar(x, y, round(slot * (1 - GAP / 100), 2), height, value, text, number)
        columns.append(Column(round(slot * (index + 0.5), 2), _short(period), bar))
    spoken = ", ".join(
        f"{period.name} {_value(number, unit)}" for period, number in zip(periods, group.by_period, strict=True)
    )
    return Panel(group, tuple(columns), f"{group.name}, {unit} by year: {spoken}")


def _short(period: Period) -> str:
    """Two digits of the year, as the narrow columns hold no more."""
    digits = f"{period.last % 100:02d}"
    return digits if period.first == period.last else f"≤{digits}"


def _size(number: Number, unit: Unit) -> float:
    return number.percent if unit == "percent" else float(number.count)


def _value(number: Number, unit: Unit) -> str:
    return percent(number.percent / 100) if unit == "percent" else str(number.count)


def _words(number: Number, unit: Unit) -> str:
    if unit == "percent":
        return f"{_value(number, unit)}, {number.count} of {number.whole} papers"
    return count(number.count, "paper")

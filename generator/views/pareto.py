"""Quality against cost: the configurations of one table that have both, and which of them lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.entries.model import Metric
from generator.views.benchmarks import Benchmark
from generator.views.configurations import Configuration, Group, groups

POINTS_OF_A_PLOT = 3
"""So many configurations, and so many different costs, make a plot."""
COSTS = (
    *("latency", "throughput", "frame-rate", "speed-up", "throughput-gain", "latency-reduction", "macs", "flops"),
    *(
        "parameters",
        "model-size",
        "memory",
        "compute-reduction",
        "parameter-reduction",
        "compression",
        "weight-sparsity",
    ),
)
"""The costs that a plot may show, those measured as time before those that are counted.

Of the costs of a table the first is taken that has at least half as many points as the one with most.
"""
SMALLEST, LARGEST = 1e-9, 1e12
"""Size of the values, beside 0, that an axis can hold."""


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration, or the unchanged model."""

    quality: float
    cost: float
    row: Configuration | None
    """None for the unchanged model."""
    leads: bool
    """No other point is at least as good in both respects and better in one."""


@dataclass(frozen=True, slots=True)
class TradeOff:
    """The points of one table."""

    source: str
    place: str
    quality: str
    cost: str
    points: tuple[Point, ...]
    """The unchanged model first, then by cost, the least expensive last."""


def trade_offs(benchmark: Benchmark, metrics: Mapping[str, Metric]) -> tuple[TradeOff, ...]:
    """For each table and measure of quality of a benchmark one plot, of the cost that ``COSTS`` prefers.

    What was read in a secondary source is not drawn.
    """
    found: list[TradeOff] = []
    qualities = [name for name in benchmark.metrics if metrics[name].measures == "quality"]
    for group in groups(row for row in benchmark.rows if row.trust != "secondary"):
        for quality in qualities:
            plots = [plot for cost in COSTS if (plot := _plot(group, quality, cost, metrics))]
            most = max((len(plot.points) for plot in plots), default=0)
            found += [plot for plot in plots if 2 * len(plot.points) >= most][:1]
    return tuple(sorted(found, key=lambda plot: (-len(plot.points), plot.source, plot.place, plot.quality)))


def _plot(group: Group, quality: str, cost: str, metrics: Mapping[str, Metric]) -> TradeOff | None:
    values = list(_values(group, quality, cost))
    if sum(row is not None for _, _, row in values) < POINTS_OF_A_PLOT:
        return None
    unchanged = _unchanged(group, quality, cost, metrics[cost])
    if unchanged is not None:
        values.append((*unchanged, None))
    if len({price for _, price, _ in values}) < POINTS_OF_A_PLOT:
        return None
    signs = [1 if metrics[name].better == "lower" else -1 for name in (quality, cost)]
    signed = [(signs[0] * good, signs[1] * price) for good, price, _ in values]
    points = [
        Point(good, price, row, leads=not any(_beats(other, mine) for other in signed))
        for (good, price, row), mine in zip(values, signed, strict=True)
    ]
    points.sort(key=lambda point: (point.row is not None, -signs[1] * point.cost, signs[0] * point.quality))
    return TradeOff(group.source, group.place, quality, cost, tuple(points))


def _values(group: Group, quality: str, cost: str) -> Iterator[tuple[float, float, Configuration | None]]:
    """Quality and cost of the configurations that state both exactly."""
    for row in group.rows:
        pair = [row.result.after[name] for name in (quality, cost) if name in row.result.after]
        if len(pair) == 2 and all(value.qualifier is None for value in pair):
            numbers = [value.number for value in pair]
            if all(_drawable(number) for number in numbers):
                yield numbers[0], numbers[1], row


def _drawable(number: float) -> bool:
    return number == 0 or SMALLEST < abs(number) < LARGEST


def _unchanged(group: Group, quality: str, cost: str, metric: Metric) -> tuple[float, float] | None:
    """Quality and cost of the unchanged model, where both are known."""
    good, price = (group.unchanged.get(name) for name in (quality, cost))
    if good is None or not _drawable(good.number):
        return None
    if metric.relative:
        return good.number, 1.0 if metric.unit == "×" else 0.0
    return (good.number, price.number) if price is not None and _drawable(price.number) else None


def _beats(other: Sequence[float], mine: Sequence[float]) -> bool:
    return tuple(other) != tuple(mine) and other[0] <= mine[0] and other[1] <= mine[1]

"""Quality against cost: which numbers of one source are two sides of one configuration, and which of them lead.

Entries hold one number a row. Two rows make a point when one source printed both in one place for one method, and one
setting repeats every phrase of the other ("ALTER (0.65), 768 px" is in "ALTER (0.65), one image of 768 px in 25
steps"), or names the other number ("the model with FID 9.27"). Where two candidates fit, there is no point.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.entries.model import Metric, Result
from generator.views.benchmarks import COST, QUALITY, TIMED, Benchmark, Row

POINTS_OF_A_PLOT = 3
"""So many configurations, and so many different costs, make a plot."""
COSTS = (
    *("macs", "flops", "latency", "throughput", "frame-rate", "speed-up", "latency-reduction", "parameters"),
    *("model-size", "memory", "compute-reduction", "parameter-reduction", "compression", "weight-sparsity"),
)
"""The costs that a plot may show; of two with equally many points the first is taken."""
SMALLEST, LARGEST = 1e-9, 1e12
"""Size of the values, beside 0, that an axis can hold."""
UNCHANGED: Mapping[str, float] = {"speed-up": 1, "compression": 1}
"""What relative metrics are for the unchanged model; reductions are 0."""

_UNITS = re.compile(r"^sampler iterations per second( at|,) ")  # the taxonomy lets a throughput's setting say so


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration, or the unchanged model."""

    quality: float
    cost: float
    rows: tuple[Row, Row] | None
    """The numbers of quality and cost; none for the unchanged model."""
    leads: bool
    """No other point is at least as good in both respects and better in one."""


@dataclass(frozen=True, slots=True)
class TradeOff:
    """The points that one source allows."""

    source: str
    place: str
    quality: str
    cost: str
    points: tuple[Point, ...]
    """The unchanged model first, then by cost, the least expensive last."""


def trade_offs(benchmark: Benchmark, metrics: Mapping[str, Metric]) -> tuple[TradeOff, ...]:
    """For each table and measure of quality of a benchmark the plot with most points, if it has enough."""
    tables: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in benchmark.rows:
        if row.result.qualifier is None and _drawable(row.result):
            tables[row.printed_in].append(row)
    drawn: list[TradeOff] = []
    for rows in tables.values():
        for quality in sorted({row.result.metric for row in rows} & QUALITY):
            plots = (_plot(rows, quality, cost, metrics) for cost in COSTS)
            drawn += sorted(filter(None, plots), key=lambda plot: -len(plot.points))[:1]
    return tuple(sorted(drawn, key=lambda plot: (-len(plot.points), plot.source, plot.place, plot.quality)))


def _drawable(result: Result) -> bool:
    values = (result.before or 0, result.after)
    return all(value == 0 or SMALLEST < abs(value) < LARGEST for value in values)


def _plot(rows: Sequence[Row], quality: str, cost: str, metrics: Mapping[str, Metric]) -> TradeOff | None:
    protocols: dict[tuple[object, ...], list[tuple[Row, Row]]] = defaultdict(list)
    for pair in _pairs(rows, quality, cost, metrics[quality].name):
        protocols[_protocol(pair)].append(pair)
    together = max(protocols.values(), key=len, default=[])
    if len(together) < POINTS_OF_A_PLOT:
        return None
    bare = _unchanged(together, cost, metrics[cost])
    values: list[tuple[tuple[float, float], tuple[Row, Row] | None]] = [(bare, None)] if bare else []
    values += [((pair[0].result.after, pair[1].result.after), pair) for pair in together]
    if len({price for (_, price), _ in values}) < POINTS_OF_A_PLOT:
        return None
    signs = [1 if metrics[name].better == "lower" else -1 for name in (quality, cost)]
    signed = [(signs[0] * value[0], signs[1] * value[1]) for value, _ in values]
    points = [
        Point(*value, both, leads=not any(_beats(other, mine) for other in signed))
        for (value, both), mine in zip(values, signed, strict=True)
    ]
    points.sort(key=lambda point: (point.rows is not None, -signs[1] * point.cost, signs[0] * point.quality))
    first = together[0][0]
    return TradeOff(first.source, first.place, quality, cost, tuple(points))


def _protocol(pair: tuple[Row, Row]) -> tuple[object, ...]:
    """Equal for points that may stand in one plot: the unchanged model is the same, and the hardware of a time."""
    quality, cost = (row.result for row in pair)
    return quality.before, cost.before, cost.hardware if cost.metric in TIMED else None


def _pairs(rows: Sequence[Row], quality: str, cost: str, name: str) -> Iterator[tuple[Row, Row]]:
    costs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.result.metric == cost:
            costs[row.slug].append(row)
    for row in rows:
        if row.result.metric != quality:
            continue
        fitting = [other for other in costs[row.slug] if fits(row, other, name)]
        same = [other for other in fitting if phrases(other.result.setting) == phrases(row.result.setting)]
        if len(same or fitting) == 1:
            yield row, (same or fitting)[0]


def fits(quality: Row, cost: Row, name: str) -> bool:
    """Whether two numbers of one method belong to one configuration.

    Args:
        quality: the one number.
        cost: the other number.
        name: of the measure of quality, as a setting may write it.
    """
    one, other = _plain(_stated(quality.result.setting)), _plain(_stated(cost.result.setting))
    if f" {_plain(f'{name} {quality.result.after:g}')} " in f" {other} ":
        return True
    return _repeats(one, phrases(cost.result.setting)) or _repeats(other, phrases(quality.result.setting))


def phrases(setting: str) -> tuple[str, ...]:
    """The comma-separated parts of a setting in plain words; what follows a semicolon only comments."""
    parts = (_plain(part) for part in _stated(setting).split(", "))
    return tuple(part for part in parts if part)


def _stated(setting: str) -> str:
    return _UNITS.sub("", setting.split(";", maxsplit=1)[0])


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w.%-]+", text.casefold()))


def _repeats(words: str, parts: Iterable[str]) -> bool:
    parts = tuple(parts)
    return bool(parts) and all(f" {part} " in f" {words} " for part in parts)


def _unchanged(pairs: Sequence[tuple[Row, Row]], cost: str, metric: Metric) -> tuple[float, float] | None:
    """Quality and cost of the unchanged model, where both are known; all pairs share them."""
    quality, price = (row.result.before for row in pairs[0])
    if price is None and cost in COST and (cost.endswith("-reduction") or cost in UNCHANGED) and metric.unit:
        price = UNCHANGED.get(cost, 0)
    return (quality, price) if quality is not None and price is not None else None


def _beats(other: tuple[float, float], mine: tuple[float, float]) -> bool:
    return other != mine and other[0] <= mine[0] and other[1] <= mine[1]

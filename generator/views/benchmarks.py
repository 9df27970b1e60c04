"""The reported configurations, gathered by model and data set, and which of them can be compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from generator.entries.model import Catalogue, Metric, Value
from generator.views.configurations import Configuration, Group, columns, configurations, groups

METHODS_OF_A_PAGE = 3
"""So many methods must report one metric of a benchmark before it gets a page."""
SIDE_BY_SIDE = 3
"""So many configurations of one method make a table of their own; two methods always do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Configurations that one source printed side by side, best first, with the columns that they have."""

    group: Group
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One value of the unchanged model and all places that state it."""

    metric: str
    value: Value
    hardware: tuple[str, ...]
    stated: tuple[tuple[str, str], ...]
    """Source and place."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The configurations of one model on one data set, or without one."""

    slug: str
    model: str
    """Slug of the model."""
    dataset: str | None
    """Slug of the data set."""
    title: str
    """Model and data set in words."""
    has_page: bool
    rows: tuple[Configuration, ...]
    """In the order of the entries."""
    metrics: tuple[str, ...]
    """All that are reported, quality before cost."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Slugs of the entries, sorted."""
        return tuple(sorted({row.slug for row in self.rows}))

    @property
    def numbers(self) -> int:
        """How many values with a method there are."""
        return sum(len(row.result.after) for row in self.rows)


@dataclass(frozen=True)
class Benchmarks:
    """All configurations of single models; what a source says of several models at once belongs to none of them."""

    all: tuple[Benchmark, ...]
    """By model and data set."""

    @cached_property
    def pages(self) -> tuple[Benchmark, ...]:
        """Those with enough methods for a page of their own, the ones with most methods first."""
        found = (one for one in self.all if one.has_page)
        return tuple(sorted(found, key=lambda one: (one.dataset is None, -len(one.methods), one.title.casefold())))

    @cached_property
    def of_model(self) -> Mapping[str, tuple[Benchmark, ...]]:
        """The benchmarks of each model, those with most methods first."""
        found: dict[str, list[Benchmark]] = defaultdict(list)
        for benchmark in sorted(self.all, key=lambda one: -len(one.methods)):
            found[benchmark.model].append(benchmark)
        return {model: tuple(benchmarks) for model, benchmarks in found.items()}

    @cached_property
    def _by_entry(self) -> Mapping[str, tuple[Benchmark, ...]]:
        found: dict[str, dict[str, Benchmark]] = defaultdict(dict)
        for benchmark in self.all:
            for row in benchmark.rows:
                found[row.slug][benchmark.slug] = benchmark
        return {slug: tuple(benchmarks.values()) for slug, benchmarks in found.items()}

    def of_entry(self, slug: str) -> tuple[Benchmark, ...]:
        """The benchmarks on which others report, too."""
        return tuple(one for one in self._by_entry.get(slug, ()) if len(one.methods) > 1 or one.has_page)


def find_benchmarks(catalogue: Catalogue) -> Benchmarks:
    """Gather the configurations of all papers. The cost grows with their number, sorting aside."""
    gathered: dict[tuple[str, str | None], list[Configuration]] = defaultdict(list)
    for row in configurations(catalogue.papers):
        if len(row.result.model) == 1 and len(row.result.dataset) < 2:
            gathered[row.result.model[0], next(iter(row.result.dataset), None)].append(row)
    found = (_benchmark(catalogue, model, dataset, rows) for (model, dataset), rows in gathered.items())
    return Benchmarks(tuple(sorted(found, key=lambda one: (one.title.casefold(), one.slug))))


def _benchmark(catalogue: Catalogue, model: str, dataset: str | None, rows: list[Configuration]) -> Benchmark:
    entry = catalogue.models[model].entry
    reporting: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name in row.result.after:
            reporting[name].add(row.slug)
    enough = max(map(len, reporting.values())) >= METHODS_OF_A_PAGE
    return Benchmark(
        slug=f"{model}-on-{dataset}" if dataset else model,
        model=model,
        dataset=dataset,
        title=f"{entry.name}, {catalogue.datasets[dataset].name}" if dataset else entry.name,
        has_page=enough and not entry.unspecific,
        rows=tuple(rows),
        metrics=columns(rows, catalogue.taxonomy.metrics),
    )


def comparisons(
    benchmark: Benchmark, metrics: Mapping[str, Metric]
) -> tuple[tuple[Comparison, ...], tuple[Configuration, ...]]:
    """The tables of a benchmark, those of most methods first, and the configurations that stand alone.

    What was read in a secondary source is not ranked.
    """
    side_by_side: list[Comparison] = []
    apart = [row for row in benchmark.rows if row.trust == "secondary"]
    for group in groups(row for row in benchmark.rows if row.trust != "secondary"):
        if len(group.rows) >= SIDE_BY_SIDE or len({row.slug for row in group.rows}) > 1:
            names = columns(group.rows, metrics)
            ordered = tuple(sorted(group.rows, key=lambda row: _rank(row, names, metrics)))
            side_by_side.append(Comparison(Group(group.source, group.place, group.unchanged, ordered), names))
        else:
            apart.extend(group.rows)
    side_by_side.sort(
        key=lambda one: (
            -len({row.slug for row in one.group.rows}),
            -len(one.group.rows),
            one.group.source,
            one.group.place,
        )
    )
    return tuple(side_by_side), tuple(apart)


def _rank(row: Configuration, names: Iterable[str], metrics: Mapping[str, Metric]) -> tuple[tuple[bool, float], ...]:
    """Best first by the first column, then by the next; what lacks a value comes after what has one."""
    return tuple(
        (name not in row.result.after, (1 if metrics[name].better == "lower" else -1) * value.number)
        for name in names
        for value in (row.result.after.get(name, Value(0.0)),)
    )


def baselines(benchmark: Benchmark) -> tuple[Baseline, ...]:
    """Every value of the unchanged model, by metric and value, with the places that state it."""
    stated: dict[tuple[str, Value], dict[tuple[str, str], None]] = defaultdict(dict)
    hardware: dict[tuple[str, Value], dict[str, None]] = defaultdict(dict)
    for row in benchmark.rows:
        for name, value in row.result.before.items():
            stated[name, value][row.printed_in] = None
            if row.hardware:
                hardware[name, value][row.hardware] = None
    order = {name: place for place, name in enumerate(benchmark.metrics)}
    return tuple(
        Baseline(name, value, tuple(hardware[name, value]), tuple(places))
        for (name, value), places in sorted(stated.items(), key=lambda one: (order[one[0][0]], one[0][1].number))
    )

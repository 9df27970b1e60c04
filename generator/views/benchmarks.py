"""The published numbers, gathered by model and data set, and which of them can be compared.

A number is never ranked against one from another table: papers differ in sampler, steps, number of images, reference
statistics and hardware, and mostly do not say all of it. Numbers stand side by side when one source printed them in
one place, for one metric, against the same unchanged model, and, for times, on the same hardware.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from generator.entries.model import Catalogue, Filed, Metric, Paper, Result
from generator.views.benchmark_names import DATASET_NAMES, MODEL_NAMES, address_part, names_one_model

QUALITY = frozenset(
    {
        *("accuracy", "clip-score", "cmmd", "dpg-bench", "fid", "fvd", "geneval", "hps", "image-reward"),
        *("inception-score", "lpips", "pick-score", "psnr", "quality-drop", "ssim", "vbench", "word-error-rate"),
    }
)
"""Metrics of what comes out."""

COST = frozenset(
    {
        *("attention-compute-reduction", "attention-sparsity", "attention-speed-up", "compression"),
        *("compute-reduction", "energy-gain", "flops", "frame-rate", "latency", "latency-reduction", "macs", "memory"),
        *("memory-reduction", "model-size", "parameter-reduction", "parameters", "speed-up", "throughput"),
        *("training-compute", "training-reduction", "training-speed-up", "weight-sparsity"),
    }
)
"""Metrics of what it takes; they do not depend on the data set."""

TIMED = frozenset(
    {
        *("attention-speed-up", "energy-gain", "frame-rate", "latency", "latency-reduction", "speed-up"),
        *("throughput", "training-compute", "training-reduction", "training-speed-up"),
    }
)
"""Metrics that depend on the hardware."""

METHODS_OF_A_PAGE = 3
"""So many methods must report one metric of a benchmark before it gets a page."""
SIDE_BY_SIDE = 3
"""So many numbers of one method make a table of their own; two methods always do."""

Trust = Literal["read", "abstract", "second hand"]


@dataclass(frozen=True, slots=True)
class Row:
    """One number with the method that it belongs to and the source that printed it."""

    slug: str
    """Entry of the method."""
    number: int
    """Place among the results of the entry, from 1."""
    result: Result
    source: str
    """Slug of the paper that printed the number."""
    place: str
    """Where in that paper."""
    via: str | None = None
    """What was read in place of the source."""

    @property
    def anchor(self) -> str:
        """Id of the row on its page."""
        return f"row-{self.slug}-{self.number}"

    @property
    def trust(self) -> Trust:
        """How near to the source the number was read."""
        if self.via is not None:
            return "second hand"
        return "abstract" if self.place.startswith("abstract") else "read"

    @property
    def printed_in(self) -> tuple[str, str]:
        """Source and place, equal for the numbers of one table."""
        return self.source, self.place.casefold()


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers that one source printed side by side: the only ones that may be ranked."""

    metric: str
    source: str
    place: str
    hardware: str | None
    before: float | None
    """Value of the unchanged model, where the source gives one."""
    rows: tuple[Row, ...]
    """Best first."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One value of the unchanged model and all places that state it."""

    value: float
    hardware: tuple[str, ...]
    stated: tuple[tuple[str, str], ...]
    """Source and place."""


@dataclass(frozen=True, slots=True)
class Section:
    """All numbers of one metric on a benchmark."""

    metric: str
    baselines: tuple[Baseline, ...]
    groups: tuple[Group, ...]
    """Tables of their own, the largest first."""
    apart: tuple[Row, ...]
    """Numbers that stand alone, by the name of the method: no order of merit."""
    tables: int
    """How many comparisons these are: groups, however small."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The numbers of one model on one data set."""

    slug: str
    model: str
    dataset: str | None
    has_page: bool
    rows: tuple[Row, ...]
    """In the order of the entries."""
    methods: tuple[str, ...]
    """Slugs of the entries, sorted."""
    sections: tuple[Section, ...]
    """By metric, quality before cost."""

    @property
    def title(self) -> str:
        """Model and data set in words."""
        return f"{self.model}, {self.dataset}" if self.dataset else self.model


@dataclass(frozen=True)
class Benchmarks:
    """All numbers of the catalogue; each belongs to a benchmark, a cost without a data set perhaps to several."""

    all: tuple[Benchmark, ...]
    """By model and data set."""

    @cached_property
    def pages(self) -> tuple[Benchmark, ...]:
        """Those with enough methods for a page of their own, the ones with most methods first."""
        paged = (benchmark for benchmark in self.all if benchmark.has_page)
        return tuple(
            sorted(
                paged,
                key=lambda benchmark: (benchmark.dataset is None, -len(benchmark.methods), benchmark.title.casefold()),
            )
        )

    @cached_property
    def of(self) -> Mapping[tuple[str, int], Benchmark]:
        """The benchmark of every row, by the entry and the place among its results from 1; one with a page first."""
        ordered = sorted(self.all, key=lambda benchmark: benchmark.has_page)
        return {(row.slug, row.number): benchmark for benchmark in ordered for row in benchmark.rows}

    def of_entry(self, slug: str) -> tuple[Benchmark, ...]:
        """The benchmarks on which others report too, in the order of the entry's rows."""
        reporting: dict[str, Benchmark] = {}
        number = 1
        while (benchmark := self.of.get((slug, number))) is not None:
            if len(benchmark.methods) > 1 or benchmark.has_page:
                reporting[benchmark.slug] = benchmark
            number += 1
        return tuple(reporting.values())


def find_benchmarks(catalogue: Catalogue) -> Benchmarks:
    """Gather the numbers of all papers. The cost grows with their number, sorting aside."""
    rows = list(_rows(catalogue.papers))
    gathered: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row, dataset in _with_datasets(rows):
        gathered[MODEL_NAMES.key(row.result.model), dataset].append(row)
    models = _most_frequent((MODEL_NAMES.key(row.result.model), row.result.model) for row in rows)
    datasets = _most_frequent(
        (DATASET_NAMES.key(row.result.dataset), row.result.dataset) for row in rows if row.result.dataset
    )
    named = sorted(
        (
            (
                MODEL_NAMES.shown(model, models[model]),
                DATASET_NAMES.shown(dataset, datasets[dataset]) if dataset else None,
                rows,
            )
            for (model, dataset), rows in gathered.items()
        ),
        key=lambda name: (name[0].casefold(), name[0], (name[1] or "").casefold(), name[1] or ""),
    )
    taken: set[str] = set()
    return Benchmarks(
        tuple(
            _benchmark(catalogue, model, dataset, rows, _free_slug(f"{model} {dataset or ''}", taken))
            for model, dataset, rows in named
        )
    )


def _rows(papers: Mapping[str, Filed[Paper]]) -> Iterator[Row]:
    for slug, filed in papers.items():
        for number, result in enumerate(filed.entry.results, start=1):
            source = result.reported_by or slug
            short = papers[source].entry.short
            via = None if result.via == short else result.via
            yield Row(slug, number, result, source, _place(result.where, short), via)


def _place(where: str, short: str | None) -> str:
    """``Table 1 of DeepCache`` is ``Table 1`` where DeepCache is known to be the source."""
    return where.removesuffix(f" of {short}") if short else where


def _with_datasets(rows: Iterable[Row]) -> Iterator[tuple[Row, str]]:
    """Each row with the key of its data set, or with several.

    A cost without a data set belongs to every data set on which the same table reports this model.
    """
    rows = list(rows)
    beside: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.result.dataset:
            beside[(MODEL_NAMES.key(row.result.model), *row.printed_in)].add(DATASET_NAMES.key(row.result.dataset))
    for row in rows:
        datasets = {DATASET_NAMES.key(row.result.dataset)}
        if datasets == {""} and row.result.metric in COST:
            datasets = beside.get((MODEL_NAMES.key(row.result.model), *row.printed_in), datasets)
        for dataset in sorted(datasets):
            yield row, dataset


def _most_frequent(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Counter[str]]:
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for key, spelling in pairs:
        spellings[key][spelling] += 1
    return spellings


def _free_slug(name: str, taken: set[str]) -> str:
    """An address that no other benchmark has; equal ones are numbered in the order of the names."""
    slug = start = address_part(name) or "benchmark"
    number = 1
    while slug in taken:
        number += 1
        slug = f"{start}-{number}"
    taken.add(slug)
    return slug


def _benchmark(catalogue: Catalogue, model: str, dataset: str | None, rows: list[Row], slug: str) -> Benchmark:
    methods = tuple(sorted({row.slug for row in rows}))
    metrics = catalogue.taxonomy.metrics
    order = {name: (name not in QUALITY, place) for place, name in enumerate(metrics)}
    by_metric: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_metric[row.result.metric].append(row)
    reporting = (len({row.slug for row in same}) for same in by_metric.values())
    names = {method: (catalogue.papers[method].entry.short or method).casefold() for method in methods}
    return Benchmark(
        slug=slug,
        model=model,
        dataset=dataset,
        has_page=max(reporting) >= METHODS_OF_A_PAGE and names_one_model(model),
        rows=tuple(rows),
        methods=methods,
        sections=tuple(
            _section(name, metrics[name], by_metric[name], names) for name in sorted(by_metric, key=order.__getitem__)
        ),
    )


def _section(name: str, metric: Metric, rows: list[Row], names: Mapping[str, str]) -> Section:
    groups: list[Group] = []
    apart: list[Row] = []
    tables = list(_groups(name, metric, rows))
    for group in tables:
        if len(group.rows) >= SIDE_BY_SIDE or len({row.slug for row in group.rows}) > 1:
            groups.append(group)
        else:
            apart.extend(group.rows)
    groups.sort(key=lambda group: (-len({row.slug for row in group.rows}), -len(group.rows), group.source, group.place))
    apart.sort(key=lambda row: (names[row.slug], row.slug, row.number))
    return Section(name, _baselines(rows), tuple(groups), tuple(apart), len(tables))


def _groups(name: str, metric: Metric, rows: Iterable[Row]) -> Iterator[Group]:
    """Rows of one table, one baseline and, for times, one hardware."""
    tables: dict[tuple[str, str, str | None], list[Row]] = defaultdict(list)
    for row in rows:
        tables[(*row.printed_in, row.result.hardware if name in TIMED else None)].append(row)
    sign = 1 if metric.better == "lower" else -1
    for (source, _, hardware), printed in tables.items():
        given = {row.result.before for row in printed} - {None}
        only = next(iter(given)) if len(given) == 1 else None  # then rows without a baseline share it
        by_baseline: dict[float | None, list[Row]] = defaultdict(list)
        for row in printed:
            by_baseline[only if row.result.before is None else row.result.before].append(row)
        for before, same in by_baseline.items():
            same.sort(key=lambda row: (sign * row.result.after, row.slug, row.number))
            yield Group(name, source, same[0].place, hardware, before, tuple(same))


def _baselines(rows: Iterable[Row]) -> tuple[Baseline, ...]:
    stated: dict[float, dict[tuple[str, str], str]] = defaultdict(dict)
    hardware: dict[float, dict[str, None]] = defaultdict(dict)
    for row in rows:
        if row.result.before is not None:
            stated[row.result.before].setdefault(row.printed_in, row.place)
            if row.result.hardware and row.result.metric in TIMED:
                hardware[row.result.before][row.result.hardware] = None
    return tuple(
        Baseline(value, tuple(hardware[value]), tuple((source, place) for (source, _), place in places.items()))
        for value, places in sorted(stated.items())
    )

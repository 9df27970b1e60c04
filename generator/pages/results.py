"""The reported results: an overview, and a page for each benchmark that enough methods report on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from generator.drawings.scatter import Dot, Kind, Scatter, scatter
from generator.pages.page import ROOT, Page
from generator.pages.quantities import Column, column
from generator.pages.render import render
from generator.views.benchmarks import Benchmark, baselines, comparisons
from generator.views.configurations import RATES, Configuration, configurations
from generator.views.pareto import Point, TradeOff, trade_offs
from generator.views.site import Site, label_of
from reference_impls.number_format import count

SCRIPT = f'<script type="module" src="{ROOT}assets/results.js"></script>'
LONGEST_PHRASE = 48
"""Characters of what a name adds to that of its method."""
OPEN_TABLES, OPEN_ROWS = 3, 12
"""So many tables of a benchmark are open if they are no longer than this, the first one than twice of it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A point with its name."""

    label: str
    kind: Kind
    point: Point


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot, drawn and in words."""

    trade_off: TradeOff
    quality: Column
    cost: Column
    named: tuple[Named, ...]
    drawing: Scatter


def benchmark_pages(site: Site) -> Iterator[Page]:
    """A page for each benchmark that has enough methods."""
    for benchmark in site.benchmarks.pages:
        yield _page(site, benchmark)


def _page(site: Site, benchmark: Benchmark) -> Page:
    metrics = site.catalogue.taxonomy.metrics
    results = count(benchmark.numbers, "reported result")
    found = f"{results} of {count(len(benchmark.methods), 'method')}"
    description = f"{found} on {benchmark.title}: each with its setting, its hardware and who reported it."
    side_by_side, apart = comparisons(benchmark, metrics)
    names = names_of(site, benchmark.rows)
    block = render(
        "results_benchmark",
        site=site,
        root=ROOT,
        benchmark=benchmark,
        baselines=baselines(benchmark),
        plots=[drawn(site, trade_off, names) for trade_off in trade_offs(benchmark, metrics)],
        names=names,
        open_tables=OPEN_TABLES,
        open_rows=OPEN_ROWS,
        methods={name: slug for slug in benchmark.methods for name in site.methods_of.get(slug, ())},
        comparisons=side_by_side,
        apart=sorted(apart, key=lambda row: (_name(site, row.slug).casefold(), row.slug, row.number)),
        sources=len({row.source for row in benchmark.rows}),
        related=[one for one in site.benchmarks.pages if one.model == benchmark.model and one is not benchmark],
    )
    words = " ".join(_name(site, slug) for slug in benchmark.methods)
    title = f"{benchmark.title}: reported results"
    return Page(f"results/{benchmark.slug}/", title, description, block, SCRIPT, words)


def _name(site: Site, slug: str) -> str:
    return label_of(site.catalogue.papers[slug])


def drawn(site: Site, trade_off: TradeOff, names: Mapping[str, str]) -> Plot:
    """A plot of quality against cost, with the name of each point, which the tables use, too."""
    named = tuple(
        Named(names[point.row.anchor] if point.row else "Baseline", "read" if point.row else "baseline", point)
        for point in trade_off.points
    )
    table = [(trade_off.source, trade_off.place)]
    quality = column(site, trade_off.quality, [point.quality for point in trade_off.points], table)
    cost = column(site, trade_off.cost, [point.cost for point in trade_off.points], table)
    dots = [
        Dot(one.label, one.point.cost * cost.factor, one.point.quality * quality.factor, one.kind, one.point.leads)
        for one in named
    ]
    return Plot(trade_off, quality, cost, named, scatter(dots))


def names_of(site: Site, rows: Iterable[Configuration]) -> dict[str, str]:
    """One name for each configuration of a benchmark, by its anchor, for plots and tables alike.

    The name of the method; where one table has several configurations of it, also the phrases of the setting that
    distinguish it, or else its number in that table.
    """
    alike: dict[tuple[str, tuple[str, str]], list[Configuration]] = defaultdict(list)
    for row in rows:
        alike[row.slug, row.printed_in].append(row)
    found = {}
    for (slug, _), members in alike.items():
        name = _name(site, slug)
        phrases = _telling_apart([row.result.setting for row in members])
        for number, (row, phrase) in enumerate(zip(members, phrases, strict=True), start=1):
            if len(members) == 1:
                found[row.anchor] = name
            elif not phrase:
                found[row.anchor] = f"{name} {number}"
            else:
                named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", phrase, re.IGNORECASE)
                found[row.anchor] = phrase if named else f"{name}, {phrase}"
    return found


def _telling_apart(settings: Sequence[str]) -> list[str]:
    """For each setting the first short phrase, or else pair, that no other one has, or else all of it; or nothing."""
    phrases = [[part.split(" against ")[0].strip() for part in re.split("[,;] ", one)] for one in settings]
    phrases = [[part for part in own if not any(rate in part for rate in RATES)] for own in phrases]
    found = []
    for index, own in enumerate(phrases):
        others = [set(other) for place, other in enumerate(phrases) if place != index]
        choices = [(one,) for one in own] + list(combinations(own, 2))
        only = [", ".join(one) for one in choices if not any(other.issuperset(one) for other in others)]
        if settings.count(settings[index]) == 1:
            only.append(settings[index])
        found.append(next((one for one in only if len(one) <= LONGEST_PHRASE), ""))
    return found


def overview(site: Site, root: str, argument: str) -> str:
    """A part of the overview.

    Args:
        site: the catalogue.
        root: way from the page to the home page.
        argument: ``with-data``, ``without-data`` or ``single``.

    Raises:
        KeyError: it is none of them.
    """
    if argument == "single":
        return render("results_single", site=site, root=root, models=_single(site))
    with_data = {"with-data": True, "without-data": False}[argument]
    found = [one for one in site.benchmarks.pages if (one.dataset is not None) == with_data]
    metrics = site.catalogue.taxonomy.metrics
    plots = {one.slug: len(trade_offs(one, metrics)) for one in found}
    return render("results_overview", site=site, root=root, benchmarks=found, plots=plots, with_data=with_data)


def _single(site: Site) -> list[tuple[str, list[Configuration]]]:
    """The configurations that no page shows, by the names of their models."""
    shown = {(row.slug, row.number) for benchmark in site.benchmarks.pages for row in benchmark.rows}
    found: dict[str, list[Configuration]] = defaultdict(list)
    for row in configurations(site.catalogue.papers):
        if (row.slug, row.number) not in shown:
            found[", ".join(site.catalogue.models[slug].entry.name for slug in row.result.model)].append(row)
    return sorted(found.items(), key=lambda one: one[0].casefold())

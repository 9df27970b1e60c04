"""The published numbers: an overview, and a page for each benchmark that enough methods report on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.drawings.scatter import Dot, Kind, Scatter, scatter
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.benchmarks import Benchmark, baselines, comparisons
from generator.views.configurations import Configuration, configurations
from generator.views.pareto import Point, TradeOff, trade_offs
from generator.views.site import Site, label_of

SCRIPT = f'<script type="module" src="{ROOT}assets/results.js"></script>'
LONGEST_PHRASE = 20


@dataclass(frozen=True, slots=True)
class Named:
    """A point with the label that tells it from the others."""

    label: str
    kind: Kind
    point: Point


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot, drawn and in words."""

    trade_off: TradeOff
    named: tuple[Named, ...]
    drawing: Scatter


def benchmark_pages(site: Site) -> Iterator[Page]:
    """A page for each benchmark that has enough methods."""
    for benchmark in site.benchmarks.pages:
        yield _page(site, benchmark)


def _page(site: Site, benchmark: Benchmark) -> Page:
    metrics = site.catalogue.taxonomy.metrics
    count = f"{benchmark.numbers} published numbers for {len(benchmark.methods)} methods"
    description = f"{count} on {benchmark.title}: each with its setting, its hardware and who reported it."
    side_by_side, apart = comparisons(benchmark, metrics)
    block = render(
        "results_benchmark",
        site=site,
        root=ROOT,
        benchmark=benchmark,
        baselines=baselines(benchmark),
        plots=[drawn(site, trade_off) for trade_off in trade_offs(benchmark, metrics)],
        comparisons=side_by_side,
        apart=sorted(apart, key=lambda row: (_name(site, row.slug).casefold(), row.slug, row.number)),
        sources=len({row.source for row in benchmark.rows}),
        related=[one for one in site.benchmarks.pages if one.model == benchmark.model and one is not benchmark],
    )
    words = " ".join(_name(site, slug) for slug in benchmark.methods)
    title = f"{benchmark.title}: published results"
    return Page(f"results/{benchmark.slug}/", title, description, block, SCRIPT, words)


def _name(site: Site, slug: str) -> str:
    return label_of(site.catalogue.papers[slug])


def drawn(site: Site, trade_off: TradeOff) -> Plot:
    """A plot of quality against cost, with a label for each point."""
    named = tuple(
        Named(label, _kind(point.row), point)
        for label, point in zip(_labels(site, trade_off.points), trade_off.points, strict=True)
    )
    dots = [Dot(one.label, one.point.cost, one.point.quality, one.kind, one.point.leads) for one in named]
    return Plot(trade_off, named, scatter(dots))


def _kind(row: Configuration | None) -> Kind:
    if row is None:
        return "unchanged"
    return "second hand" if row.trust == "second hand" else "read"


def _labels(site: Site, points: Sequence[Point]) -> Iterator[str]:
    """The name of the method; where it has several points, the phrase that tells them apart, or else a number."""
    settings_of: dict[str, list[str]] = defaultdict(list)
    for point in points:
        if point.row:
            settings_of[point.row.slug].append(point.row.result.setting)
    phrases_of = {slug: _telling_apart(settings) for slug, settings in settings_of.items()}
    count = Counter[str]()
    for point in points:
        if point.row is None:
            yield "unchanged model"
            continue
        slug, name = point.row.slug, _name(site, point.row.slug)
        number, phrases = count[slug], phrases_of[slug]
        count[slug] += 1
        if len(settings_of[slug]) == 1:
            yield name
        elif phrases is None:
            yield f"{name} {number + 1}"
        else:
            phrase = phrases[number]
            yield phrase if name.casefold() in phrase.casefold() else f"{name}, {phrase}"


def _telling_apart(settings: Sequence[str]) -> tuple[str, ...] | None:
    """The first of the comma-separated phrases that is short and another one in each setting; None without one."""
    for phrases in zip(*(setting.split(";")[0].split(", ") for setting in settings), strict=False):
        short = tuple(phrase.split(" against ")[0] for phrase in phrases)
        if len(set(short)) == len(short) and max(map(len, short)) <= LONGEST_PHRASE:
            return short
    return None


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

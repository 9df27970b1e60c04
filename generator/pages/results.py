"""The published numbers: an overview, and a page for each benchmark that enough methods report on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from generator.drawings.scatter import Dot, Kind, Scatter, scatter
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.benchmarks import COST, TIMED, Benchmark, Row
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
    count = f"{len(benchmark.rows)} published numbers for {len(benchmark.methods)} methods"
    description = f"{count} on {benchmark.title}: each with its setting, its hardware and who reported it."
    block = render(
        "results_benchmark",
        site=site,
        root=ROOT,
        benchmark=benchmark,
        plots=[_drawn(site, trade_off) for trade_off in trade_offs(benchmark, site.catalogue.taxonomy.metrics)],
        sources=len({row.source for row in benchmark.rows}),
        timed=TIMED,
        costs=COST,
        related=[other for other in site.benchmarks.pages if other.model == benchmark.model and other is not benchmark],
    )
    words = " ".join(label_of(site.catalogue.papers[slug]) for slug in benchmark.methods)
    title = f"{benchmark.title}: published results"
    return Page(f"results/{benchmark.slug}/", title, description, block, SCRIPT, words)


def _drawn(site: Site, trade_off: TradeOff) -> Plot:
    named = tuple(
        Named(label, _kind(point.rows), point)
        for label, point in zip(_labels(site, trade_off.points), trade_off.points, strict=True)
    )
    dots = [Dot(dot.label, dot.point.cost, dot.point.quality, dot.kind, dot.point.leads) for dot in named]
    return Plot(trade_off, named, scatter(dots))


def _kind(rows: tuple[Row, Row] | None) -> Kind:
    if rows is None:
        return "unchanged"
    return "second hand" if any(row.trust == "second hand" for row in rows) else "read"


def _labels(site: Site, points: Sequence[Point]) -> Iterator[str]:
    """The name of the method; where it has several points, the phrase that tells them apart, or else a number."""
    phrases_of: dict[str, list[str]] = defaultdict(list)
    for point in points:
        if point.rows:
            setting = point.rows[0].result.setting
            phrases_of[point.rows[0].slug].append(setting.split(";")[0].split(", ")[0].split(" against ")[0])
    count = Counter[str]()
    for point in points:
        if point.rows is None:
            yield "unchanged model"
            continue
        slug = point.rows[0].slug
        own, name = phrases_of[slug], label_of(site.catalogue.papers[slug])
        phrase = own[count[slug]]
        count[slug] += 1
        if len(own) == 1:
            yield name
        elif len(set(own)) < len(own) or max(map(len, own)) > LONGEST_PHRASE:
            yield f"{name} {count[slug]}"
        else:
            yield phrase if name.casefold() in phrase.casefold() else f"{name}, {phrase}"


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
        alone = [benchmark for benchmark in site.benchmarks.all if not benchmark.has_page]
        models = [(model, list(same)) for model, same in groupby(alone, key=lambda benchmark: benchmark.model)]
        models.sort(key=lambda pair: pair[0].casefold())
        return render("results_single", site=site, root=root, models=models)
    with_data = {"with-data": True, "without-data": False}[argument]
    chosen = [page for page in site.benchmarks.pages if (page.dataset is not None) == with_data]
    metrics = site.catalogue.taxonomy.metrics
    plots = {benchmark.slug: len(trade_offs(benchmark, metrics)) for benchmark in chosen}
    return render("results_overview", site=site, root=root, benchmarks=chosen, plots=plots, with_data=with_data)

"""The home page: one chart, a search, the reader's model, three answers with numbers, a command, a map, what is new."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from generator.measured.methods import Setting
from generator.pages.browse import rows
from generator.pages.kernels import fast_kernels
from generator.pages.methods import measured, name_of
from generator.pages.render import render
from generator.pages.results import Plot, drawn, names_of
from generator.views.benchmarks import Benchmark
from generator.views.pareto import trade_offs
from generator.views.site import Site
from reference_impls.methods.registry import METHODS

NEWEST = 5
LINKED = 12
"""So many of the most used models are links of the home page."""
BENCHMARKS = 6
"""So many of the benchmarks with most methods, each of another model, are links of the home page."""
COLUMNS = 5
"""So many of the most used architectures are columns of the map; with names and totals it has two more."""
CHART = ("dit-xl-2-on-imagenet-256", "fid", "throughput")
"""Benchmark, quality and cost of the chart; another one takes its place where the catalogue no longer has it."""
GAIN = 2.0
"""The heading of the chart names the configuration of the Pareto front whose gain is nearest to this."""
MODEL, SPARSITY = "dit", 0.5
"""Model and sparsity of the reference implementations that the page quotes."""
COMMAND_METHOD = "wanda"
SEARCHES = ("2:4 sparsity", "training-free DiT", "FLUX.1-dev")
"""Examples under the search field."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The plot with the benchmark that it is from."""

    benchmark: Benchmark
    plot: Plot
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One configuration of the Pareto front beside the baseline."""

    label: str
    gain: float
    """Its cost over that of the baseline, where more is better."""
    baseline: float
    quality: float


@dataclass(frozen=True, slots=True)
class Losses:
    """Denoising losses of one-shot unstructured methods on one model at one sparsity."""

    dense: Setting
    quoted: tuple[tuple[str, Setting], ...]
    """The method with the lowest loss, the one of the command, and random pruning."""
    command: Setting


def home(site: Site, root: str, _argument: str) -> str:
    """The whole content of the home page."""
    papers = [filed.entry for filed in site.catalogue.papers.values()]
    counts = _counts(site)
    in_all = Counter(word for paper in papers for word in paper.architectures)
    columns = sorted(site.catalogue.taxonomy.architectures, key=lambda word: -in_all[word])[:COLUMNS]
    return render(
        "home",
        site=site,
        root=root,
        chart=chart(site),
        fast=fast_kernels(),
        losses=losses(),
        names={name: name_of(site, name) for name in METHODS},
        benchmarks=_benchmarks(site),
        models=site.models.used[:LINKED],
        searches=SEARCHES,
        counts=counts,
        columns=columns,
        methods=len(METHODS),
        command_method=COMMAND_METHOD,
        sparsity=SPARSITY,
        pruning=sum(paper.family == "pruning" for paper in papers),
        with_code=sum(paper.code is not None for paper in papers),
        with_results=sum(bool(paper.results) for paper in papers),
        checked=sum(paper.checked in ("paper", "abstract") for paper in papers),
        newest=[filed for filed in site.newest_first if filed.entry.family == "pruning"][:NEWEST],
    )


def chart(site: Site) -> Chart | None:
    """The chart that the page names, or the first of the largest benchmark that has one."""
    metrics = site.catalogue.taxonomy.metrics
    found = [(one, plot) for one in site.benchmarks.pages for plot in trade_offs(one, metrics)]
    if not found:
        return None
    benchmark, trade_off = min(found, key=lambda one: (one[0].slug, one[1].quality, one[1].cost) != CHART)
    plot = drawn(site, trade_off, names_of(site, benchmark.rows))
    more_is_better = metrics[trade_off.cost].better == "higher"
    return Chart(benchmark, plot, _finding(plot) if more_is_better else None)


def _finding(plot: Plot) -> Finding | None:
    baseline = next((one.point for one in plot.named if one.point.row is None), None)
    leading = [one for one in plot.named if one.point.row is not None and one.point.leads]
    if baseline is None or not baseline.cost or not leading:
        return None
    best = min(leading, key=lambda one: abs(one.point.cost / baseline.cost - GAIN))
    return Finding(best.label, best.point.cost / baseline.cost, baseline.quality, best.point.quality)


def losses() -> Losses:
    """Committed results of the testbed, without recovery.

    Raises:
        ValueError: they lack the method of the command or random pruning.
    """
    found = {
        name: setting
        for name, method in METHODS.items()
        if method.kind == "unstructured" and method.needs != "training"
        for setting in measured().of(name)
        if (setting.model, setting.sparsity, setting.pattern, setting.recovery_steps) == (MODEL, SPARSITY, None, 0)
    }
    if not {COMMAND_METHOD, "random"} <= found.keys():
        raise ValueError(f"the results of the testbed lack {COMMAND_METHOD} or random at {SPARSITY}")
    best = min(found, key=lambda name: found[name]["held_out_loss"])
    names = dict.fromkeys((best, COMMAND_METHOD, "random"))
    return Losses(measured().dense[MODEL], tuple((name, found[name]) for name in names), found[COMMAND_METHOD])


def _counts(site: Site) -> Counter[tuple[str, str]]:
    """Papers by family and architecture, as Browse counts them; with an empty architecture all of a family."""
    counts = Counter[tuple[str, str]]()
    for row in rows(site):
        if row.kind == "paper":
            for family in row.families:
                counts[family, ""] += 1
                counts.update((family, word) for word in getattr(row.filed.entry, "architectures", ()))
    return counts


def _benchmarks(site: Site) -> list[Benchmark]:
    """The benchmarks with most methods, one of a model."""
    by_model: dict[str, Benchmark] = {}
    for benchmark in sorted(site.benchmarks.pages, key=lambda one: -len(one.methods)):
        by_model.setdefault(benchmark.model, benchmark)
    return list(by_model.values())[:BENCHMARKS]


def architecture_list(site: Site, root: str, _argument: str) -> str:
    """The architectures with their sentences and counts."""
    papers = [filed.entry for filed in site.catalogue.papers.values()]
    counts = {
        word: (
            sum(word in p.architectures for p in papers if p.family == "pruning"),
            sum(word in p.architectures for p in papers),
        )
        for word in site.catalogue.taxonomy.architectures
    }
    return render("list_architectures", site=site, root=root, counts=counts)

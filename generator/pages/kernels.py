"""The sparse kernels: whether they make a layer faster, and a page for each with its layout, source and curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer, PythonLexer

from generator.drawings.figures import CAPTIONS, FIGURES
from generator.drawings.lines import LinePlot, Series, line_plot
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.measured_kernels import DescribedKernel, KernelRun, describe_kernel, load_runs
from generator.views.site import Site
from reference_impls.bench.records import KernelRow
from reference_impls.kernels.registry import KERNELS

CONVOLUTION_WORDS = ("channels",)
OWN = {"csr": "ours, single", "shared": "ours, 4 rows"}
"""Names of the lines of our kernels."""
OWN_PATTERN = {"csr": "unstructured", "shared": "4x1"}
"""The pattern whose curve stands for a format."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot of speed-ups."""

    layer: str
    plot: LinePlot


@dataclass(frozen=True, slots=True)
class Answer:
    """One layer in the table of the overview."""

    layer: str
    cells: tuple[tuple[float, KernelRow | None, KernelRow | None], ...]
    """Share of zeros, fastest of single weights, fastest of shared patterns."""


@dataclass(frozen=True, slots=True)
class Fast:
    """Speed-ups on one layer."""

    layer: str
    crossover: float
    """Smallest measured share of zeros at which single weights beat dense."""
    single: float
    """At 90 %."""
    shared: float
    """At 90 %, four outputs together."""
    two_of_four: float
    two_of_four_shared: float


@cache
def runs() -> tuple[KernelRun, ...]:
    """The committed results, read once."""
    return load_runs()


def is_convolution(layer: str) -> bool:
    """Whether a layer of the benchmark is one."""
    return any(word in layer for word in CONVOLUTION_WORDS)


def kernel_pages(site: Site) -> Iterator[Page]:
    """One page for each kernel of the registry."""
    run = runs()[0]
    for name, kernel in KERNELS.items():
        described = describe_kernel(name)
        figure = name.replace("_", "-")
        layers = [layer for layer in run.layers if is_convolution(layer) == (kernel.layer == "conv")]
        block = render(
            "kernel",
            site=site,
            root=ROOT,
            described=described,
            figure=Markup(FIGURES[figure]()),  # noqa: S704  drawn by us
            caption=CAPTIONS[figure],
            sources={file: source(file, text) for file, text in described.sources.items()},
            run=run,
            drawn=[drawn for layer in layers if (drawn := _drawn(run, layer, kernel.format)) is not None],
            rows={layer: _rows(run, layer, described) for layer in layers},
            loses=[row for layer in layers for row in _rows(run, layer, described) if row.speed_up < 1],
        )
        title = f"{name}: a sparse kernel that runs"
        yield Page(f"kernels/{name}/", title, kernel.summary, block, "", f"{name} sparse kernel CPU {kernel.summary}")


def overview(site: Site, root: str, argument: str) -> str:
    """A part of the page on kernels.

    Raises:
        KeyError: ``argument`` is none of answer, plots, models, goals, list, machine.
    """
    first = runs()[0]
    if argument == "list":
        return render("kernels_list", site=site, root=root, kernels=[describe_kernel(name) for name in KERNELS])
    if argument == "answer":
        shares = [share for share in first.sparsities(first.layers[0]) if share != 0.25]
        answers = [Answer(layer, tuple(_cells(first, layer, shares))) for layer in first.layers]
        return render("kernels_answer", run=first, shares=shares, answers=answers)
    if argument == "plots":
        drawn = [plot for layer in first.layers if (plot := _drawn(first, layer, None)) is not None]
        return render("kernels_plots", drawn=drawn)
    part = {"models": "kernels_models", "goals": "kernels_goals", "machine": "kernels_machine"}[argument]
    return render(part, runs=runs())


@cache
def fast_kernels() -> Fast:
    """What the pages of the methods say of speed.

    Raises:
        ValueError: the committed results lack one of its numbers.
    """
    run = runs()[0]
    layer = run.layers[0]
    wins = next((share for share, speed_up in run.curve(layer, "csr", "unstructured") if speed_up >= 1), None)
    rows = [
        run.best(layer, "csr", "unstructured", 0.9),
        run.best(layer, "shared", "4x1", 0.9),
        run.best(layer, "csr", "2:4", 0.5),
        run.best(layer, "shared", "2:4x4", 0.5),
    ]
    if wins is None or None in rows:
        raise ValueError(f"{run.file} lacks rows of {layer}; run python -m reference_impls bench --out {run.file}")
    return Fast(layer, wins, *(row.speed_up for row in rows if row is not None))


def _cells(
    run: KernelRun, layer: str, shares: list[float]
) -> Iterator[tuple[float, KernelRow | None, KernelRow | None]]:
    for share in shares:
        yield share, run.best(layer, "csr", "unstructured", share), run.best(layer, "shared", "4x1", share)


def _rows(run: KernelRun, layer: str, described: DescribedKernel) -> list[KernelRow]:
    """The fastest row of the kernel for each share and pattern that it serves."""
    fastest = (
        run.best(layer, described.kernel.format, pattern, share)
        for share in run.sparsities(layer)
        for pattern in described.kernel.serves
    )
    return [row for row in fastest if row is not None]


def _drawn(run: KernelRun, layer: str, foreground: str | None) -> Drawn | None:
    """Speed-up over the share of zeros, all libraries; None where too little was measured for lines."""
    series = [
        Series(name, run.curve(layer, kind, OWN_PATTERN[kind]), strong=foreground in (None, kind))
        for kind, name in OWN.items()
    ]
    libraries = dict.fromkeys(row.library for row in run.rows if row.layer == layer and row.kind == "sparse")
    for library in libraries:
        points = tuple(
            (row.sparsity, row.speed_up)
            for row in sorted(run.rows, key=lambda row: row.sparsity)
            if (row.layer, row.library, row.pattern) == (layer, library, "unstructured")
        )
        series.append(Series(library, points, strong=foreground is None))
    series = [line for line in series if len(line.points) > 1]
    return Drawn(layer, line_plot(series, 1.0, by_what_is_left=True)) if series else None


@cache
def source(file: str, text: str) -> Markup:
    """A source file with the theme's own classes for colours."""
    lexer = PythonLexer() if file.endswith(".py") else CppLexer()
    return Markup(highlight(text, lexer, HtmlFormatter(nowrap=True)))  # noqa: S704  escaped by Pygments

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
from generator.measured.kernels import DescribedKernel, KernelRun, describe_kernel, load_runs
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.site import Site
from reference_impls.bench.records import Goal, KernelRow, WholeModel
from reference_impls.kernels.registry import FORMAT_NAMES, KERNELS
from reference_impls.number_format import percent

CONVOLUTION_WORDS = ("channels",)
OWN_PATTERN = {"csr": "unstructured", "shared": "4x1"}
"""The pattern that is drawn for a format."""


PATTERN_NAMES = {
    "unstructured": "unstructured",
    "2:4": "2:4",
    "2:4x4": "2:4 shared by 4 rows",
    "4x1": "4×1 blocks",
    "4x4": "4×4 blocks",
    "16x16": "16×16 blocks",
}
"""The patterns of the benchmark, for people."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot of speed-ups."""

    layer: str
    plot: LinePlot


@dataclass(frozen=True, slots=True)
class Answer:
    """One layer in the table of the overview."""

    layer: str
    cells: tuple[tuple[str, KernelRow | None, KernelRow | None], ...]
    """2:4 or sparsity, fastest with the CSR kernel, fastest with the kernel of 4×1 blocks."""


@dataclass(frozen=True, slots=True)
class Fast:
    """Speed-ups on one layer and of a whole model."""

    layer: str
    crossover: float
    """Smallest measured sparsity at which unstructured (CSR) is faster than dense."""
    half: float
    """Unstructured (CSR) at 50%."""
    single: float
    """Unstructured (CSR) at 90%."""
    shared: float
    """4×1 blocks at 90%."""
    two_of_four: float
    two_of_four_shared: float
    whole: tuple[WholeModel, ...]
    """The first of the whole models."""
    cpu: str
    threads: int


@cache
def runs() -> tuple[KernelRun, ...]:
    """The committed results, read once."""
    return load_runs()


def is_convolution(layer: str) -> bool:
    """Whether a layer of the benchmark is one."""
    return any(word in layer for word in CONVOLUTION_WORDS)


def name_of(name: str) -> str:
    """What a kernel computes, in a few words."""
    kernel = KERNELS[name]
    return f"{FORMAT_NAMES[kernel.format]}, {'linear layers' if kernel.layer == 'linear' else '3×3 convolutions'}"


def unit_of(goal: Goal) -> str:
    """What a target counts: seconds, a percentage, or otherwise times."""
    if goal.name.endswith(", s"):
        return " s"
    return "%" if goal.name.endswith(", %") else "×"


def scientific(value: float) -> str:
    """A small number with one digit: 8×10⁻⁷."""
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit}×10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


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
            shown=name_of(name),
            neighbours={other: f"{name_of(other)}." for other in KERNELS if other != name},
            patterns=PATTERN_NAMES,
            loses=[row for layer in layers for row in _rows(run, layer, described) if row.speed_up < 1],
        )
        words = f"{name} sparse kernel CPU {kernel.summary}"
        yield Page(f"kernels/{name}/", f"{name}: sparse kernel", kernel.summary, block, "", words)


def overview(site: Site, root: str, argument: str) -> str:
    """A part of the page on kernels.

    Raises:
        KeyError: ``argument`` is none of commands, answer, plots, models, goals, list, machine.
    """
    first = runs()[0]
    if argument == "commands":
        return render("kernels_commands", site=site)
    if argument == "list":
        described = {name: describe_kernel(name) for name in KERNELS}
        names = {name: name_of(name) for name in KERNELS}
        return render("kernels_list", root=root, kernels=described, names=names, patterns=PATTERN_NAMES)
    if argument == "answer":
        sparsities = [sparsity for sparsity in first.sparsities(first.layers[0]) if sparsity != 0.25]
        answers = [Answer(layer, tuple(_cells(first, layer, sparsities))) for layer in first.layers]
        return render("kernels_answer", run=first, answers=answers, own=FORMAT_NAMES)
    if argument == "plots":
        drawn = [plot for layer in first.layers if (plot := _drawn(first, layer, None)) is not None]
        return render("kernels_plots", drawn=drawn)
    part = {"models": "kernels_models", "goals": "kernels_goals", "machine": "kernels_machine"}[argument]
    return render(part, runs=runs(), own=FORMAT_NAMES, unit_of=unit_of, scientific=scientific)


@cache
def fast_kernels() -> Fast:
    """What the home page and the pages of the methods say of speed.

    Raises:
        ValueError: the committed results lack one of its numbers.
    """
    run = runs()[0]
    layer = run.layers[0]
    wins = next((sparsity for sparsity, speed_up in run.curve(layer, "csr", "unstructured") if speed_up >= 1), None)
    rows = [
        run.best(layer, "csr", "unstructured", 0.5),
        run.best(layer, "csr", "unstructured", 0.9),
        run.best(layer, "shared", "4x1", 0.9),
        run.best(layer, "csr", "2:4", 0.5),
        run.best(layer, "shared", "2:4x4", 0.5),
    ]
    if wins is None or None in rows:
        raise ValueError(f"{run.file} lacks rows of {layer}; run python -m reference_impls bench --out {run.file}")
    whole = tuple(one for one in run.models if one.name == run.models[0].name)
    half, single, shared, two_of_four, two_of_four_shared = (row.speed_up for row in rows if row is not None)
    return Fast(layer, wins, half, single, shared, two_of_four, two_of_four_shared, whole, run.cpu, run.threads)


def _cells(
    run: KernelRun, layer: str, sparsities: list[float]
) -> Iterator[tuple[str, KernelRow | None, KernelRow | None]]:
    yield "2:4", run.best(layer, "csr", "2:4", 0.5), run.best(layer, "shared", "2:4x4", 0.5)
    for sparsity in sparsities:
        yield (
            percent(sparsity),
            run.best(layer, "csr", "unstructured", sparsity),
            run.best(layer, "shared", "4x1", sparsity),
        )


def _rows(run: KernelRun, layer: str, described: DescribedKernel) -> list[KernelRow]:
    """The fastest row of the kernel for each sparsity and pattern that it supports."""
    fastest = (
        run.best(layer, described.kernel.format, pattern, sparsity)
        for sparsity in run.sparsities(layer)
        for pattern in described.kernel.serves
    )
    return [row for row in fastest if row is not None]


def _drawn(run: KernelRun, layer: str, foreground: str | None) -> Drawn | None:
    """Speed-up over sparsity, all libraries; None where too little was measured for lines."""
    series = [
        Series(name, run.curve(layer, kind, OWN_PATTERN[kind]), strong=foreground in (None, kind), style=style)
        for style, (kind, name) in enumerate(FORMAT_NAMES.items())
    ]
    libraries = dict.fromkeys(row.library for row in run.rows if row.kind == "sparse")
    for style, library in enumerate(libraries, start=len(FORMAT_NAMES)):
        points = tuple(
            (row.sparsity, row.speed_up)
            for row in sorted(run.rows, key=lambda row: row.sparsity)
            if (row.layer, row.library, row.pattern) == (layer, library, "unstructured")
        )
        series.append(Series(library, points, strong=foreground is None, dashed=True, style=style))
    series = [line for line in series if len(line.points) > 1]
    return Drawn(layer, line_plot(series, 1.0, by_density=True)) if series else None


@cache
def source(file: str, text: str) -> Markup:
    """A source file with the theme's own classes for colours."""
    lexer = PythonLexer() if file.endswith(".py") else CppLexer()
    return Markup(highlight(text, lexer, HtmlFormatter(nowrap=True)))  # noqa: S704  escaped by Pygments

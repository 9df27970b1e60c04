"""The methods that run here: an overview, and a page for each with its formula, source, rows, plots and samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup

from generator.drawings.lines import LinePlot, Series, line_plot
from generator.pages.kernels import fast_kernels, source
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.measured import (
    KIND_NAMES,
    MODEL_NAMES,
    PACKAGE,
    Measured,
    Setting,
    describe,
    load_measured,
)
from generator.views.site import Site
from reference_impls.methods.registry import METHODS, Kind

HEADLINE = "50 %"
"""The share whose numbers stand for a method where there is room for one row."""
PATTERN = "2:4"
TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
CLAIMS = ("samplers", "quantization", "distillation", "search", "scope")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot with what its axes mean."""

    title: str
    model: str
    plot: LinePlot
    dense: float
    share: str
    """What is counted along the axis."""


@cache
def measured() -> Measured:
    """The committed results, read once."""
    return load_measured()


def method_pages(site: Site) -> Iterator[Page]:
    """One page for each method of the registry."""
    for name in METHODS:
        described = describe(name)
        block = render(
            "method",
            site=site,
            root=ROOT,
            described=described,
            kind=KIND_NAMES[described.method.kind],
            formula=formula(described.method.formula),
            source=source(described.file, described.source),
            results=measured(),
            rows=rows_by_model(name),
            drawn=[_drawn(model, described.method.kind, name) for model in MODEL_NAMES],
            headline=headline(name),
            fast=fast_kernels(),
            models=MODEL_NAMES,
            asked=f"--pattern {PATTERN}" if described.method.pattern_only else "--sparsity 0.5",
        )
        paper = site.catalogue.papers.get(described.method.paper or "")
        words = f"{name} {KIND_NAMES[described.method.kind]} {paper.entry.title if paper else ''}"
        title = f"{name}: a pruning method that runs"
        yield Page(f"methods/{name}/", title, described.method.summary, block, "", words)


def method_files(_site: Site) -> Mapping[str, bytes]:
    """The pictures of samples."""
    files = sorted((PACKAGE / "results" / "samples").glob("*.png"))
    return {f"assets/samples/{file.name}": file.read_bytes() for file in files}


def overview(site: Site, root: str, argument: str) -> str:
    """The list of methods, the plots of one kind, or what pruning was combined with.

    Raises:
        KeyError: ``argument`` is none of list, combined, noise, machine, or a kind.
    """
    results = measured()
    if argument == "noise":
        return render("methods_noise", results=results, models=MODEL_NAMES)
    if argument == "machine":
        return render("methods_machine", results=results)
    if argument == "combined":
        claims = {claim: [row for row in results.combined if row.claim == claim] for claim in CLAIMS}
        return render("methods_combined", claims=claims, models=MODEL_NAMES)
    if argument == "list":
        kinds = {
            title: [(describe(name), headline(name)) for name, method in METHODS.items() if method.kind == kind]
            for kind, title in KIND_NAMES.items()
        }
        return render("methods_list", site=site, root=root, kinds=kinds, models=MODEL_NAMES, results=results)
    kind: Kind = {str(known): known for known in KIND_NAMES}[argument]
    return render("methods_plots", drawn=[_drawn(model, kind, None) for model in MODEL_NAMES], kind=kind)


def headline(name: str) -> Mapping[str, Setting]:
    """The row of each model that stands for a method."""
    how = PATTERN if METHODS[name].pattern_only else HEADLINE
    return {model: setting for model in MODEL_NAMES if (setting := measured().find(model, name, how)) is not None}


def rows_by_model(name: str) -> Mapping[str, Sequence[Setting]]:
    """All rows of a method, the dense model first."""
    return {
        model: [measured().dense[model], *(setting for setting in measured().of(name) if setting.model == model)]
        for model in MODEL_NAMES
        if model in measured().dense
    }


def _drawn(model: str, kind: Kind, foreground: str | None) -> Drawn:
    """Held-out loss over the share that went, all methods of a kind; one of them in the foreground.

    Depth methods cut unlike amounts at one share, since blocks differ in size: theirs is the share of the parameters.
    """
    series = []
    for name, method in METHODS.items():
        if method.kind != kind:
            continue
        strong = foreground in (None, name)
        if one_shot := points(model, name, recovered=False):
            series.append(Series(name, tuple(one_shot), strong))
        if name == foreground and (recovered := points(model, name, recovered=True)):
            series.append(Series("recovered", tuple(recovered), strong=True, dashed=True))
    dense = measured().dense[model]["held_out_loss"]
    by_parameters = kind == "depth"
    plot = line_plot(series, dense, named=TENTHS if by_parameters else None)
    what = "share of parameters gone" if by_parameters else "share pruned"
    return Drawn(f"{KIND_NAMES[kind]}, {MODEL_NAMES[model]}", model, plot, dense, what)


def points(model: str, name: str, *, recovered: bool) -> list[tuple[float, float]]:
    """(share, loss) by rising share."""
    places = [
        (parameters_gone(setting) if METHODS[name].kind == "depth" else setting.sparsity, setting["held_out_loss"])
        for setting in measured().of(name)
        if setting.model == model and setting.pattern is None and bool(setting.recovery_steps) == recovered
    ]
    only = measured().find(model, name, PATTERN, recovered=recovered) if METHODS[name].pattern_only else None
    return sorted(places) if only is None else [(only.sparsity, only["held_out_loss"])]


def parameters_gone(setting: Setting) -> float:
    """Share of the dense model's parameters that are zero or have left."""
    return 1 - setting["nonzero"] / measured().dense[setting.model]["nonzero"]


@cache
def formula(latex: str) -> Markup:
    """MathML, which browsers draw by themselves."""
    return Markup(convert(latex, display="block"))  # noqa: S704  from our own registry, converted by a library

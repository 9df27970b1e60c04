"""The reference implementations: an overview, and a page for each with its formula, source, rows, plots and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup

from generator.drawings.lines import LinePlot, Series, line_plot
from generator.measured.goals import goals_by_command
from generator.measured.methods import (
    KNOWN_AS,
    MODEL_NAMES,
    PACKAGE,
    Measured,
    Setting,
    load_measured,
)
from generator.pages.kernels import fast_kernels, source
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.site import Site, label_of
from reference_impls.methods.described import describe
from reference_impls.methods.differences import COMPARISONS
from reference_impls.methods.matrix import Case, read_cases, runs_of
from reference_impls.methods.registry import KIND_NAMES, METHODS, NEEDS_NAMES, Kind, Needs
from reference_impls.study.paper_rules import read_rows
from reference_impls.study.records import RuleRow

HEADLINE = "50%"
"""The sparsity of the row that is shown where there is room for one."""
PATTERN = "2:4"
TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
CLAIMS = ("samplers", "quantization", "distillation", "search", "scope")
PURPOSES: Mapping[Kind, str] = {
    "unstructured": "Use it to store a trained model in less memory; it becomes faster only with a sparse kernel.",
    "structured": "Use it to get a narrower dense model, with fewer heads, neurons and channels, for any hardware.",
    "depth": "Use it to get a shallower dense model, with fewer blocks, for any hardware.",
}
BASELINE = "Use it as the baseline that any criterion has to beat."
LOOKS_AT: Mapping[Needs, str] = {
    "nothing": "the weights alone",
    "activations": "inputs of the layers on some forward passes",
    "trajectory": "the forward passes of a sampler",
    "gradients": "those of the denoising loss, one batch per timestep",
    "training": "some steps on images",
}
AXES: Mapping[Kind, str] = {
    "unstructured": "Sparsity",
    "structured": "Heads, neurons and channels to remove",
    "depth": "Parameters removed",
}
"""What is counted along the axis of a plot."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot with what its axes mean."""

    title: str
    model: str
    plot: LinePlot
    dense: float
    across: str
    """Title of the horizontal axis."""


@cache
def measured() -> Measured:
    """The committed results, read once."""
    return load_measured()


@cache
def paper_rules() -> Mapping[str, Sequence[RuleRow]]:
    """The rows that compare a method with the rule of its paper, by their key, read once."""
    rows = read_rows()
    return {key: [row for row in rows if row.key == key] for key in dict.fromkeys(row.key for row in rows)}


@cache
def cases() -> tuple[Case, ...]:
    """What was tried on classes of diffusers, read once."""
    return read_cases()


def name_of(site: Site, method: str) -> str:
    """What the field calls a method: the name of its paper where that has one."""
    return KNOWN_AS.get(method) or label_of(site.catalogue.papers[METHODS[method].paper or ""])


def title_of(site: Site, method: str) -> str:
    """The name of a method, with its group where another group has the same name."""
    name = name_of(site, method)
    same = Counter(name_of(site, other) for other in METHODS)
    return f"{name} ({METHODS[method].kind})" if same[name] > 1 else name


def method_pages(site: Site) -> Iterator[Page]:
    """One page for each method of the registry."""
    for name in METHODS:
        described = describe(name)
        method, shown = described.method, title_of(site, name)
        group = KIND_NAMES[method.kind]
        benchmarks = [one for one in site.benchmarks.of_entry(method.paper or "") if one.has_page]
        block = render(
            "method",
            site=site,
            root=ROOT,
            title=shown,
            described=described,
            kind=group,
            requirement=NEEDS_NAMES[method.needs],
            looks_at=LOOKS_AT[method.needs],
            purpose=PURPOSES[method.kind] if method.paper else BASELINE,
            formula=formula(method.formula),
            compared=COMPARISONS[name],
            measured_difference=paper_rules(),
            source=source(described.file, described.source),
            results=measured(),
            rows=rows_by_model(name),
            runs=runs_of(case for case in cases() if case.method == name),
            drawn=[_drawn(site, model, method.kind, name) for model in MODEL_NAMES],
            headline=headline(name),
            fast=fast_kernels(),
            models=MODEL_NAMES,
            asked=f"--pattern {PATTERN}" if method.pattern_only else "--sparsity 0.5",
            neighbours={
                other: (title_of(site, other), found.summary)
                for other, found in METHODS.items()
                if found.kind == method.kind and other != name
            },
            same_paper=[
                (other, title_of(site, other))
                for other, found in METHODS.items()
                if found.paper and found.paper == method.paper and other != name
            ],
            benchmarks=benchmarks,
        )
        paper = site.catalogue.papers.get(method.paper or "")
        words = f"{name} {shown} {group} {paper.entry.title if paper else ''}"
        yield Page(f"methods/{name}/", f"{shown}: reference implementation", method.summary, block, "", words)


def method_files(_site: Site) -> Mapping[str, bytes]:
    """The images of samples."""
    files = sorted((PACKAGE / "results" / "samples").glob("*.png"))
    return {f"assets/samples/{file.name}": file.read_bytes() for file in files}


def overview(site: Site, root: str, argument: str) -> str:
    """The commands, the list of methods, the plots of one group, differences, or what pruning was combined with.

    Raises:
        KeyError: ``argument`` is none of commands, list, combined, differences, noise, machine, goals, or a group.
    """
    results = measured()
    if argument == "commands":
        return render("methods_commands", site=site)
    if argument == "differences":
        compared = {name: (title_of(site, name), one) for name, one in COMPARISONS.items() if METHODS[name].paper}
        return render("methods_differences", root=root, compared=compared, measured_difference=paper_rules())
    if argument == "noise":
        return render("methods_noise", results=results, models=MODEL_NAMES)
    if argument == "machine":
        return render("methods_machine", results=results)
    if argument == "goals":
        return render("methods_goals", commands=goals_by_command())
    if argument == "combined":
        claims = {claim: [row for row in results.combined if row.claim == claim] for claim in CLAIMS}
        return render("methods_combined", claims=claims, models=MODEL_NAMES)
    if argument == "list":
        kinds = {
            title: [
                (describe(name), title_of(site, name), headline(name))
                for name, method in METHODS.items()
                if method.kind == kind
            ]
            for kind, title in KIND_NAMES.items()
        }
        return render(
            "methods_list",
            site=site,
            root=root,
            kinds=kinds,
            models=MODEL_NAMES,
            needs=NEEDS_NAMES,
            results=results,
        )
    kind: Kind = {str(known): known for known in KIND_NAMES}[argument]
    return render(
        "methods_plots",
        drawn=[_drawn(site, model, kind, None) for model in MODEL_NAMES],
        kind=kind,
        results=results,
        models=MODEL_NAMES,
        values={model: _values(site, model, kind) for model in MODEL_NAMES},
    )


def headline(name: str) -> Mapping[str, Setting]:
    """The row of each model that is shown where there is room for one."""
    how = PATTERN if METHODS[name].pattern_only else HEADLINE
    return {model: setting for model in MODEL_NAMES if (setting := measured().find(model, name, how)) is not None}


def rows_by_model(name: str) -> Mapping[str, Sequence[Setting]]:
    """All rows of a method, the dense model first, those with kept shortcuts last."""
    settings = (*measured().of(name), *measured().of(name, keep_shortcuts=True))
    return {
        model: [measured().dense[model], *(setting for setting in settings if setting.model == model)]
        for model in MODEL_NAMES
        if model in measured().dense
    }


def _values(site: Site, model: str, kind: Kind) -> Mapping[str, Mapping[str, Setting]]:
    """Name of a method -> sparsity or pattern -> its one-shot row, for all methods of a group."""
    return {
        title_of(site, name): {
            setting.how: setting
            for setting in measured().of(name)
            if setting.model == model and not setting.recovery_steps
        }
        for name, method in METHODS.items()
        if method.kind == kind
    }


def _drawn(site: Site, model: str, kind: Kind, foreground: str | None) -> Drawn:
    """Denoising loss over sparsity, all methods of a group; one of them in the foreground.

    Depth methods remove unlike amounts at one sparsity, since blocks differ in size: theirs is that of the parameters.
    """
    series = []
    for style, (name, method) in enumerate((name, one) for name, one in METHODS.items() if one.kind == kind):
        strong = foreground in (None, name)
        trains = method.needs == "training"
        label = f"{name_of(site, name)}{' (trained)' if trains else ''}"
        places, deviations = _losses(points(model, name, recovered=False))
        if places:
            series.append(Series(label, places, strong, hollow=trains, style=style, deviations=deviations))
        places, deviations = _losses(points(model, name, recovered=True))
        if places and name == foreground:
            recovered = Series(
                "after recovery", places, strong, dashed=True, hollow=trains, style=style, deviations=deviations
            )
            series.append(recovered)
    dense = measured().dense[model]["held_out_loss"]
    plot = line_plot(series, dense, logarithmic=True, named=TENTHS if kind == "depth" else None)
    return Drawn(f"{KIND_NAMES[kind]}, {MODEL_NAMES[model]}", model, plot, dense, AXES[kind])


def _losses(found: Sequence[tuple[float, Setting]]) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
    """Points of a line, and half the height of each one's error bar."""
    losses = [(at, setting.numbers["held_out_loss"]) for at, setting in found]
    return tuple((at, loss.mean) for at, loss in losses), tuple(loss.deviation for _, loss in losses)


def points(model: str, name: str, *, recovered: bool) -> list[tuple[float, Setting]]:
    """(sparsity or parameters removed, row) by what is removed."""
    only = measured().find(model, name, PATTERN, recovered=recovered) if METHODS[name].pattern_only else None
    if only is not None:
        return [(only.sparsity, only)]
    places = [
        (parameters_removed(setting) if METHODS[name].kind == "depth" else setting.sparsity, setting)
        for setting in measured().of(name)
        if setting.model == model and setting.pattern is None and bool(setting.recovery_steps) == recovered
    ]
    return sorted(places, key=lambda place: (place[0], place[1]["held_out_loss"]))


def parameters_removed(setting: Setting) -> float:
    """Fraction of the dense model's parameters that are zero or removed."""
    return 1 - setting["nonzero"] / measured().dense[setting.model]["nonzero"]


@cache
def formula(latex: str) -> Markup:
    """MathML, which browsers draw by themselves."""
    return Markup(convert(latex, display="block"))  # noqa: S704  from our own registry, converted by a library

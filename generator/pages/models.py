"""The page of each model and line of models: its cost, the papers on it, and how to prune it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from generator.entries.model import Filed, Model
from generator.pages.browse import json_bytes
from generator.pages.methods import cases
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.models import Part, operations_of, parts_of
from generator.views.site import Site
from reference_impls.methods.matrix import RECORDED, WORKS
from reference_impls.methods.registry import KIND_NAMES, METHODS

NAMES_VERSION = 1


def model_pages(site: Site) -> Iterator[Page]:
    """A page for each model."""
    for filed in site.catalogue.models.values():
        yield model_page(site, filed)


def model_page(site: Site, filed: Filed[Model]) -> Page:
    """The page of one model."""
    model = filed.entry
    tried = list(site.models.tried(filed.slug))
    papers = site.models.papers(filed.slug)
    parts = parts_of(model)
    block = render(
        "model",
        site=site,
        root=ROOT,
        filed=filed,
        parts=parts,
        together=Part("together", sum(part.parameters for part in parts)) if len(parts) > 1 else None,
        operations=operations_of(model),
        lines=site.models.lines_of(filed.slug),
        members=site.models.members.get(filed.slug, ()),
        papers=papers,
        tried=tried,
        tools=site.models.tools(filed.slug),
        benchmarks=[one for one in site.benchmarks.of_model.get(filed.slug, ()) if one.has_page],
        denoiser=(denoiser := next((name for name in model.diffusers if name in methods_of_classes()), None)),
        methods=methods_of_classes().get(denoiser or "", {}),
        pipelines=pipelines_of(denoiser),
    )
    words = " ".join(
        (*model.aliases, *(site.catalogue.models[slug].entry.name for slug in site.models.lines_of(filed.slug)))
    )
    named = (
        "1 entry of the catalogue names it" if len(papers) == 1 else f"{len(papers)} entries of the catalogue name it"
    )
    description = f"{model.summary} {named}." if papers else model.summary
    return Page(f"models/{filed.slug}/", f"{model.name}: how to make it cheaper", description, block, "", words)


@cache
def methods_of_classes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Class of diffusers -> kind of method -> methods that work on each of its configurations that was tried."""
    works: dict[str, dict[str, bool]] = {}
    for case in cases():
        own = works.setdefault(case.kind, {})
        own[case.method] = own.get(case.method, True) and case.outcome == WORKS
    return {
        kind: {
            KIND_NAMES[of]: names
            for of in KIND_NAMES
            if (names := [name for name, method in METHODS.items() if method.kind == of and own.get(name)])
        }
        for kind, own in works.items()
    }


def pipelines_of(denoiser: str | None) -> Sequence[str]:
    """The pipelines that forward passes of a class of diffusers were recorded from."""
    calls = dict.fromkeys(case.calls for case in cases() if case.kind == denoiser)
    return [how.removeprefix(RECORDED) for how in calls if how.startswith(RECORDED)]


def model_files(site: Site) -> Mapping[str, bytes]:
    """Names and aliases, for the box of the home page, by address below it."""
    names = [
        [slug, filed.entry.name, list(filed.entry.aliases), len(site.models.papers(slug))]
        for slug, filed in site.catalogue.models.items()
    ]
    document = {"version": NAMES_VERSION, "models": names}
    return {"models/names.json": json_bytes(document)}


def model_list(site: Site, root: str, _argument: str) -> str:
    """All models by what they make, those that most papers name first."""
    groups = []
    for output, term in site.catalogue.taxonomy.outputs.items():
        own = [filed for filed in site.catalogue.models.values() if filed.entry.output == output]
        own.sort(key=lambda filed: (-len(site.models.papers(filed.slug)), filed.entry.name.casefold()))
        if own:
            groups.append((output, term, own))
    return render("list_models", site=site, root=root, groups=groups)

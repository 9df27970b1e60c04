"""What a contributor looks up: fields, vocabularies, the template, every check with its examples."""

from __future__ import annotations

from dataclasses import dataclass

from generator.arxiv import enrich, fetch, records
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS, choose, drafts, glossary
from generator.entries import load_yaml
from generator.entries.model import KINDS, VOCABULARIES, Result, Taxonomy
from generator.entries.problem import Code
from generator.pages.render import render
from generator.views.site import Site


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, as the reference shows it."""

    name: str
    required: bool
    shape: str
    vocabulary: str | None
    text: str


def all_codes() -> tuple[Code, ...]:
    """Every published code, sorted."""
    modules = (
        load_yaml,
        drafts,
        choose,
        glossary,
        records,
        fetch,
        enrich,
        *ENTRY_CHECKS.values(),
        *CATALOGUE_CHECKS.values(),
    )
    return tuple(sorted((code for module in modules for code in module.CODES), key=lambda code: code.code))


def field_table(_site: Site, root: str, argument: str) -> str:
    """The fields of papers, results, tools, articles or models.

    Raises:
        KeyError: ``argument`` is none of them.
    """
    model = Result if argument == "results" else KINDS[argument]
    vocabularies = {"before": "metrics", "after": "metrics"} if argument == "results" else VOCABULARIES[argument]
    fields = [
        Field(
            name,
            info.is_required(),
            _shape(str(info.annotation)),
            vocabularies.get(name),
            info.description or "",
        )
        for name, info in model.model_fields.items()
    ]
    return render("reference_fields", fields=fields, of=argument, root=root)


def _shape(annotation: str) -> str:
    if "Result" in annotation:
        return "list of results"
    if "Parameters" in annotation:
        return "mapping from part to millions"
    if "Value" in annotation:
        return "mapping from metric to number"
    if "bool" in annotation:
        return "true"
    if "tuple" in annotation:
        return "list"
    if "float" in annotation:
        return "number"
    return "one of a few words" if "Literal" in annotation else "text"


def vocabularies(site: Site, root: str, _argument: str) -> str:
    """Every vocabulary with its terms and their sentences."""
    named = {name: site.catalogue.taxonomy.vocabulary(name) for name in Taxonomy.model_fields}
    return render("reference_vocabularies", vocabularies=named, root=root)


def checks(_site: Site, root: str, _argument: str) -> str:
    """Every code with its rule, a bad example and the good one."""
    return render("reference_checks", codes=all_codes(), root=root)


def template(site: Site, root: str, _argument: str) -> str:
    """The annotated entry that contributors start from."""
    return render("reference_template", text=site.template, root=root)

"""Reference for contributors: fields, vocabularies, the template, every check with its examples."""

from __future__ import annotations

from dataclasses import dataclass

from generator.arxiv import enrich, fetch, records
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS, choose, digests, drafts, glossary, queries, turned_down
from generator.entries import load_yaml
from generator.entries.model import KINDS, VOCABULARIES, Result, Taxonomy
from generator.entries.problem import Code
from generator.pages.render import render
from generator.views.site import Site

GROUPS = {
    "E1": "File and YAML",
    "E2": "Fields and values",
    "E3": "Characters",
    "E4": "Addresses and file names",
    "E5": "The catalogue as a whole",
    "E6": "Records of arXiv",
}
"""Start of a code -> title of its group."""
EXAMPLES = ("E110", "E202", "E212", "E220", "E222", "E240", "E404", "E405")
"""Codes of mistakes that are made often; their fragments fit on one line."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, as the reference shows it."""

    name: str
    required: bool
    type: str
    vocabulary: str | None
    text: str


def all_codes() -> tuple[Code, ...]:
    """Every published code, sorted."""
    modules = (
        load_yaml,
        drafts,
        choose,
        glossary,
        turned_down,
        queries,
        digests,
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
            _type_of(str(info.annotation)),
            vocabularies.get(name),
            info.description or "",
        )
        for name, info in model.model_fields.items()
    ]
    return render("reference_fields", fields=fields, of=argument, root=root)


def _type_of(annotation: str) -> str:
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


def checks(_site: Site, root: str, argument: str) -> str:
    """Every code with its rule, a wrong example and the right one; with ``examples`` a table of a few.

    Raises:
        ValueError: the argument is another one.
    """
    if argument == "examples":
        codes = {code.code: code for code in all_codes()}
        return render("reference_examples", codes=[codes[name] for name in EXAMPLES], root=root)
    if argument:
        raise ValueError(f"no list of checks {argument!r}")
    groups = {title: [code for code in all_codes() if code.code.startswith(start)] for start, title in GROUPS.items()}
    return render("reference_checks", groups=groups, root=root)


def template(site: Site, root: str, _argument: str) -> str:
    """The annotated entry that contributors start from."""
    return render("reference_template", text=site.template, root=root)


def scope(site: Site, root: str, argument: str) -> str:
    """What does not belong: with ``rules`` the rules with their sentences, with ``papers`` the papers turned down.

    Raises:
        ValueError: the argument is another one.
    """
    rules = site.catalogue.taxonomy.scope
    papers = {word: [paper for paper in site.catalogue.turned_down if paper.rule == word] for word in rules}
    if argument == "rules":
        return render("scope_rules", rules=rules, papers=papers, root=root)
    if argument == "papers":
        newest = {word: found[::-1] for word, found in papers.items() if found}
        return render("scope_papers", rules=rules, papers=newest, total=len(site.catalogue.turned_down))
    raise ValueError(f"no list {argument!r} of what does not belong; use rules or papers")

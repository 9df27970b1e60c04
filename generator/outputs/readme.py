"""README.md: the awesome list itself, rendered from the data. Committed, and checked to be up to date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from generator import escape
from generator.entries.model import Article, Filed, Paper, Term, Tool
from generator.views.site import Site, address_of, date_of

PAPER_FAMILIES = ("pruning", "foundations")

Sorted = TypeVar("Sorted", Tool, Article)


def render_readme(site: Site) -> str:
    """The whole file."""
    taxonomy = site.catalogue.taxonomy
    families = [filed.entry.family for filed in site.catalogue.papers.values()]
    return (
        _environment()
        .get_template("readme.md.j2")
        .render(
            home=site.config.site_url,
            repository=Markup(site.config.repo_url),  # noqa: S704  shown in a code block, where nothing is escaped
            papers=len(families),
            families=len(taxonomy.families),
            sparsity=taxonomy.sparsity,
            statuses=taxonomy.statuses,
            groups=[group for family in PAPER_FAMILIES for group in _groups(site, family)],
            other_families=[
                (word, term, families.count(word))
                for word, term in taxonomy.families.items()
                if word not in PAPER_FAMILIES
            ],
            tools=_by_category(
                taxonomy.tool_categories,
                sorted((filed.entry for filed in site.catalogue.tools.values()), key=lambda tool: tool.name.casefold()),
            ),
            articles=_by_category(
                taxonomy.article_categories,
                sorted(
                    (filed.entry for filed in site.catalogue.articles.values()),
                    key=lambda article: article.title.casefold(),
                ),
            ),
        )
    )


def _environment() -> Environment:
    """Jinja2 for Markdown: every value is escaped, except the links made by ``link``."""
    markdown = Environment(
        loader=PackageLoader("generator"),
        autoescape=False,  # noqa: S701  that would escape for HTML; finalize escapes for Markdown
        finalize=lambda value: value if isinstance(value, Markup) else escape.markdown(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    markdown.filters.update(anchor=_anchor, link=_link)
    markdown.globals.update(address_of=address_of, date_of=date_of)
    return markdown


def _link(label: str, address: str) -> Markup:
    """A link, marked as Markdown that needs no more escaping."""
    return Markup(escape.markdown_link(label, address))  # noqa: S704  both parts are escaped


def _by_category(categories: Mapping[str, Term], entries: Sequence[Sorted]) -> list[tuple[str, list[Sorted]]]:
    """Name and entries of each category that has any."""
    groups = [(term.name, [entry for entry in entries if entry.category == word]) for word, term in categories.items()]
    return [(name, members) for name, members in groups if members]


def _groups(site: Site, family: str) -> list[tuple[str, list[Filed[Paper]]]]:
    """Papers of a family in named groups, each paper once."""
    members = [filed for filed in site.newest_first if filed.entry.family == family]
    if family != "pruning":
        return [(site.term("families", family).name, members)]
    groups: dict[str, list[Filed[Paper]]] = {
        "Concept erasure by pruning": [],
        "Unstructured and N:M pruning": [],
        "Depth pruning: layers and blocks": [],
        "Structured pruning: channels, heads, neurons": [],
        "More on pruning": [],
    }
    for filed in members:
        groups[_group(filed.entry)].append(filed)
    return [(name, papers) for name, papers in groups.items() if papers]


def _group(paper: Paper) -> str:
    granularity = set(paper.granularity)
    if "unlearning" in paper.topics:
        return "Concept erasure by pruning"
    if {"unstructured", "semi-structured"} & set(paper.sparsity):
        return "Unstructured and N:M pruning"
    if {"block", "layer"} & granularity:
        return "Depth pruning: layers and blocks"
    if {"channel", "head", "ffn"} & granularity:
        return "Structured pruning: channels, heads, neurons"
    return "More on pruning"


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-")

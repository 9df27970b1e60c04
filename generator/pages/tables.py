"""Tables of entries, as directives in docs/ ask for them."""

from __future__ import annotations

from itertools import groupby

from generator.entries.model import VOCABULARIES, Filed, Paper
from generator.pages.browse import browse_query
from generator.pages.render import render
from generator.views.site import Site, date_of

_FILTERS = (
    "family",
    "combines",
    "sparsity",
    "granularity",
    "architectures",
    "training",
    "topics",
    "status",
    "checked",
)
_SORTS = ("date", "-date", "title")
OPEN_ROWS = 20
"""So many rows of a table are open; one click unfolds the others."""


def catalogue_table(site: Site, root: str, argument: str) -> str:
    """Papers that match, as one table.

    Args:
        site: the catalogue.
        root: way from the page to the home page.
        argument: filters (``family=pruning``; a comma means or, a leading ``!`` means not), ``sort`` and ``limit``.

    Raises:
        ValueError: an option or a term is unknown.
    """
    options = _options(argument)
    papers = list(site.newest_first)
    for key, value in options.items():
        if key in _FILTERS:
            papers = _matching(site, papers, key, value)
        elif key not in ("sort", "limit"):
            raise ValueError(f"option {key!r} is not one of {', '.join((*_FILTERS, 'sort', 'limit'))}")
    sort = options.get("sort", "-date")
    if sort not in _SORTS:
        raise ValueError(f"sort {sort!r} is not one of {', '.join(_SORTS)}")
    if sort == "title":
        papers.sort(key=lambda filed: filed.entry.title.casefold())
    elif sort == "date":
        papers.sort(key=date_of)
    limit = int(options.get("limit", len(papers)))
    label = ", ".join(["Papers", *(f"{key} {options[key].replace('!', 'not ')}" for key in _FILTERS if key in options)])
    return render(
        "table_papers",
        site=site,
        root=root,
        papers=papers[:limit],
        open_rows=OPEN_ROWS,
        total=len(papers),
        label=label,
        browse=browse_query(site, {key: value for key, value in options.items() if key in _FILTERS}),
    )


def _options(argument: str) -> dict[str, str]:
    options = {}
    for part in argument.split():
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError(f"{part!r} is not key=value")
        options[key] = value
    return options


def _matching(site: Site, papers: list[Filed[Paper]], key: str, value: str) -> list[Filed[Paper]]:
    without, words = value.startswith("!"), set(value.removeprefix("!").split(","))
    terms = site.catalogue.taxonomy.vocabulary(VOCABULARIES["papers"][key])
    if unknown := sorted(words - set(terms)):
        raise ValueError(f"{unknown[0]!r} is not a term of {key}")
    matching = []
    for filed in papers:
        own = getattr(filed.entry, key)
        if bool(words & set(own if isinstance(own, tuple) else (own,))) != without:
            matching.append(filed)
    return matching


def paper_list(site: Site, root: str, _argument: str) -> str:
    """All papers in short rows, by year."""
    years = [(year, list(papers)) for year, papers in groupby(site.newest_first, key=lambda filed: date_of(filed)[:4])]
    return render("list_papers", site=site, root=root, years=years)


def tool_list(site: Site, root: str, argument: str) -> str:
    """The tools of one category, maintained ones first."""
    category = _options(argument)["category"]
    tools = [tool for tool in site.catalogue.tools.values() if tool.entry.category == category]
    order = {"active": 0, "maintenance": 1}
    tools.sort(key=lambda tool: (order.get(tool.entry.status, 2), tool.entry.name.casefold()))
    term = site.term("tool_categories", category)
    return render("list_tools", site=site, root=root, tools=tools, term=term, category=category)


def article_list(site: Site, root: str, argument: str) -> str:
    """The articles of one category."""
    category = _options(argument)["category"]
    articles = [filed for filed in site.catalogue.articles.values() if filed.entry.category == category]
    articles.sort(key=lambda filed: filed.entry.title.casefold())
    term = site.term("article_categories", category)
    return render("list_articles", site=site, root=root, articles=articles, term=term, category=category)


def family_list(site: Site, root: str, _argument: str) -> str:
    """The families with their sentences and counts."""
    counts = {
        family: sum(filed.entry.family == family for filed in site.catalogue.papers.values())
        for family in site.catalogue.taxonomy.families
    }
    return render("list_families", site=site, root=root, counts=counts)

"""The page of one entry: its block, its head, its words for the search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator import escape
from generator.entries.model import VOCABULARIES, Article, Filed, Paper, Tool
from generator.entries.names import family_name
from generator.outputs.citations import FORMATS, article_json_ld, bibtex, is_journal, issued, series_of
from generator.pages.badges import paper_badge, tool_badge
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.configurations import configurations_of, first_rows, tables
from generator.views.headlines import headlines
from generator.views.similar import Similar, similar_papers
from generator.views.site import Site, address_of, authors_of

OPEN_CONFIGURATIONS = 8
"""So many configurations of an entry are open; the others are behind one click."""


def entry_pages(site: Site) -> Iterator[Page]:
    """The pages of all papers, tools and articles, in a fixed order."""
    similar = similar_papers(site.catalogue)
    for filed in site.catalogue.papers.values():
        yield paper_page(site, filed, similar[filed.slug])
    for tool in site.catalogue.tools.values():
        yield tool_page(site, tool)
    for article in site.catalogue.articles.values():
        yield article_page(site, article)


def tool_page(site: Site, tool: Filed[Tool]) -> Page:
    """The page of one tool."""
    words = " ".join(filter(None, (tool.entry.pypi, *tool.entry.languages)))
    block = render("entry_tool", site=site, filed=tool, root=ROOT, badge=tool_badge(site, tool))
    return Page(f"tools/{tool.slug}/", tool.entry.name, tool.entry.summary, block, "", words)


def article_page(site: Site, article: Filed[Article]) -> Page:
    """The page of one article."""
    words = " ".join([*map(family_name, article.entry.authors), article.entry.publisher or ""])
    block = render("entry_article", site=site, filed=article, root=ROOT)
    return Page(f"articles/{article.slug}/", article.entry.title, article.entry.summary, block, "", words)


def paper_page(site: Site, filed: Filed[Paper], similar: Sequence[Similar]) -> Page:
    """The page of one paper, with those that resemble it."""
    paper = filed.entry
    names = dict.fromkeys(family_name(author) for author in authors_of(filed))
    words = " ".join(filter(None, (paper.short, *paper.aliases, *names, paper.arxiv)))
    found = tables(configurations_of(filed), site.catalogue.taxonomy.metrics)
    shown, more = first_rows(found, OPEN_CONFIGURATIONS)
    block = render(
        "entry_paper",
        site=site,
        filed=filed,
        root=ROOT,
        bibtex=bibtex(filed),
        badge=paper_badge(site, filed),
        formats=FORMATS,
        similar=similar,
        headlines=headlines(filed, site.catalogue.taxonomy.metrics),
        vocabularies=VOCABULARIES["papers"],
        tables=shown,
        more=more,
    )
    title = f"{paper.short}: {paper.title}" if paper.short and paper.short not in paper.title else paper.title
    return Page(f"papers/{filed.slug}/", title, paper.summary, block, _citation(filed) + _json_ld(site, filed), words)


def _json_ld(site: Site, filed: Filed[Paper]) -> str:
    """The paper for search engines and reference managers that read schema.org."""
    document = article_json_ld(filed, f"{site.config.site_url}papers/{filed.slug}/")
    return f'<script type="application/ld+json">{escape.script_json(document)}</script>'


def _citation(filed: Filed[Paper]) -> str:
    """The citation elements that reference managers read."""
    paper = filed.entry
    pairs = [("citation_title", paper.title)]
    pairs += [("citation_author", author) for author in authors_of(filed)]
    pairs.append(("citation_publication_date", issued(filed).replace("-", "/")))
    if paper.arxiv:
        pairs.append(("citation_arxiv_id", paper.arxiv))
    if paper.doi:
        pairs.append(("citation_doi", paper.doi))
    series, _ = series_of(paper)
    if series:
        pairs.append(("citation_journal_title" if is_journal(paper) else "citation_conference_title", series))
    pairs.append(("citation_public_url", address_of(filed)))
    return "".join(f'<meta name="{name}" content="{escape.markup(value)}">' for name, value in pairs)

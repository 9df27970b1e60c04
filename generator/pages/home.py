"""The home page: what this is, how much there is, three ways in, what is new."""

from __future__ import annotations

from generator.pages.render import render
from generator.views.site import Site

NEWEST = 8
LINKED = 12
"""So many of the most used models are links of the home page."""


def home(site: Site, root: str, _argument: str) -> str:
    """The whole content of the home page."""
    papers = [filed.entry for filed in site.catalogue.papers.values()]
    pruning = [paper for paper in papers if paper.family == "pruning"]
    architectures = {
        word: (
            sum(word in paper.architectures for paper in pruning),
            sum(word in paper.architectures for paper in papers),
        )
        for word in site.catalogue.taxonomy.architectures
    }
    families = {word: sum(paper.family == word for paper in papers) for word in site.catalogue.taxonomy.families}
    return render(
        "home",
        site=site,
        root=root,
        architectures=architectures,
        families=families,
        models=site.models.used[:LINKED],
        pruning=len(pruning),
        with_code=sum(paper.code is not None for paper in papers),
        with_results=sum(bool(paper.results) for paper in papers),
        checked=sum(paper.checked == "abstract" for paper in papers),
        newest=[filed for filed in site.newest_first if filed.entry.family == "pruning"][:NEWEST],
    )


def architecture_list(site: Site, root: str, _argument: str) -> str:
    """The architectures with their sentences and counts."""
    papers = [filed.entry for filed in site.catalogue.papers.values()]
    counts = {
        word: (
            sum(word in p.architectures for p in papers if p.family == "pruning"),
            sum(word in p.architectures for p in papers),
        )
        for word in site.catalogue.taxonomy.architectures
    }
    return render("list_architectures", site=site, root=root, counts=counts)

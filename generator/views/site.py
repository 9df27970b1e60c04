"""What every block knows: the catalogue, its relations read backwards, and the addresses of the site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from generator.entries.model import Catalogue, Filed, Paper, Term, Tool, month_of_arxiv_id
from generator.entries.names import names_in
from generator.site_config import SiteConfig
from generator.views.benchmarks import Benchmarks, find_benchmarks
from generator.views.choose import Choices
from generator.views.configurations import RATE, Table, configurations, rate_units
from generator.views.models import Models
from reference_impls.methods.registry import METHODS

ARXIV_ABSTRACT = "https://arxiv.org/abs/"
DOI_RESOLVER = "https://doi.org/"


@dataclass(frozen=True, eq=False)
class Site:
    """The catalogue as the pages see it. Compared by identity, so that what is made of it can be cached."""

    catalogue: Catalogue
    config: SiteConfig
    template: str
    """Text of data/TEMPLATE.yaml."""

    @cached_property
    def built_on_by(self) -> Mapping[str, tuple[str, ...]]:
        """Slugs of the papers that build on a paper."""
        return _backwards((slug, filed.entry.builds_on) for slug, filed in self.catalogue.papers.items())

    @cached_property
    def criticised_by(self) -> Mapping[str, tuple[str, ...]]:
        """Slugs of the papers that dispute a paper."""
        return _backwards((slug, filed.entry.critiques) for slug, filed in self.catalogue.papers.items())

    @cached_property
    def supersedes(self) -> Mapping[str, tuple[str, ...]]:
        """Slugs of the papers that a paper replaces."""
        pairs = ((slug, filed.entry.superseded_by) for slug, filed in self.catalogue.papers.items())
        return _backwards((slug, (newer,) if newer else ()) for slug, newer in pairs)

    @cached_property
    def tools_of(self) -> Mapping[str, tuple[Filed[Tool], ...]]:
        """Tools that contain the method of a paper."""
        by_paper: dict[str, list[Filed[Tool]]] = defaultdict(list)
        for filed in self.catalogue.tools.values():
            for slug in filed.entry.implements:
                by_paper[slug].append(filed)
        return {slug: tuple(tools) for slug, tools in by_paper.items()}

    @cached_property
    def methods_of(self) -> Mapping[str, tuple[str, ...]]:
        """Names under which ``reference_impls`` runs the method of a paper."""
        named = ((name, (method.paper,) if method.paper else ()) for name, method in METHODS.items())
        return _backwards(named)

    @cached_property
    def newest_first(self) -> tuple[Filed[Paper], ...]:
        """Papers by date, newest first; of one day in the order of their slugs."""
        papers = sorted(self.catalogue.papers.values(), key=lambda filed: filed.slug)
        return tuple(sorted(papers, key=date_of, reverse=True))

    @cached_property
    def models(self) -> Models:
        """What the catalogue says of its models."""
        return Models(self.catalogue)

    @cached_property
    def choices(self) -> Choices:
        """What the page Choose answers."""
        return Choices(self.catalogue, self.models)

    @cached_property
    def benchmarks(self) -> Benchmarks:
        """The published numbers by model and data set."""
        return find_benchmarks(self.catalogue)

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str], str]:
        return rate_units(configurations(self.catalogue.papers))

    def unit(self, metric: str, places: Iterable[tuple[str, str]]) -> str:
        """The unit of a metric in some tables; of a rate it is what their settings state, if they agree.

        Args:
            metric: its slug.
            places: source and place of each table.
        """
        unit = self.catalogue.taxonomy.metrics[metric].unit
        if metric != RATE:
            return unit
        stated = {self._rates.get(place, unit) for place in places}
        return stated.pop() if len(stated) == 1 else unit

    def term(self, vocabulary: str, word: str) -> Term:
        """A term of the taxonomy.

        Raises:
            KeyError: there is no such term.
        """
        return self.catalogue.taxonomy.vocabulary(vocabulary)[word]

    def heading(self, table: Table) -> str:
        """Models and data sets of a table of configurations, in words."""
        names = [self.catalogue.models[slug].entry.name for slug in table.models]
        return ", ".join(names + [self.catalogue.datasets[slug].name for slug in table.datasets])

    def source_of(self, path: str) -> str:
        """Where a file can be edited on the code host."""
        return f"{self.config.repo_url}/edit/main/{path}"


def _backwards(links: Iterable[tuple[str, tuple[str, ...]]]) -> Mapping[str, tuple[str, ...]]:
    sources_of: dict[str, list[str]] = defaultdict(list)
    for source, targets in links:
        for target in targets:
            sources_of[target].append(source)
    return {target: tuple(sorted(sources)) for target, sources in sources_of.items()}


def date_of(filed: Filed[Paper]) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD of a paper's first version, as exactly as known."""
    paper, record = filed.entry, filed.record
    if record is not None and record.published is not None:
        return record.published
    if paper.arxiv is not None:
        return month_of_arxiv_id(paper.arxiv)
    return paper.date or ""


def authors_of(filed: Filed[Paper]) -> tuple[str, ...]:
    """Authors as arXiv has them, or as the entry has them; empty where unknown."""
    return names_in(filed.record.authors if filed.record is not None else filed.entry.authors)


def address_of(filed: Filed[Paper]) -> str:
    """Page of the paper itself."""
    paper = filed.entry
    if paper.arxiv is not None:
        return f"{ARXIV_ABSTRACT}{paper.arxiv}"
    return paper.url or f"{DOI_RESOLVER}{paper.doi}"


def label_of(filed: Filed[Paper]) -> str:
    """The name people use, or the title."""
    return filed.entry.short or filed.entry.title

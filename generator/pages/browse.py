"""The browse page: its facets, its rows without JavaScript, and the two files that its module reads.

``browse/entries.json`` holds columns, not records: equal values then stand side by side and compress well, and the
module can count without walking objects. Every facet is coded by the distinct sets of words that occur, so that one
list of small numbers says what all entries hold. ``browse/summaries.json`` follows on demand.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from generator.checks.glossary import VOCABULARIES as GLOSSARY_VOCABULARIES
from generator.entries.model import VOCABULARIES, Article, Filed, Paper, Term, Tool
from generator.entries.names import family_name
from generator.pages.render import render
from generator.views.models import Models
from generator.views.site import Site, authors_of, date_of
from reference_impls.methods.registry import METHODS

VERSION = 1
"""Of the two files' form; the module refuses another one."""
IMPLEMENTED = frozenset(method.paper for method in METHODS.values() if method.paper)
"""Slugs of the papers that reference_impls/ implements."""
KINDS = {
    "paper": Term(name="Papers", text="Research papers."),
    "tool": Term(name="Tools", text="Libraries, kernels, runtimes and model collections."),
    "article": Term(name="Articles", text="Tutorials, courses, reference pages and reports."),
}

AnyFiled = Filed[Paper] | Filed[Tool] | Filed[Article]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as the browse page knows it."""

    kind: str
    filed: AnyFiled
    title: str
    short: str
    names: tuple[str, ...]
    """Authors' family names."""
    date: str
    """YYYY-MM or YYYY; empty where unknown."""
    venue: str
    """Series and year."""
    models: tuple[str, ...] = ()
    """Slugs of the models that it names, single models first."""
    lines: tuple[str, ...] = ()
    """Slugs of the lines that these belong to, and are not named themselves."""

    @property
    def address(self) -> str:
        """Page of the entry, below the home page."""
        return f"{self.kind}s/{self.filed.slug}/"

    @property
    def key(self) -> str:
        """Name in the selection and in addresses: the slug, which is a paper's own and carries the kind of others."""
        return self.filed.slug if self.kind == "paper" else f"{self.kind}:{self.filed.slug}"

    @property
    def label(self) -> str:
        """The name people use, or the title."""
        return self.short or self.title

    @property
    def people(self) -> str:
        """Authors as the table names them."""
        cut = len(self.names) > 4
        return f"{', '.join(self.names[:3])} and {len(self.names) - 3} more" if cut else ", ".join(self.names)

    @property
    def families(self) -> tuple[str, ...]:
        """A paper has one, tools and articles any number."""
        entry = self.filed.entry
        return (entry.family,) if isinstance(entry, Paper) else entry.families


@dataclass(frozen=True, slots=True)
class Facet:
    """One question that every entry answers with any number of words."""

    name: str
    """As in the page's address."""
    label: str
    vocabulary: str
    words: Callable[[Row], tuple[str, ...]]
    open: bool = False
    """Whether its options are unfolded from the start."""

    @property
    def meaning(self) -> str:
        """Where the glossary explains its options: all of its vocabulary, or one term; empty for nowhere."""
        return f"{self.vocabulary}-terms" if self.vocabulary in GLOSSARY_VOCABULARIES else _MEANING.get(self.name, "")


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a facet, with the number of entries that give it."""

    word: str
    term: Term
    count: int


def _field(name: str) -> Callable[[Row], tuple[str, ...]]:
    def words(row: Row) -> tuple[str, ...]:
        value = getattr(row.filed.entry, name, None)
        return value if isinstance(value, tuple) else (value,) if value else ()

    return words


def _yes(holds: Callable[[Row], bool]) -> Callable[[Row], tuple[str, ...]]:
    return lambda row: ("yes",) if holds(row) else ()


def _venue_words(row: Row) -> tuple[str, ...]:
    series = row.venue.rpartition(" ")[0]
    return (series,) if series else ()


_MEANING = {"results": "reported-results", "implementation": "reference-implementation"}
"""Terms of the glossary for facets that say yes or nothing."""
FACETS = (
    Facet("kind", "Kind", "", lambda row: (row.kind,), open=True),
    Facet("family", "Family", "families", lambda row: row.families, open=True),
    Facet("sparsity", "Sparsity", "sparsity", _field("sparsity"), open=True),
    Facet("training", "Training needed", "training", _field("training"), open=True),
    Facet("model", "Model", "", lambda row: (*row.models, *row.lines)),
    Facet("architectures", "Architecture", "architectures", _field("architectures")),
    Facet("granularity", "Granularity", "granularity", _field("granularity")),
    Facet("code", "Code", "", _yes(lambda row: bool(getattr(row.filed.entry, "code", None))), open=True),
    Facet(
        "results", "Reported results", "", _yes(lambda row: bool(getattr(row.filed.entry, "results", ()))), open=True
    ),
    Facet("implementation", "Reference implementation", "", _yes(lambda row: row.filed.slug in IMPLEMENTED), open=True),
    Facet("venue", "Venue", "venues", _venue_words),
    Facet("checked", "Summary checked against", "checked", _field("checked")),
    Facet("status", "Status", "statuses", _field("status")),
)
_YES = {
    "code": Term(name="With code", text="Papers whose authors published code."),
    "results": Term(name="With reported results", text="Papers whose reported results are in this catalogue."),
    "implementation": Term(name="With a reference implementation", text="Papers implemented in this repository."),
}
FACETS_BY_NAME = {facet.name: facet for facet in FACETS}
FIRST = 20
"""Rows that stand in the page itself, so that they are drawn before any script runs."""
SHOWN_MODELS = 3
"""So many models stand in a row."""
_TAGS = ("sparsity", "architectures", "status")
# Filters of a table in docs/ that the browse page knows by the same name.
_SHARED = ("family", "sparsity", "granularity", "architectures", "training", "status", "checked")


def rows(site: Site) -> list[Row]:
    """All entries, newest first, those without a date last."""
    entries = [_paper(filed, site.models) for filed in site.catalogue.papers.values()]
    entries += [_tool(filed, site.models) for filed in site.catalogue.tools.values()]
    entries += map(_article, site.catalogue.articles.values())
    entries.sort(key=lambda row: row.date, reverse=True)
    return entries


def _paper(filed: Filed[Paper], models: Models) -> Row:
    paper = filed.entry
    names = tuple(dict.fromkeys(map(family_name, authors_of(filed))))
    date, venue = date_of(filed)[:7], paper.venue or ""
    return Row("paper", filed, paper.title, paper.short or "", names, date, venue, *models.named_by(filed))


def _tool(filed: Filed[Tool], models: Models) -> Row:
    names = tuple(dict.fromkeys(map(family_name, filed.entry.authors)))
    return Row("tool", filed, filed.entry.name, "", names, (filed.entry.since or "")[:7], "", *models.named_by(filed))


def _article(filed: Filed[Article]) -> Row:
    names = tuple(dict.fromkeys(map(family_name, filed.entry.authors)))
    return Row("article", filed, filed.entry.title, "", names, (filed.entry.date or "")[:7], "")


def options(site: Site, facet: Facet, entries: Sequence[Row]) -> list[Option]:
    """The answers that entries give, in the order of the vocabulary; models by how many entries name them."""
    counts = Counter(chain.from_iterable(map(facet.words, entries)))
    taxonomy = site.catalogue.taxonomy
    terms: Mapping[str, Term]
    if facet.name == "model":
        models = site.catalogue.models
        named = sorted(counts, key=lambda slug: (-counts[slug], models[slug].entry.name.casefold()))
        terms = {slug: Term(name=models[slug].entry.name, text=models[slug].entry.summary) for slug in named}
    elif facet.name == "kind":
        terms = KINDS
    elif facet.name in _YES:
        terms = {"yes": _YES[facet.name]}
    else:
        terms = taxonomy.vocabulary(facet.vocabulary)
    return [Option(word, term, counts[word]) for word, term in terms.items() if counts[word]]


def browse(site: Site, root: str, _argument: str) -> str:
    """The form, the place of the table, and all entries by family for readers without JavaScript."""
    entries = rows(site)
    facets = [(facet, options(site, facet, entries)) for facet in FACETS]
    years = sorted(Counter(row.date[:4] for row in entries if row.date).items(), reverse=True)
    return render(
        "browse",
        root=root,
        total=len(entries),
        facets=[(facet, choices) for facet, choices in facets if choices],
        years=years,
        first=[(row, tags(site, row)) for row in entries[:FIRST]],
        training=lambda row: "".join(site.term("training", word).name for word in _field("training")(row)),
        groups=list(_groups(site, entries)),
    )


def tags(site: Site, row: Row) -> list[tuple[str, str]]:
    """What a row shows under its title, with the class of each; ``browse-rows.js`` does the same."""
    shown = [] if row.kind == "paper" else [(row.kind.capitalize(), "browse-tag")]
    for facet in ("family", *_TAGS):
        words, vocabulary = FACETS_BY_NAME[facet].words(row), FACETS_BY_NAME[facet].vocabulary
        style = "browse-tag browse-tag--family" if facet == "family" else "browse-tag"
        for word, term in site.catalogue.taxonomy.vocabulary(vocabulary).items():
            if word in words and word != "active":
                shown.append((term.name, style))
    shown += [(site.catalogue.models[slug].entry.name, "browse-tag browse-tag--model") for slug in shown_models(row)]
    shown += [
        (text, "browse-tag browse-tag--has")
        for name, text in (("code", "code"), ("results", "results"))
        if FACETS_BY_NAME[name].words(row)
    ]
    return shown


def shown_models(row: Row) -> tuple[str, ...]:
    """The models that a row shows: the first ones."""
    return row.models[:SHOWN_MODELS]


def _groups(site: Site, entries: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Heading, address and papers of each family.

    Tools and articles have one page each that lists all of them, so that they need not stand here a second time.
    """
    papers = [row for row in entries if row.kind == "paper"]
    for family, term in site.catalogue.taxonomy.families.items():
        yield term.name, f"families/{family}/", [row for row in papers if row.families == (family,)]


def compare(_site: Site, root: str, _argument: str) -> str:
    """The place of the comparison of entries."""
    return render("compare", root=root)


def browse_files(site: Site) -> Mapping[str, bytes]:
    """What the modules of the browse and compare pages read, by address below the home page."""
    entries = rows(site)
    slugs = [row.filed.slug for row in entries]
    document: dict[str, object] = {
        "version": VERSION,
        "stamp": stamp(entries),
        "slugs": slugs,
        "titles": [row.title for row in entries],
        "shorts": [row.short for row in entries],
        "authors": [" ".join(row.names) for row in entries],
        "dates": coded(row.date for row in entries),
        "venues": coded(row.venue for row in entries),
        "added": coded(row.filed.entry.added for row in entries),
        "models": [len(shown_models(row)) for row in entries],
        "facets": {facet.name: _facet(site, facet, entries) for facet in FACETS},
    }
    summaries = {
        "version": VERSION,
        "stamp": stamp(entries),
        "summaries": [row.filed.entry.summary for row in entries],
        "phrases": ["\n".join(phrases(row)) for row in entries],
    }
    terms = _terms(site)
    return {
        "browse/entries.json": json_bytes(document),
        "browse/summaries.json": json_bytes(summaries),
        "browse/terms.json": json_bytes(terms),
    }


def stamp(found: Sequence[Row]) -> str:
    """What the files of one build have in common: a text that changes must not change entries.json, only the order."""
    return sha256("\n".join(row.filed.slug for row in found).encode()).hexdigest()[:8]


def phrases(row: Row) -> tuple[str, ...]:
    """What else of an entry is searched, piece by piece: criterion, models, and what its results were measured on."""
    entry = row.filed.entry
    if not isinstance(entry, Paper):
        return entry.languages if isinstance(entry, Tool) else _distinct(entry.publisher)
    return _distinct(entry.criterion, *(result.hardware for result in entry.results))


def _distinct(*texts: str | None) -> tuple[str, ...]:
    """Those that say something, each once."""
    return tuple(dict.fromkeys(text for text in texts if text))


def coded(values: Iterable[str]) -> dict[str, object]:
    """A column of one word an entry: the words that occur, and which of them each entry has."""
    words: dict[str, int] = {}
    numbers = [words.setdefault(value, len(words)) for value in values]
    return {"words": list(words), "of": numbers}


def _facet(site: Site, facet: Facet, entries: Sequence[Row]) -> dict[str, object]:
    """A column of any number of words an entry: the words, the sets of them that occur, and each entry's set."""
    words = [option.word for option in options(site, facet, entries)]
    place = {word: index for index, word in enumerate(words)}
    sets: dict[tuple[int, ...], int] = {}
    numbers = []
    for row in entries:
        held = [place[word] for word in facet.words(row)]
        numbers.append(sets.setdefault(tuple(held if facet.name == "model" else sorted(held)), len(sets)))
    return {"words": words, "sets": list(sets), "of": numbers}


def _terms(site: Site) -> dict[str, object]:
    """Names of the words of every field, of models and data sets, and units of the metrics, for the compare page."""
    taxonomy = site.catalogue.taxonomy
    fields = {
        f"{kind}.{field}": {word: term.name for word, term in taxonomy.vocabulary(vocabulary).items()}
        for kind, vocabularies in VOCABULARIES.items()
        for field, vocabulary in vocabularies.items()
    }
    metrics = {word: [metric.name, metric.unit, metric.better] for word, metric in taxonomy.metrics.items()}
    models = {slug: filed.entry.name for slug, filed in site.catalogue.models.items()}
    datasets = {slug: dataset.name for slug, dataset in site.catalogue.datasets.items()}
    return {"version": VERSION, "fields": fields, "metrics": metrics, "models": models, "datasets": datasets}


def json_bytes(document: Any) -> bytes:
    """A file for the modules, as short as JSON can be."""
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def browse_query(site: Site, filters: Mapping[str, str]) -> str | None:
    """The address query that shows in Browse what a table's filters choose; none where Browse has no such filter."""
    pairs = {"kind": "paper"}
    for name, value in filters.items():
        if name not in _SHARED:
            return None
        if value.startswith("!"):
            vocabulary = site.catalogue.taxonomy.vocabulary(VOCABULARIES["papers"][name])
            unwanted = value.removeprefix("!").split(",")
            if name != "family":  # of any other field an entry may hold none or several words
                return None
            value = ",".join(word for word in vocabulary if word not in unwanted)
        pairs[name] = value
    return urlencode(pairs, safe=",") if len(pairs) > 1 else None

"""What the two searches read beside the files of the browse page: names, authors, terms, and all other pages.

``search/index.json`` continues ``browse/entries.json``: its first columns have a line for each entry, in the same
order. After them follow the pages that are no entries, and a place for each data set. Words are folded and compared
by ``docs/assets/search-words.js`` alone; this file only says what each page is found by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from math import log2
from urllib.parse import urlencode

from generator.entries.model import VOCABULARIES, Dataset, Filed, Model, Paper, Term, Tool
from generator.pages.browse import FACETS_BY_NAME, KINDS, VERSION, Row, coded, json_bytes, rows, stamp
from generator.pages.page import Page
from generator.views.glossary import Defined, all_terms, names_by_term
from generator.views.models import wholes
from generator.views.site import Site, authors_of

INDEX = "search/index.json"
ENTRY_FOLDERS = ("papers/", "tools/", "articles/", "models/")
"""Made pages that stand in the index with more than their words."""
KIND_OF_FOLDER: Mapping[str, str] = {
    "families/": "Family",
    "architectures/": "Architecture",
    "sparsity/": "Sparsity",
    "results/": "Results",
    "methods/": "Method",
    "kernels/": "Kernel",
    "decisions/": "Decision",
}
YES_FACETS = ("code", "results", "implementation")
"""Facets that say yes or nothing."""
NOT_SEARCHED = ("checked", "combines")
"""Fields that describe the entry's check and not its subject, or that count less."""

FAMILY_WEIGHTS = {"pruning": 1.3, "foundations": 0.8, "surveys": 0.9}
"""The centre of the catalogue, what stands outside its field, and what reports on others; all else counts 1."""
OTHER_KINDS = 0.9
"""Tools and articles."""
HEADING = 0.3
"""A heading on a page of prose; the page itself counts 1."""
TERM = "Term"
"""Kind of the lines that are terms of the glossary."""
OTHER_TERMS = 0.2
"""A term of the glossary, whose names are many; ``docs/assets/search-words.js`` puts one first that is asked for."""
GLOSSARY = "glossary"
"""What the terms that only the glossary has stand under among the concepts."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A page, or a heading on a page, as the site engine lists it."""

    location: str
    """Address below the home page; with a fragment, a heading."""
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Other:
    """A line of the index that is no entry."""

    kind: str
    location: str
    title: str
    text: str
    concept: int = -1
    """What it is a page about; -1 for nothing with names of its own."""
    has: tuple[int, ...] = ()
    """Concepts that it belongs to."""

    @property
    def weight(self) -> float:
        """How much it counts beside others that fit as well."""
        if self.kind == TERM:
            return OTHER_TERMS
        return HEADING if "#" in self.location else 1


class Concepts:
    """Everything that has names: terms, models, data sets, venues; numbered in a fixed order."""

    def __init__(self, site: Site) -> None:
        """Number them."""
        self.names: list[str] = []
        """Names and synonyms of each, one a line; the first is the one to show."""
        self.proper: list[int] = []
        """Those whose names are proper names, so that each word of the name counts."""
        self._number: dict[tuple[str, str], int] = {}
        self._models, self._datasets = site.catalogue.models, site.catalogue.datasets
        self._lines_of = site.models.lines_of
        taxonomy, noted = site.catalogue.taxonomy, names_by_term(site.catalogue)
        for terms in site.catalogue.glossary.terms.values():
            for anchor, own in terms.items():
                self._add(GLOSSARY, anchor, (own.name, *own.aliases))
        for vocabulary in dict.fromkeys(
            [*(name for held in VOCABULARIES.values() for name in held.values()), "metrics"]
        ):
            for word, term in taxonomy.vocabulary(vocabulary).items():
                self._add(vocabulary, word, (*_term_names(word, term), *noted.get((vocabulary, word), ())))
        for word, term in KINDS.items():
            self._add("kind", word, _term_names(word, term))
        for facet in YES_FACETS:
            self._add(facet, "yes", (FACETS_BY_NAME[facet].label,))
        for series, venue in taxonomy.venues.items():
            self._add("venues", series, (venue.name, series, *venue.synonyms), proper=True)
        for slug, filed in self._models.items():
            self._add("models", slug, (filed.entry.name, slug, *filed.entry.aliases), proper=True)
        for slug, dataset in self._datasets.items():
            self._add("datasets", slug, (dataset.name, slug, *dataset.aliases), proper=True)

    def _add(self, vocabulary: str, word: str, names: Iterable[str], *, proper: bool = False) -> None:
        number = self._number[vocabulary, word] = len(self.names)
        self.names.append("\n".join(dict.fromkeys(name.replace("\n", " ") for name in names)))
        if proper:
            self.proper.append(number)

    def of(self, vocabulary: str, words: Iterable[str]) -> list[int]:
        """Numbers of the words of a vocabulary; those that it does not hold are left out."""
        found = (self._number.get((vocabulary, word)) for word in words)
        return [number for number in found if number is not None]

    def models(self, slugs: Iterable[str]) -> list[int]:
        """Numbers of models and of the lines that they are part of."""
        return self.of(
            "models", (own for slug in slugs if slug in self._models for own in (slug, *self._lines_of(slug)))
        )

    def datasets(self, slugs: Iterable[str]) -> list[int]:
        """Numbers of data sets and of those that they are part of."""
        held = self._datasets
        parts = ((slug, *wholes(slug, held, lambda one: one.part_of)) for slug in slugs if slug in held)
        return self.of("datasets", (own for part in parts for own in part))


def _term_names(word: str, term: Term) -> tuple[str, ...]:
    return (term.name, word, *term.synonyms)


def search_index(site: Site, prose: Sequence[Prose], made: Sequence[Page]) -> bytes:
    """The index, given the pages that the engine rendered and those that the catalogue made."""
    found = rows(site)
    concepts = Concepts(site)
    others = list(_others(site, concepts, prose, made))
    numbers = [_numbers(site, concepts, row) for row in found]
    document = {
        "version": VERSION,
        "stamp": stamp(found),
        "concepts": concepts.names,
        "proper": concepts.proper,
        "names": ["\n".join(_names(row)) for row in found],
        "authors": ["\n".join(_authors(row)) for row in found],
        "has": [strong for strong, _ in numbers],
        "also": [weak for _, weak in numbers],
        "weights": [_weight(site, row) for row in found] + [other.weight for other in others],
        "kinds": coded(other.kind for other in others),
        "locations": [other.location for other in others],
        "titles": [other.title for other in others],
        "texts": [other.text for other in others],
        "about": [other.concept for other in others],
        "belongs": [other.has for other in others],
    }
    return json_bytes(document)


def _names(row: Row) -> tuple[str, ...]:
    """What an entry is called beside its short name and title, and its identifiers."""
    entry = row.filed.entry
    if isinstance(entry, Paper):
        return tuple(filter(None, (*entry.aliases, entry.arxiv, entry.doi)))
    if isinstance(entry, Tool):
        return tuple(dict.fromkeys(filter(None, (entry.pypi, entry.npm))))
    return ()


def _weight(site: Site, row: Row) -> float:
    """How much more an entry counts than others that fit as well: what the catalogue is about, and what is built on."""
    if row.kind != "paper":
        return OTHER_KINDS
    followers = len(site.built_on_by.get(row.filed.slug, ()))
    return round(FAMILY_WEIGHTS.get(row.families[0], 1.0) * (1 + log2(1 + followers) / 40), 3)


def _authors(row: Row) -> tuple[str, ...]:
    if isinstance(row.filed.entry, Paper):
        return authors_of(row.filed)
    return row.filed.entry.authors


def _numbers(site: Site, concepts: Concepts, row: Row) -> tuple[list[int], list[int]]:
    """Concepts that an entry is about, and those that it touches."""
    entry = row.filed.entry
    strong = concepts.of("kind", (row.kind,))
    vocabularies = VOCABULARIES[f"{row.kind}s"]
    for field, vocabulary in vocabularies.items():
        if field not in NOT_SEARCHED:
            strong += concepts.of(vocabulary, _listed(getattr(entry, field)))
    strong += [number for facet in YES_FACETS for number in concepts.of(facet, FACETS_BY_NAME[facet].words(row))]
    strong += concepts.of("venues", (row.venue.rpartition(" ")[0],))
    weak: list[int] = []
    if isinstance(entry, Paper):
        strong += _of_models(site, concepts, entry.models)
        weak += concepts.of("families", entry.combines)
        weak += concepts.models(slug for result in entry.results for slug in result.model)
        weak += concepts.datasets(slug for result in entry.results for slug in result.dataset)
    elif isinstance(entry, Tool):
        strong += _of_models(site, concepts, entry.models)
    kept = sorted(set(strong))
    return kept, sorted(set(weak).difference(kept))


def _of_models(site: Site, concepts: Concepts, slugs: Sequence[str]) -> list[int]:
    """Models with their lines, and the architectures and outputs of them."""
    models = [site.catalogue.models[slug].entry for slug in slugs if slug in site.catalogue.models]
    numbers = concepts.models(slugs)
    numbers += concepts.of("architectures", (model.architecture for model in models if model.architecture))
    return numbers + concepts.of("outputs", (model.output for model in models))


def _listed(value: str | Sequence[str] | None) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value or ()


def _others(site: Site, concepts: Concepts, prose: Sequence[Prose], made: Sequence[Page]) -> Iterator[Other]:
    """Terms, models, data sets, pages that are made, pages of prose with their headings."""
    yield from _terms(site, concepts)
    for slug, filed in site.catalogue.models.items():
        yield _model(site, concepts, slug, filed)
    for slug, dataset in site.catalogue.datasets.items():
        yield _dataset(concepts, slug, dataset)
    reported = {
        f"results/{one.slug}/": tuple(sorted(concepts.of("metrics", one.metrics))) for one in site.benchmarks.pages
    }
    for page in made:
        if not page.location.startswith(ENTRY_FOLDERS):
            text = f"{page.description} {page.words}".strip()
            yield Other(_kind(page.location), page.location, page.title, text, has=reported.get(page.location, ()))
    for one in prose:
        about = next(iter(concepts.of(*_subject(one.location))), -1)
        yield Other(_kind(one.location), one.location, unescape(one.title), _plain(one.text), about)


def _terms(site: Site, concepts: Concepts) -> Iterator[Other]:
    """Terms of the glossary, each name once: a metric that is a topic, too, is found as the metric, by all names."""
    by_name: dict[str, list[Defined]] = {}
    for term in all_terms(site.catalogue):
        by_name.setdefault(term.name.casefold(), []).append(term)
    for first, *others in by_name.values():
        number, *same = (
            number
            for term in (first, *others)
            for number in concepts.of(term.vocabulary or GLOSSARY, (term.word or term.anchor,))
        )
        yield Other(TERM, first.address, first.name, _first_sentence(first.text), number, tuple(same))


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?]) (?=[A-Z0-9])", text, maxsplit=1)[0]


def _model(site: Site, concepts: Concepts, slug: str, filed: Filed[Model]) -> Other:
    (number,) = concepts.of("models", (slug,))
    has = sorted(set(_of_models(site, concepts, (slug,))).difference({number}))
    developer = f"{filed.entry.developer}. " if filed.entry.developer else ""
    return Other("Model", f"models/{slug}/", filed.entry.name, f"{developer}{filed.entry.summary}", number, tuple(has))


def _dataset(concepts: Concepts, slug: str, dataset: Dataset) -> Other:
    (number,) = concepts.of("datasets", (slug,))
    return Other("Data set", f"browse/?{urlencode({'text': slug})}", dataset.name, dataset.text, number)


def _kind(location: str) -> str:
    """What the page at an address is, in one or two words."""
    folder = f"{location.partition('/')[0]}/"
    return KIND_OF_FOLDER.get(folder, "Page") if location != folder else "Page"


def _subject(location: str) -> tuple[str, tuple[str, ...]]:
    """Vocabulary and word that a page of prose is about, such as ``families/pruning/``; a heading is about none."""
    folder, _, word = location.partition("/")
    return folder, (word.removesuffix("/"),)


def _plain(html: str) -> str:
    """The words of the engine's HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())

"""Papers that resemble each other, from their facets and relations alone: no text, no model, no randomness.

Two papers are alike when they share features that few papers have. Each feature weighs as much as it is rare, and
the likeness of two papers is the cosine between their weighted features. Comparing every pair would be quadratic,
so a paper is compared only with candidates: among the papers that share a feature with it, the neighbours in time,
rarest features first, until there are enough. Cost grows with the number of papers, not with its square.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt

from generator.entries.model import Catalogue, Filed, Paper
from generator.views.site import date_of

MOST = 5
"""Similar papers shown for one paper."""
LEAST_LIKENESS = 0.3
"""Below it, two papers have little more in common than any two."""
CANDIDATES = 60
"""Papers after which no further feature is asked for more."""
WINDOW = 20
"""Candidates on either side in time that one shared feature brings."""

FACETS = ("family", "combines", "sparsity", "granularity", "architectures", "training", "topics")
"""Fields with a closed vocabulary that say what a paper does; also what a reader is shown as shared."""
FACETS_OF = {
    "papers": FACETS,
    "tools": ("category", "families", "topics", "models"),
    "articles": ("category", "families", "topics"),
    "models": ("output", "architecture", "part_of", "developer"),
}
"""The fields of each kind of entry that two entries may have in common."""
WORKS_OF = {"papers": ("builds_on", "critiques", "superseded_by"), "tools": ("implements",)}
"""The fields that name papers."""
FAVOUR = {"family": 1.5, "category": 1.5}
"""Weight beyond rarity: what a paper is mainly about counts for more than its circumstances."""

Feature = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Similar:
    """A paper that resembles another one."""

    slug: str
    likeness: float
    """From 0 to 1."""
    shared: tuple[Feature, ...]
    """Facet and term that both have, the weightiest first."""


def similar_papers(catalogue: Catalogue) -> Mapping[str, tuple[Similar, ...]]:
    """For every paper at most ``MOST`` others, the most alike first; papers related anyway are left out."""
    papers = catalogue.papers
    named = {slug: _features(filed) for slug, filed in papers.items()}
    names = sorted(set().union(*named.values()))
    numbers = {name: number for number, name in enumerate(names)}
    features = {slug: frozenset(map(numbers.__getitem__, own)) for slug, own in named.items()}
    weights = _weights(names, features.values())
    lengths = {slug: sqrt(sum(map(weights.__getitem__, own))) for slug, own in features.items()}
    related = _related(papers)
    by_time = sorted(papers, key=lambda slug: (date_of(papers[slug]), slug))
    candidates = _Candidates({slug: (numbers["family", papers[slug].entry.family], features[slug]) for slug in by_time})
    similar = {}
    for slug, own in features.items():
        judged = []
        for other in candidates.of(slug) - related[slug]:
            likeness = sum(map(weights.__getitem__, own & features[other])) / (lengths[slug] * lengths[other])
            if likeness >= LEAST_LIKENESS:
                judged.append((-round(likeness, 6), other))
        best = sorted(judged)[:MOST]
        similar[slug] = tuple(Similar(o, -minus, _shared(own & features[o], names, weights)) for minus, o in best)
    return similar


def most_alike(features: Mapping[str, frozenset[Feature]], own: str) -> tuple[Similar, ...]:
    """At most ``MOST`` others, the most alike first, by the same measure, of every entry and not of candidates.

    Args:
        features: of all entries of a kind.
        own: the entry that they are compared with.
    """
    names = sorted(set().union(*features.values()))
    numbers = {name: number for number, name in enumerate(names)}
    sets = [frozenset(map(numbers.__getitem__, held)) for held in features.values()]
    weights = dict(zip(names, _weights(names, sets), strict=True))
    lengths = {one: sqrt(sum(map(weights.__getitem__, held))) for one, held in features.items()}
    judged = []
    for other, held in features.items():
        common = held & features[own]
        if other != own and common:
            likeness = sum(map(weights.__getitem__, common)) / (lengths[own] * lengths[other])
            if likeness >= LEAST_LIKENESS:
                judged.append((-round(likeness, 6), other, sorted(common, key=lambda name: (-weights[name], name))))
    return tuple(Similar(other, -minus, tuple(common)) for minus, other, common in sorted(judged)[:MOST])


def features_of(kind: str, values: Mapping[str, object]) -> frozenset[Feature]:
    """What an entry may have in common with others: terms, and the works it stands on.

    Args:
        kind: of the entry.
        values: its fields, also as they are written; a value of the wrong type counts for nothing.
    """
    features: set[Feature] = set()
    for facets, name in ((FACETS_OF[kind], None), (WORKS_OF.get(kind, ()), "work")):
        for facet in facets:
            value = values.get(facet)
            words = value if isinstance(value, (tuple, list)) else (value,)
            features.update((name or facet, word) for word in words if isinstance(word, str) and word)
    return frozenset(features)


def _features(filed: Filed[Paper]) -> frozenset[Feature]:
    paper = filed.entry
    return features_of("papers", {name: getattr(paper, name) for name in (*FACETS, *WORKS_OF["papers"])})


def _weights(names: Sequence[Feature], sets: Collection[frozenset[int]]) -> Sequence[int]:
    """The squared weight of each feature, in whole numbers, so that no sum depends on its order."""
    counts = Counter(number for numbers in sets for number in numbers)
    return [
        round(1000 * (FAVOUR.get(name[0], 1) * log2(1 + len(sets) / counts[number])) ** 2)
        for number, name in enumerate(names)
    ]


def _relations(paper: Paper) -> tuple[str, ...]:
    newer = (paper.superseded_by,) if paper.superseded_by else ()
    return (*paper.builds_on, *paper.critiques, *newer)


def _related(papers: Mapping[str, Filed[Paper]]) -> Mapping[str, set[str]]:
    """Each paper itself, the papers that it names, and those that name it."""
    related: dict[str, set[str]] = {slug: {slug} for slug in papers}
    for slug, filed in papers.items():
        for other in _relations(filed.entry):
            related[slug].add(other)
            related[other].add(slug)
    return related


def _shared(common: frozenset[int], names: Sequence[Feature], weights: Sequence[int]) -> tuple[Feature, ...]:
    ordered = sorted(common, key=lambda number: (-weights[number], number))
    return tuple(names[number] for number in ordered if names[number][0] in FACETS)


class _Candidates:
    """An inverted index: the papers of each feature in the order of time, also of a family joined to a feature."""

    def __init__(self, papers: Mapping[str, tuple[int, frozenset[int]]]) -> None:
        """Index the papers, given in the order of time with their families and features."""
        having: dict[tuple[int, int], list[str]] = defaultdict(list)
        places: dict[str, list[tuple[tuple[int, int], int]]] = {}
        for slug, (family, features) in papers.items():
            keys = [*((one, one) for one in features), *((family, one) for one in features if one != family)]
            places[slug] = [(key, len(having[key])) for key in keys]
            for key in keys:
                having[key].append(slug)
        rarest = sorted(having, key=lambda key: (len(having[key]), key))
        ranks = {key: rank for rank, key in enumerate(rarest)}
        self._having = [having[key] for key in rarest]
        self._places = {
            slug: sorted((ranks[key], place) for key, place in places_of) for slug, places_of in places.items()
        }

    def of(self, slug: str) -> set[str]:
        """Papers that share a feature, the rarest features asked first."""
        candidates: set[str] = set()
        for rank, place in self._places[slug]:
            candidates.update(self._having[rank][max(0, place - WINDOW) : place + WINDOW + 1])
            if len(candidates) > CANDIDATES:
                break
        return candidates

"""How much a paper looks like one for the catalogue: a sum of few weights, each with its reason."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

from generator.checks.near_titles import NEAR, key_of, numbers_of
from generator.entries.discovery import Score, pattern_of, words_of
from generator.entries.model import Catalogue, Filed, Model, Paper
from generator.entries.names import is_body, names_in
from generator.entries.plain_text import plain

NEAREST = 3
"""Entries of a family by which the likeness to the family is measured."""
FROM_PAPERS = 2
"""Entries from which on an author counts as known: names of one entry are often those of other people, too."""
_WORD = re.compile(r"[^\W_]+")
_SPELLING = re.compile(r"\d|[A-Z].*[A-Z]")
"""A name of a model that is no plain word: it has a digit or two capitals."""
_GROUPS = ("subject", "cost", "other")


@dataclass(frozen=True, slots=True)
class Listed:
    """What the score knows of a paper in the catalogue."""

    slug: str
    title: str
    family: str
    authors: tuple[str, ...] = ()
    arxiv: str | None = None
    other_titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a score."""

    points: float
    why: str


@dataclass(frozen=True, slots=True)
class Scored:
    """A score and what it is made of, the largest part first."""

    total: float
    reasons: tuple[Reason, ...]
    models: tuple[str, ...]
    """Slugs of the models that it names."""
    family: str | None
    """The nearest family; None if no title has a word in common."""
    nearest: tuple[str, ...]
    """Slugs of the nearest entries of that family."""

    def text(self) -> str:
        """The reasons on one line."""
        return "; ".join(f"{reason.points:+.1f} {reason.why}" for reason in self.reasons)


@dataclass(frozen=True)
class Spellings:
    """The names of models, as papers write them."""

    slugs: Mapping[str, str]
    """Spelling without separators -> slug. Case counts: *flux* is a word, *FLUX* a model."""
    longest: int
    """Words of the longest spelling."""

    def named_in(self, text: str) -> dict[str, str]:
        """Slug -> spelling of each model that a text names; the longest name counts."""
        words = list(_PART.finditer(text))
        found: dict[str, str] = {}
        at = 0
        while at < len(words):
            end = self._end(text, words, at)
            if end is not None:
                spelling = text[words[at].start() : words[end].end()]
                found.setdefault(self.slugs["".join(_PART.findall(spelling))], spelling)
            at = at + 1 if end is None else end + 1
        return found

    def _end(self, text: str, words: list[re.Match[str]], at: int) -> int | None:
        """The last word of the longest name that begins with a word; None if none does."""
        best = None
        key = ""
        if at and text[words[at].start() - 1] in "._-":
            return None  # in the middle of another word
        for end in range(at, min(at + self.longest, len(words))):
            if end > at and text[words[end - 1].end() : words[end].start()] not in _JOINTS:
                break
            key += words[end][0]
            if key in self.slugs and not _GOES_ON.match(text, words[end].end()):
                best = end
        return best


_PART = re.compile(r"[^\W_]+|\+")
_JOINTS = ("", " ", "-", ".", "_")
_GOES_ON = re.compile(r"[._-]?\w")


def spellings(names: Iterable[tuple[str, str]]) -> Spellings:
    """The names of models, each with its slug; those that are plain words, such as *Dream*, are left out."""
    slugs: dict[str, str] = {}
    longest = 0
    for name, slug in names:
        parts = _PART.findall(name)
        if len("".join(parts)) > 2 and _SPELLING.search(name):
            slugs.setdefault("".join(parts), slug)
            longest = max(longest, len(parts))
    return Spellings(slugs, longest)


NOT_NAMED = "(not named)"
"""End of the name of an entry for models that sources do not name, whose other names are no names of models."""


def names_of(models: Mapping[str, Filed[Model]]) -> Iterator[tuple[str, str]]:
    """The names and aliases of the models of the catalogue, each with its slug."""
    for slug, filed in models.items():
        if not filed.entry.name.endswith(NOT_NAMED):
            for name in (filed.entry.name, *filed.entry.aliases):
                yield name, slug


def listed(papers: Mapping[str, Filed[Paper]]) -> list[Listed]:
    """The papers of the catalogue, as the score knows them."""
    found = []
    for slug, filed in papers.items():
        paper, record = filed.entry, filed.record
        others = (*paper.aliases, *((record.title, *record.former_titles) if record else ()))
        authors = names_in(record.authors if record else paper.authors)
        found.append(Listed(slug, paper.title, paper.family, authors, paper.arxiv, others))
    return found


@dataclass(frozen=True)
class Known:
    """What is compared with a candidate."""

    score: Score
    models: Spellings
    papers: Mapping[str, Listed]
    by_author: Mapping[str, frozenset[str]]
    """Author -> slugs of entries."""
    rarity: Mapping[str, float] = field(default_factory=dict)
    vectors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    having: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Word -> slugs of the entries whose title has it."""

    @classmethod
    def of(cls, score: Score, models: Spellings, papers: Iterable[Listed]) -> Known:
        """Everything that the score compares with."""
        by_slug = {paper.slug: paper for paper in papers}
        words = {slug: set(_title_words(paper.title)) for slug, paper in by_slug.items()}
        counts = Counter(word for own in words.values() for word in own)
        rarity = {word: math.log(1 + len(words) / times) for word, times in counts.items()}
        having: dict[str, list[str]] = defaultdict(list)
        by_author: dict[str, set[str]] = defaultdict(set)
        for slug, own in words.items():
            for word in own:
                having[word].append(slug)
            for author in by_slug[slug].authors:
                if not is_body(author):
                    by_author[plain(author)].add(slug)
        vectors = {slug: _vector(own, rarity) for slug, own in words.items()}
        authors = {name: frozenset(slugs) for name, slugs in by_author.items()}
        return cls(score, models, by_slug, authors, rarity, vectors, having)

    def scored(
        self, title: str, abstract: str = "", authors: Iterable[str] = (), *, without: Collection[str] = ()
    ) -> Scored:
        """The score of a paper.

        Args:
            title: of the paper.
            abstract: of the paper, if known.
            authors: of the paper, if known.
            without: slugs of entries that are left out of the comparison.
        """
        reasons = list(self._words(title, abstract))
        reasons.extend(self._authors(authors, without))
        named = self.models.named_in(f"{title} \n {abstract}")
        if named:
            reasons.append(Reason(self.score.model, f"names {', '.join(list(named.values())[:3])}"))
        family, likeness, nearest = self.near(title, without=without)
        if family is not None:
            why = f"title {likeness:.2f} near to {family}: {', '.join(nearest)}"
            reasons.append(Reason(self.score.near * likeness, why))
        ordered = tuple(sorted((one for one in reasons if one.points), key=lambda one: (-abs(one.points), one.why)))
        return Scored(sum(one.points for one in ordered), ordered, tuple(named), family, nearest)

    def _words(self, title: str, abstract: str) -> Iterator[Reason]:
        texts = (words_of(title), words_of(abstract))
        seen: dict[str, str] = {}
        for group in _GROUPS:
            weights: Mapping[str, float] = getattr(self.score, group)
            for word, weight in weights.items():
                in_title = pattern_of(word).search(texts[0])
                # An abstract has many words for other subjects; only those of the title say what a paper is about.
                match = in_title or (group != "other" and pattern_of(word).search(texts[1]))
                if match:
                    seen.setdefault(group, match[0])
                    factor = 1.0 if in_title else self.score.abstract
                    yield Reason(weight * factor, f"{word!r} in the {'title' if in_title else 'abstract'}")
        if "subject" in seen and "cost" in seen:
            yield Reason(self.score.both, f"{seen['subject']!r} and {seen['cost']!r}")

    def _authors(self, authors: Iterable[str], without: Collection[str]) -> Iterator[Reason]:
        known = []
        for author in names_in(authors):
            entries = self.by_author.get(plain(author), frozenset()).difference(without)
            if len(entries) >= FROM_PAPERS:
                known.append((author, len(entries)))
        known.sort(key=lambda one: -one[1])
        for author, number in known[: int(self.score.authors)]:
            yield Reason(self.score.author, f"{author} has {number} entries")

    def near(self, title: str, *, without: Collection[str] = ()) -> tuple[str | None, float, tuple[str, ...]]:
        """The nearest family, its likeness from 0 to 1, and its nearest entries."""
        own = _vector(set(_title_words(title)), self.rarity)
        likeness: dict[str, float] = defaultdict(float)
        for word, weight in own.items():
            for slug in self.having.get(word, ()):
                likeness[slug] += weight * self.vectors[slug][word]
        families: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for slug, value in likeness.items():
            if slug not in without:
                families[self.papers[slug].family].append((-value, slug))
        best: tuple[float, str, tuple[str, ...]] | None = None
        for family, entries in families.items():
            nearest = sorted(entries)[:NEAREST]
            mean = sum(value for value, _ in nearest) / NEAREST
            one = (mean, family, tuple(slug for _, slug in nearest))
            best = one if best is None or one < best else best
        return (None, 0.0, ()) if best is None else (best[1], -best[0], best[2])


def _title_words(title: str) -> list[str]:
    """Words of a title, without the short ones and without the ending of a plural."""
    words = _WORD.findall(words_of(title))
    return [word.removesuffix("s") if len(word) > 4 else word for word in words if len(word) > 2 and word not in _EVERY]


_EVERY = frozenset(
    {"and", "are", "for", "from", "into", "its", "not", "the", "towards", "toward", "via", "with", "you"}
)


def _vector(words: Collection[str], rarity: Mapping[str, float]) -> dict[str, float]:
    weights = {word: rarity.get(word, max(rarity.values(), default=1.0)) for word in sorted(words)}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


class Seen:
    """The papers that need not be proposed: listed, or turned down; by id, then by title."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index the ids and titles of a catalogue."""
        self._ids: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        for paper in listed(catalogue.papers):
            self.add(paper.arxiv, (paper.title, *paper.other_titles), f"papers/{paper.slug}")
        for one in catalogue.turned_down:
            self.add(one.arxiv, (one.title,), f"turned down: {one.rule}")

    def add(self, arxiv_id: str | None, titles: Iterable[str], where: str) -> None:
        """A paper, and what is said about it."""
        if arxiv_id is not None:
            self._ids.setdefault(arxiv_id, where)
        for title in titles:
            if key := key_of(title):
                self._titles.setdefault(key, where)

    def where(self, arxiv_id: str, title: str) -> str | None:
        """Where a paper is; None if it is new."""
        if arxiv_id in self._ids:
            return self._ids[arxiv_id]
        key = key_of(title)
        if key in self._titles:
            return self._titles[key]
        for other, _, _ in process.extract_iter(key, self._titles.keys(), scorer=fuzz.ratio, score_cutoff=NEAR):
            if numbers_of(key) == numbers_of(other):
                return self._titles[other]
        return None

"""The terms of the page Glossary: those of data/glossary.yaml and those of the taxonomy, with what it notes on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

from generator.checks.glossary import VOCABULARIES
from generator.entries.model import Catalogue, GlossaryNote, Metric, Term

PAGE = "glossary/"
"""Address of the page below the home page."""
OWN_PAGES = ("families", "sparsity", "architectures")
"""Vocabularies whose terms have a page each, at ``<vocabulary>/<word>/``."""
FILTERS = ("granularity", "training", "status", "checked")
"""Filters of Browse, by the singular of the vocabulary where it has one."""
NO_NOTE = GlossaryNote()


@dataclass(frozen=True, slots=True)
class Defined:
    """One term of the page."""

    anchor: str
    name: str
    aliases: tuple[str, ...]
    """Other names."""
    text: str
    link: str
    """Where it matters, below the home page; empty for nowhere."""
    where: str
    """Words of the link."""
    vocabulary: str = ""
    """Of the taxonomy; empty for a term of data/glossary.yaml."""
    word: str = ""
    shown_aliases: tuple[str, ...] = ()
    """Those that the index of the page lists, too."""

    @property
    def address(self) -> str:
        """Of the term itself."""
        return f"{PAGE}#{self.anchor}"


def anchor_of(vocabulary: str, word: str) -> str:
    """Where a term of the taxonomy stands on the page.

    Raises:
        KeyError: the page does not show that vocabulary.
    """
    if vocabulary not in VOCABULARIES:
        raise KeyError(vocabulary)
    return f"{vocabulary}-{word}"


def terms_of(catalogue: Catalogue, section: str) -> tuple[Defined, ...]:
    """The terms of a group of data/glossary.yaml, or of a vocabulary; those of the metrics are in two sections.

    Raises:
        KeyError: there is no such section.
    """
    if section in catalogue.glossary.terms:
        return tuple(_own(catalogue, section))
    if section in ("quality", "cost"):
        metrics = catalogue.taxonomy.metrics
        return tuple(_described(catalogue, "metrics", w, one) for w, one in metrics.items() if one.measures == section)
    if section not in VOCABULARIES or section == "metrics":
        raise KeyError(section)
    terms = catalogue.taxonomy.vocabulary(section)
    return tuple(_described(catalogue, section, word, term) for word, term in terms.items())


def all_terms(catalogue: Catalogue) -> tuple[Defined, ...]:
    """Every term, in the order in which the search prefers them."""
    return tuple(
        term
        for section in (*catalogue.glossary.terms, *VOCABULARIES)
        for part in (("quality", "cost") if section == "metrics" else (section,))
        for term in terms_of(catalogue, part)
    )


def _own(catalogue: Catalogue, group: str) -> Iterator[Defined]:
    for anchor, term in catalogue.glossary.terms[group].items():
        yield Defined(anchor, term.name, term.aliases, term.text, term.link, term.where, shown_aliases=term.aliases)


def _described(catalogue: Catalogue, vocabulary: str, word: str, term: Term) -> Defined:
    note = catalogue.glossary.notes.get(vocabulary, {}).get(word, NO_NOTE)
    text = term.text
    if isinstance(term, Metric):
        text += f" {'Higher' if term.better == 'higher' else 'Lower'} is better."
    if note.text:
        text += f" {note.text}"
    link, where = _link(vocabulary, word, term)
    return Defined(
        anchor_of(vocabulary, word),
        term.name,
        (*note.aliases, *term.synonyms),
        text,
        note.link or link,
        note.where or where,
        vocabulary,
        word,
        note.aliases,
    )


def _link(vocabulary: str, word: str, term: Term) -> tuple[str, str]:
    """Where a term of the taxonomy matters, unless a note names a better place."""
    if vocabulary in OWN_PAGES:
        return f"{vocabulary}/{word}/", "Papers on it"
    if vocabulary == "topics":
        return f"browse/?text={quote_plus(term.name)}", "Entries on it"
    facet = "status" if vocabulary == "statuses" else vocabulary
    return (f"browse/?{facet}={word}", "Entries with it") if facet in FILTERS else ("", "")


def names_by_term(catalogue: Catalogue) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """What the notes add to the names of terms of the taxonomy, by vocabulary and word."""
    notes = catalogue.glossary.notes
    return {(vocabulary, word): note.aliases for vocabulary, held in notes.items() for word, note in held.items()}

"""The page Glossary: its index, its sections, and the file that other programs read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from generator.entries.schema import LICENCE_ADDRESS
from generator.pages.render import render
from generator.views.glossary import PAGE, Defined, all_terms, terms_of
from generator.views.site import Site

INDEX = "index"
KINDS = {
    "families": "family",
    "sparsity": "kind of sparsity",
    "granularity": "granularity",
    "training": "training",
    "architectures": "architecture",
    "metrics": "metric",
    "topics": "topic",
    "statuses": "status",
    "checked": "check",
}
"""What the index says beside a name that several terms have."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the index."""

    name: str
    term: Defined
    beside: str
    """How it differs from others of its name; empty where there is none."""


def glossary(site: Site, root: str, section: str) -> str:
    """The index of all terms, or the terms of one section.

    Raises:
        KeyError: there is no such section.
    """
    if section == INDEX:
        return render("glossary_index", letters=index(site))
    return render("glossary", terms=terms_of(site.catalogue, section), section=section, root=root)


def index(site: Site) -> list[tuple[str, list[Listed]]]:
    """All names with their terms, by first letter; of other names those that stand elsewhere in the alphabet."""
    named = [(name, term) for term in all_terms(site.catalogue) for name in _listed_names(term)]
    counts = Counter(_sorted_by(name) for name, _ in named)
    listed = [
        Listed(name, term, KINDS.get(term.vocabulary, "") if counts[_sorted_by(name)] > 1 else "")
        for name, term in named
    ]
    listed.sort(key=lambda one: _sorted_by(one.name))
    return [(letter, list(held)) for letter, held in groupby(listed, key=_letter)]


def _listed_names(term: Defined) -> Iterator[str]:
    """The name, and other names of a glossary term that begin with another word."""
    begun: set[str] = set()
    for name in (term.name, *term.shown_aliases):
        first = re.split(r"[\s-]", _sorted_by(name))[0][:4]
        if first not in begun:
            begun.add(first)
            yield name


def _sorted_by(name: str) -> str:
    return name.casefold().replace("ε", "epsilon").lstrip("% ")


def _letter(one: Listed) -> str:
    first = _sorted_by(one.name)[0].upper()
    return first if first.isalpha() else "0–9"


def addresses(site: Site) -> Iterator[tuple[str, str]]:
    """Each term with the address below the home page that it links to."""
    for term in all_terms(site.catalogue):
        if term.link:
            yield term.anchor, term.link


def defined_term_set(site: Site) -> Mapping[str, object]:
    """All terms as schema.org describes them (JSON-LD)."""
    page = f"{site.config.site_url}{PAGE}"
    return {
        "@context": "https://schema.org",
        "@type": "DefinedTermSet",
        "@id": page,
        "name": f"Glossary of {site.config.name}",
        "license": LICENCE_ADDRESS,
        "hasDefinedTerm": [
            {
                "@type": "DefinedTerm",
                "@id": f"{site.config.site_url}{term.address}",
                "termCode": term.anchor,
                "name": term.name,
                "alternateName": list(term.aliases),
                "description": term.text,
                "inDefinedTermSet": page,
            }
            for term in all_terms(site.catalogue)
        ],
    }

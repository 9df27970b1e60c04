"""The pages of the months: what was added, what changed, and the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_origin

from generator.entries.model import KINDS, VOCABULARIES, DigestChange, DigestEntry, DigestFact
from generator.outputs.digests import NOUNS, Month, months_of
from generator.outputs.feeds import DIGESTS, FEED, feed_links
from generator.pages.page import ROOT, Page
from generator.pages.render import render
from generator.views.site import Site, label_of
from reference_impls.number_format import count

OPEN_ENTRIES = 12
"""So many entries of a list are open; the others are behind one click."""
_PARTS = {
    "status": ("Status", ("status", "superseded_by", "slug")),
    "venue": ("Venue", ("venue", "track", "workshop", "doi")),
    "code": ("Code and weights", ("code", "weights", "repo", "project")),
    "results": ("Reported results", ("results",)),
}
"""Anchor -> heading and fields of a list of changes; all other fields are facts."""
_FIELDS = {
    "arxiv": "arXiv id",
    "checked": "compared with",
    "doi": "DOI",
    "npm": "npm package",
    "pypi": "PyPI package",
    "repo": "repository",
    "short": "short name",
    "slug": "renamed",
    "url": "address",
}
_PAPERS = ("builds_on", "critiques", "implements")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in a list."""

    name: str
    address: str | None
    """Below the home page; None if there is no such entry any more."""
    words: str
    """Its changes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One list of a page."""

    anchor: str
    heading: str
    lines: tuple[Line, ...]


def digest_pages(site: Site) -> Iterator[Page]:
    """The page of every month."""
    months = _months(site)
    for at, month in enumerate(months):
        block = render(
            "digest",
            month=month,
            root=ROOT,
            nouns=NOUNS,
            families=_by_family(site, month),
            kinds=tuple(_by_kind(site, month)),
            changes=tuple(_changes(site, month)),
            removed=_lines(site, month.removed),
            later=months[at - 1] if at else None,
            earlier=months[at + 1] if at + 1 < len(months) else None,
            feed=DIGESTS + FEED,
            open_entries=OPEN_ENTRIES,
        )
        location = f"{DIGESTS}{month.month}/"
        head = feed_links(site, f"{location}index.html", ROOT)
        yield Page(location, f"Digest of {month.name}", month.summary, block, head, month.month)


def digest_list(site: Site, root: str, _argument: str) -> str:
    """All months, newest first."""
    return render("digests", months=_months(site), root=root, folder=DIGESTS, feed=DIGESTS + FEED)


@lru_cache(maxsize=1)
def _months(site: Site) -> tuple[Month, ...]:
    return months_of(site.catalogue)


def _by_family(site: Site, month: Month) -> tuple[Part, ...]:
    """The added papers, in the order of the families; families that the vocabulary lost come last."""
    papers = [entry for entry in month.added if entry.kind == "papers"]
    terms = site.catalogue.taxonomy.families
    families = dict.fromkeys((*terms, *(entry.family or "" for entry in papers)))
    parts = []
    for family in families:
        lines = _lines(site, [entry for entry in papers if (entry.family or "") == family])
        if lines:
            parts.append(Part(family or "other", terms[family].name if family in terms else "Other families", lines))
    return tuple(parts)


def _by_kind(site: Site, month: Month) -> Iterator[Part]:
    for kind, noun in NOUNS.items():
        lines = _lines(site, [entry for entry in month.added if entry.kind == kind])
        if lines and kind != "papers":
            yield Part(kind, f"{noun.capitalize()}s", lines)


def _changes(site: Site, month: Month) -> Iterator[Part]:
    listed = {field for _, fields in _PARTS.values() for field in fields}
    for anchor, (heading, fields) in _PARTS.items():
        lines = _lines(site, month.changed, fields)
        if lines:
            yield Part(anchor, heading, lines)
    others = {fact.field for entry in month.changed for fact in entry.facts} - listed
    lines = _lines(site, month.changed, sorted(others))
    if lines:
        yield Part("facts", "Corrected facts and texts", lines)


def _lines(site: Site, entries: Sequence[DigestEntry], fields: Sequence[str] | None = None) -> tuple[Line, ...]:
    """The entries by name; with ``fields``, those that changed in one of them."""
    lines = []
    for entry in entries:
        known = entry.facts if isinstance(entry, DigestChange) else ()
        facts = [fact for fact in known if fields is None or fact.field in fields]
        if facts or fields is None:
            lines.append(_line(site, entry, "; ".join(_words(site, entry.kind, fact) for fact in facts)))
    return tuple(sorted(lines, key=lambda line: line.name.casefold()))


def _line(site: Site, entry: DigestEntry, words: str) -> Line:
    filed = getattr(site.catalogue, entry.kind).get(entry.slug)
    name = entry.title
    if filed is not None and entry.kind == "papers":
        short, title = filed.entry.short, filed.entry.title
        name = f"{short}: {title}" if short and short not in title else title
    return Line(name, None if filed is None else f"{entry.kind}/{entry.slug}/", words)


def _words(site: Site, kind: str, fact: DigestFact) -> str:
    """A change in words: short values in full, lists by what was added and removed."""
    name = _FIELDS.get(fact.field, fact.field.replace("_", " "))
    if fact.field == "results":
        old, new = (int(side[0]) if side and side[0].isdecimal() else 0 for side in (fact.was, fact.now))
        return count(new, "configuration") + (" corrected" if old == new else f", before {old}")
    was, now = (", ".join(_value(site, kind, fact.field, text) for text in side) for side in (fact.was, fact.now))
    if was and now:
        return f"{name}: {was} → {now}"
    if now:
        return f"{name}: {now}{' added' if _is_list(kind, fact.field) else ''}"
    return f"{name}: {was} removed" if was else f"{name} reworded"


def _is_list(kind: str, field: str) -> bool:
    known = KINDS[kind].model_fields.get(field)
    return known is not None and get_origin(known.annotation) is tuple


def _value(site: Site, kind: str, field: str, text: str) -> str:
    """The name of a term, a model or an entry; any other value as it is."""
    vocabulary = VOCABULARIES[kind].get(field)
    if vocabulary is not None:
        terms = site.catalogue.taxonomy.vocabulary(vocabulary)
        return terms[text].name if text in terms else text
    if field == "models" and text in site.catalogue.models:
        return site.catalogue.models[text].entry.name
    if (field in _PAPERS or (field == "superseded_by" and kind == "papers")) and text in site.catalogue.papers:
        return label_of(site.catalogue.papers[text])
    return text

"""Digests of months: a finished one from two states of the repository, a running one from the dates in the entries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from generator.entries.model import KINDS, Catalogue, Digest, DigestChange, DigestEntry, DigestFact, Kind
from generator.escape import collapse
from generator.outputs.changes import (
    EntryChange,
    FieldChange,
    RevisionError,
    changes,
    empty_tree,
    last_until,
    numbers,
)
from reference_impls.number_format import count

LONGEST = 160
"""Values up to this length are kept; longer ones count as reworded text."""
NOUNS = {"papers": "paper", "tools": "tool", "articles": "article", "models": "model"}
"""Kinds of entries, in the order in which people read them."""
_NOT_NEWS = ("added", "checked_on")
_TEXTS = ("summary", "note")
"""Fields of which only the change is kept, however short they are."""
_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Month:
    """What the site says of one month."""

    month: str
    """YYYY-MM."""
    over: bool
    """Whether this comes from its digest; else only the added entries are known, from their dates."""
    before: Mapping[str, int]
    """Kind of entry -> number of entries at the start of the month."""
    after: Mapping[str, int]
    """The same at its end, or now."""
    added: tuple[DigestEntry, ...]
    changed: tuple[DigestChange, ...] = ()
    removed: tuple[DigestEntry, ...] = ()

    @property
    def name(self) -> str:
        """Such as November 2026."""
        year, number = self.month.split("-")
        return f"{_NAMES[int(number) - 1]} {year}"

    @property
    def summary(self) -> str:
        """The numbers in one sentence."""
        counted = Counter(str(entry.kind) for entry in self.added)
        added = _listed([count(counted[kind], noun) for kind, noun in NOUNS.items() if counted[kind]])
        parts = [f"{added} added"] if added else []
        for word, group in (("changed", self.changed), ("removed", self.removed)):
            if group:
                parts.append(f"{count(len(group), 'entry', 'entries')} {word}")
        return f"{'; '.join(parts)}."


def months_of(catalogue: Catalogue) -> tuple[Month, ...]:
    """All months with a digest or with added entries, newest first."""
    months = [
        Month(one.month, True, one.before, one.after, one.added, one.changed, one.removed) for one in catalogue.digests
    ]
    finished = {one.month for one in catalogue.digests}
    added: defaultdict[str, list[DigestEntry]] = defaultdict(list)
    for kind in sorted(KINDS):
        for slug, filed in getattr(catalogue, kind).items():
            title = getattr(filed.entry, "title", None) or filed.entry.name
            family = getattr(filed.entry, "family", None)
            added[filed.entry.added[:7]].append(
                DigestEntry.model_construct(kind=cast("Kind", kind), slug=slug, title=title, family=family)
            )
    after = dict.fromkeys(KINDS, 0)
    for month, entries in sorted(added.items()):
        before = dict(after)
        for entry in entries:
            after[entry.kind] += 1
        if month not in finished:
            months.append(Month(month, False, before, dict(after), tuple(entries)))
    return tuple(sorted(months, key=lambda one: one.month, reverse=True))


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def make_digest(root: Path, month: str) -> Digest | None:
    """What changed in the entries of the repository ``root`` in a month; None if nothing did.

    The month (YYYY-MM) begins and ends at midnight UTC; commits count by the time at which they came to the branch.

    Raises:
        RevisionError: git is missing, has only a part of the history, or no commit of that time.
    """
    first, last = days_of(month)
    end = last_until(root, last.isoformat())
    if end is None:
        raise RevisionError(f"there is no commit until {last}")
    start = last_until(root, (first - timedelta(days=1)).isoformat()) or empty_tree(root)
    found = changes(root, start, end)
    lost = {(one.kind, one.slug) for one in found.unreadable}
    changed = (_changed(change) for change in (*found.changed, *found.renamed))
    digest = Digest(
        month=month,
        commit=end,
        before=numbers(root, start, lost),
        after=numbers(root, end, lost),
        added=tuple(map(_entry, found.added)),
        changed=tuple(sorted((one for one in changed if one is not None), key=lambda one: (one.kind, one.slug))),
        removed=tuple(map(_entry, found.removed)),
    )
    return digest if digest.added or digest.changed or digest.removed else None


def days_of(month: str) -> tuple[date, date]:
    """First and last day of a month that is written YYYY-MM."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _entry(change: EntryChange) -> DigestEntry:
    return DigestEntry.model_validate(_names(change))


def _names(change: EntryChange) -> dict[str, Any]:
    return {"kind": change.kind, "slug": change.slug, "title": change.title, "family": change.family}


def _changed(change: EntryChange) -> DigestChange | None:
    """The entry with what is news of it; None if nothing is."""
    facts = [DigestFact(field="slug", was=(change.old_slug,), now=(change.slug,))] if change.old_slug else []
    facts += [fact for field in change.fields if (fact := _fact(field)) is not None]
    return DigestChange.model_validate({**_names(change), "facts": facts}) if facts else None


def _fact(change: FieldChange) -> DigestFact | None:
    if change.field in _NOT_NEWS:
        return None
    old, new = _items(change.old), _items(change.new)
    if any(isinstance(item, list | dict) for item in (*old, *new)):
        rows = isinstance(change.old or [], list) and isinstance(change.new or [], list)
        return DigestFact(field=change.field, **({"was": (str(len(old)),), "now": (str(len(new)),)} if rows else {}))
    was, now = tuple(_without(old, new)), tuple(_without(new, old))
    if not was and not now:
        return None  # only the order of a list
    if change.field in _TEXTS or any(len(text) > LONGEST or not text.isprintable() for text in (*was, *now)):
        return DigestFact(field=change.field)
    return DigestFact(field=change.field, was=was, now=now)


def _items(value: Any) -> list[Any]:
    """One text as a list of one; blank text and a missing value as none."""
    items = value if isinstance(value, list) else [value]
    plain = (collapse(item) if isinstance(item, str) else item for item in items)
    return [item for item in plain if item not in (None, "")]


def _without(items: list[str], others: list[str]) -> Iterator[str]:
    left = Counter(others)
    for item in items:
        if left[item]:
            left[item] -= 1
        else:
            yield item

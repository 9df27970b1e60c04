"""What the records of arXiv say that the entries do not say yet: withdrawn, renamed, published.

Each difference is a change of one field. It is applied only where the record says it unmistakably; a person decides
about the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from generator.contribute.new_entry import OWN_DOI
from generator.entries.dois import dois_in
from generator.entries.format_yaml import NotFormattable, format_entry
from generator.entries.load_yaml import load, quoted
from generator.entries.model import Catalogue, Filed, Paper, Taxonomy, Venue
from generator.entries.plain_text import plain
from generator.entries.tex import text_of

LATEST_AHEAD = 1
"""Years after the first version's that a year of a venue in the record may lie ahead, beyond those that have passed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one entry that the record suggests to change."""

    path: str
    field: str
    old: str
    """Empty if the entry does not have the field."""
    new: str
    why: str
    """Where the record says so."""
    sure: bool
    """Whether the record says it unmistakably."""

    def text(self) -> str:
        """The change on one line."""
        change = f"{self.old!r} -> {self.new!r}" if self.old else f"add {self.new!r}"
        return f"{self.path}: {self.field}: {change} ({self.why})"


def news(catalogue: Catalogue, year: int) -> list[Change]:
    """All changes, in the order of the entries.

    Args:
        catalogue: entries with their records.
        year: of today.
    """
    return [change for filed in catalogue.papers.values() for change in _news(filed, catalogue.taxonomy, year)]


def _news(filed: Filed[Paper], taxonomy: Taxonomy, year: int) -> Iterator[Change]:
    paper, record = filed.entry, filed.record
    if record is None:
        return
    if record.withdrawn and paper.status != "withdrawn":
        said = record.withdrawn == (record.comment or "")[: len(record.withdrawn)]
        old = "" if paper.status == "active" else paper.status
        yield Change(filed.path, "status", old, "withdrawn", f"arXiv: {record.withdrawn[:120]}", said and not old)
    known = {plain(title) for title in (paper.title, *paper.aliases)}
    former = {plain(title) for title in record.former_titles}
    if plain(record.title) not in known and plain(paper.title) in former:
        yield Change(filed.path, "title", paper.title, text_of(record.title), "renamed on arXiv", sure=True)
    said_venue = venue_in(record.comment or "", record.journal_ref or "", taxonomy.venues)
    if said_venue is not None and said_venue.venue != paper.venue:
        first = (record.published or f"20{record.id[:2]}")[:4]
        held = said_venue.venue[-4:]
        sure = said_venue.sure and paper.venue is None and first <= held <= str(year + LATEST_AHEAD)
        yield Change(filed.path, "venue", paper.venue or "", said_venue.venue, said_venue.why, sure)
    dois = [doi for doi in dois_in(record.doi or "") if not doi.casefold().startswith(OWN_DOI)]
    if dois and paper.doi is None:
        yield Change(filed.path, "doi", "", dois[0], "DOI on arXiv", len(dois) == 1)


@dataclass(frozen=True, slots=True)
class SaidVenue:
    """A venue that a record names."""

    venue: str
    """Series and year, as entries have it."""
    sure: bool
    """Whether it says that the paper was accepted or published there, in the main track."""
    why: str


# Where one of these stands, a venue may be that of another paper or event, or one that has not accepted it.
_DOUBT = re.compile(
    r"submi(?:t|ss)|under (?:\w+ )?(?:review|revision|consideration)|in review|\brevision\b|reject|withdr[ae]w|retract"
    r"|\bnot\b|n't\b|conditional|considered|target|intend|prepar|plan(?:ned)? |template|format|style"
    r"|workshops?\b|\bws\b|findings|challenge|competition|tutorial|\bdemos?\b|doctoral|student|symposium|track\b"
    r"|late[- ]breaking|winner|solution|invited"
    r"|extend(?:ed|s|ing)?\b|extension|journal version|earlier version|preliminary|previous|short version|abridged"
    r"|based on|overlap|supplement(?:ary)? (?:to|for)|companion|concurrent|similar to",
    re.IGNORECASE,
)
_ACCEPTED = r"(?:accepted|(?:to|will) appear|appears|appeared|published|camera[- ]ready|to be (?:published|presented))"
_YEAR = r"(?:(?P<year>(?:19|20)\d\d)|['’-]\s?(?P<short>\d\d))(?!\d)"


def venue_in(comment: str, journal_ref: str, venues: Mapping[str, Venue]) -> SaidVenue | None:
    """The venue that a record names with a year; None if it names none, or more than one, or gives a reason for doubt.

    A comment is unmistakable where it says that the paper was accepted, or published, or is to appear there. A reason
    for doubt is a word about a submission, a workshop, a challenge or another version of the paper.
    """
    named = _named(comment, venues) | _named(journal_ref, venues)
    if len(named) != 1:
        return None
    venue = next(iter(named))
    if venue in venues or _DOUBT.search(f"{comment} {journal_ref}"):  # without a year, or of something else
        return None
    if _named(journal_ref, venues):
        return SaidVenue(venue, True, f"journal reference: {journal_ref[:120]}")
    return SaidVenue(venue, _says_accepted(comment, venue, venues), f"comment: {comment[:120]}")


def _named(text: str, venues: Mapping[str, Venue]) -> set[str]:
    """Every venue with a year that a text names, and every series that it names without one, so that two count."""
    found = {venue for venue, _, _ in _places(text, venues)}
    series = {venue.rpartition(" ")[0] for venue in found}
    return found | {name for name in _series_in(text, venues) if name not in series}


def _series_in(text: str, venues: Mapping[str, Venue]) -> set[str]:
    return {name for name in venues if re.search(rf"(?<![\w-]){_spelt(name)}(?![a-z])", text)}


def _places(text: str, venues: Mapping[str, Venue]) -> Iterator[tuple[str, int, int]]:
    """Venue, start and end of each series that stands beside a year."""
    for name, venue in venues.items():
        for match in _pattern(name, venue.text).finditer(text):
            year = match["year"] or (f"20{match['short']}" if match["short"] else match["before"])
            yield f"{name} {year}", match.start(), match.end()


@cache
def _pattern(name: str, full: str) -> re.Pattern[str]:
    """A series by its name or full name, with the year after it or, before a full name, in front of it."""
    spelt_full = re.escape(re.sub(r"^IEEE(/CVF)? |^ACM |^AAAI ", "", full)).replace(r"\ ", r"\s")
    with_year = rf"(?<![\w-])(?:{_spelt(name)}|{spelt_full}(?:\s?\({_spelt(name)}\))?)\)?[\s,:.(-]{{0,3}}{_YEAR}"
    before = rf"(?P<before>(?:19|20)\d\d)\s(?:IEEE(?:/CVF)?\s|ACM\s|AAAI\s)?{spelt_full}(?![^.;]{{0,12}}(?:19|20)\d\d)"
    return re.compile(rf"{with_year}|{before}", re.IGNORECASE if len(name) > 4 else 0)


def _spelt(name: str) -> str:
    """A series with or without its spaces: ``ACM MM`` and ``ACMMM``."""
    return r"\s?".join(map(re.escape, name.split()))


def _says_accepted(comment: str, venue: str, venues: Mapping[str, Venue]) -> bool:
    """Whether one sentence of the comment says that the paper was accepted at the venue."""
    for found, start, end in _places(comment, venues):
        if found != venue:
            continue
        before = re.split(r"[;!]|\.\s", comment[:start])[-1]
        after = re.split(r"[;!]|\.\s", comment[end:])[0]
        if re.search(rf"\b{_ACCEPTED}\b(?:(?!\bpages?\b).)*$", before, re.IGNORECASE):
            return True
        if re.match(r"\W{0,3}(?:main\W{1,2}|conference\W{1,2}|paper\W{1,2}){0,2}\(?accepted\b", after, re.IGNORECASE):
            return True
    return False


def apply(change: Change, raw: bytes) -> bytes:
    """The file of an entry with the change, in canonical form; a former title goes into the aliases.

    Raises:
        NotFormattable: the file cannot be read, or a comment is inside a value that changes.
    """
    changed = _with_value(raw, change.path, change.field, change.new)
    if change.field == "title":
        document, _ = load(raw, change.path)
        aliases = document.data.get("aliases", []) if document else []
        kept = [*aliases, change.old] if change.old not in aliases else list(aliases)
        kept = [title for title in kept if plain(title) != plain(change.new)]
        changed = _with_value(changed, change.path, "aliases", kept)
    return format_entry(changed, "papers", change.path)


def _with_value(raw: bytes, path: str, key: str, value: str | list[str]) -> bytes:
    document, problems = load(raw, path)
    if document is None:
        raise NotFormattable(min(problems).text())
    written = f"{key}: {quoted(value) if isinstance(value, str) else '[' + ', '.join(map(quoted, value)) + ']'}"
    lines = document.text.rstrip("\n").split("\n")
    if key not in document.data:
        return "\n".join([*lines, written, ""]).encode()
    first = document.keys[(key,)].line
    later = [place.line for steps, place in document.keys.items() if len(steps) == 1 and place.line > first]
    last = min(later, default=len(lines) + 1) - 1
    while last > first and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1  # comments above the next key belong to it
    if any(re.search(r"(^|\s)#", line) for line in lines[first - 1 : last]):
        raise NotFormattable(f"{path}:{first}: a comment is inside {key}; change it by hand")
    return "\n".join([*lines[: first - 1], written, *lines[last:], ""]).encode()

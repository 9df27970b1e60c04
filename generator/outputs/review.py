"""What a reviewer has to know about an entry: what it says, what it was compared with, what it resembles, what is open.

Entries are taken as they are written, and outcomes from the problems that the checks found: no rule is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from generator.arxiv.records import problem_path
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.checks.draft import Context, Draft
from generator.checks.near_titles import NEAR, nearest_title
from generator.checks.urls import ADDRESS_FIELDS
from generator.checks.validate import Outcome, Written
from generator.contribute.open_fields import Open, open_fields, states_open
from generator.entries.model import NOT_STATED, VOCABULARIES, ArxivRecord
from generator.entries.names import names_in
from generator.entries.plain_text import plain
from generator.entries.problem import Problem
from generator.entries.tex import text_of
from generator.outputs.changes import FieldChange
from generator.outputs.entry_words import Names, fields_in_words, label, name_of, values_in_words
from generator.views.similar import Similar, features_of, most_alike
from reference_impls.number_format import count

SHOWN_AUTHORS = 12
_SOURCES = {"arxiv-api": "from the arXiv API", "mirror": "from a public mirror of arXiv metadata"}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An entry file to review."""

    kind: str
    slug: str
    path: str
    """File, relative to the repository."""
    state: str = ""
    """How it differs from what it is compared with, in our words; empty if nothing was compared."""
    changes: tuple[FieldChange, ...] = ()
    former: str | None = None
    """The slug that it had, if it was renamed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: of what, with what, with which outcome."""

    what: str
    with_what: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A field with the values that it had and has, in words."""

    field: str
    old: Sequence[str]
    new: Sequence[str]


@dataclass(frozen=True, slots=True)
class Alike:
    """An entry that resembles the reviewed one."""

    likeness: float
    name: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Review:
    """Everything about one entry."""

    reviewed: Reviewed
    title: str
    why_not: str
    """Why nothing was compared; empty if it was."""
    fields: Sequence[tuple[str, Sequence[str]]]
    changed: Sequence[Changed]
    compared: Sequence[Compared]
    alike: Sequence[Alike]
    families: str
    """Families or categories of the similar entries, if one of them differs."""
    left: Open
    problems: Sequence[Problem]


@dataclass(frozen=True, eq=False)
class Reviewer:
    """Makes reviews of the entries of one state of the catalogue."""

    written: Written
    outcome: Outcome
    touched: frozenset[str] | None
    """Files that are part of the change; None if nothing was compared."""

    @cached_property
    def _by_path(self) -> Mapping[str, Draft]:
        return {draft.path: draft for draft in self.written.drafts}

    @cached_property
    def _features(self) -> Mapping[str, Mapping[str, frozenset[tuple[str, str]]]]:
        """Kind -> file -> what the entry may have in common with others."""
        found: dict[str, dict[str, frozenset[tuple[str, str]]]] = {}
        models = {draft.slug: draft.text("architecture") for draft in self.written.drafts if draft.kind == "models"}
        for draft in self.written.drafts:
            values = dict(draft.data)
            if draft.kind == "papers":
                own = [word for _, word in draft.items("architectures")]
                values["architectures"] = [*own, *(models.get(slug) for _, slug in draft.items("models"))]
            found.setdefault(draft.kind, {})[draft.path] = features_of(draft.kind, values)
        return found

    def review(self, reviewed: Reviewed) -> Review:
        """The review of one file, which may be unreadable."""
        problems = self.outcome.about(reviewed.path)
        draft, context = self._by_path.get(reviewed.path), self.written.context
        if draft is None or context is None:
            data = draft.data if draft else {}
            title = name_of(data, reviewed.slug)
            why = "The entry cannot be read" if draft is None else "A file that every entry depends on has an error"
            why += ", so nothing was compared."
            return Review(reviewed, title, why, (), (), (), (), "", Open({}, {}), problems)
        names = Names.of(self.written.drafts, context.taxonomy, context.datasets)
        alike = most_alike(self._features[draft.kind], draft.path)
        left = open_fields(draft.kind, draft.data, context.taxonomy)
        return Review(
            reviewed,
            text_of(draft.text("title") or draft.text("name") or draft.slug),
            "",
            list(fields_in_words(draft.kind, draft.data, names)),
            [_changed(draft.kind, one, names) for one in reviewed.changes],
            list(_Comparison(draft, self.written.drafts, context, problems, names, self.touched).rows()),
            [self._alike(one, draft, names) for one in alike],
            self._families(draft, alike, names),
            left,
            [problem for problem in problems if not states_open(problem, left)],
        )

    def _alike(self, similar: Similar, draft: Draft, names: Names) -> Alike:
        other = self._by_path[similar.slug]
        reasons: dict[str, list[str]] = {}
        for facet, word in similar.shared:
            field = "names the same paper" if facet == "work" else label(facet)
            vocabulary = VOCABULARIES[draft.kind].get(facet)
            if facet == "work":
                said = names.entry("papers", word)
            elif facet in ("models", "part_of"):
                said = names.model(word)
            else:
                said = names.term(vocabulary, word) if vocabulary else word
            reasons.setdefault(field, []).append(said)
        why = [f"{field}: {', '.join(words)}" for field, words in reasons.items()]
        for field in ("builds_on", "critiques", "superseded_by"):
            if other.slug in (word for _, word in draft.items(field)):
                why.append(f"this entry names it: {label(field)}")
            if draft.slug in (word for _, word in other.items(field)):
                why.append(f"it names this entry: {label(field)}")
        return Alike(similar.likeness, name_of(other.data, other.slug), other.path, "; ".join(why))

    def _families(self, draft: Draft, alike: Sequence[Similar], names: Names) -> str:
        field = {"papers": "family", "tools": "category", "articles": "category", "models": "output"}[draft.kind]
        vocabulary = VOCABULARIES[draft.kind][field]
        words = [word for one in alike if (word := self._by_path[one.slug].text(field))]
        if all(word == draft.text(field) for word in words):
            return ""
        counted = {word: words.count(word) for word in words}
        said = ", ".join(f"{names.term(vocabulary, word)} {number}" for word, number in counted.items())
        return f"{label(field)} of these: {said}; of this entry: {names.term(vocabulary, draft.text(field) or 'none')}"


def _changed(kind: str, change: FieldChange, names: Names) -> Changed:
    """Of a list only the items that differ; of anything else both values."""
    old, new = (
        () if value is None else values_in_words(kind, change.field, value, names) for value in (change.old, change.new)
    )
    was, now = [one for one in old if one not in new], [one for one in new if one not in old]
    if not was and not now and (old or new):  # the same items in another order, or spelling
        was, now = list(old), list(new)
    return Changed(label(change.field), was, now)


@dataclass(frozen=True)
class _Comparison:
    """What the checks compared for one entry."""

    draft: Draft
    drafts: Sequence[Draft]
    context: Context
    problems: Sequence[Problem]
    names: Names
    touched: frozenset[str] | None

    def rows(self) -> Iterator[Compared]:
        if self.draft.kind == "papers":
            yield from self._with_the_record()
        yield from self._dates()
        yield from self._duplicates()
        yield from self._models()
        if self.draft.kind == "papers":
            yield self._numbers()
        yield from self._addresses()
        if text := self.draft.text("summary"):
            against = f"the rules for summaries; {len(text)} characters; not with the text of its source"
            yield Compared("Summary", against, self._found("E240 E241", "plain sentences"))
        rules = f"{count(len(ENTRY_CHECKS), 'rule')} of entries and {len(CATALOGUE_CHECKS)} of the whole catalogue"
        errors = sum(problem.severity == "error" for problem in self.problems)
        yield Compared("All checks", rules, f"{count(errors, 'error')}, {count(len(self.problems) - errors, 'note')}")

    def _found(self, codes: str, fine: str, field: str | None = None) -> str:
        """The problems with one of these codes, of one field if it is given; without one, that all is fine."""
        lines = {self.draft.document.place(steps).line for steps in self._steps(field)} if field else None
        found = [
            problem
            for problem in self.problems
            if problem.code in codes.split()
            and (lines is None or problem.path != self.draft.path or problem.line in lines)
        ]
        return "; ".join(f"{one.severity} {one.code}: {one.message}" for one in found) or fine

    def _steps(self, field: str | None) -> Iterable[tuple[str | int, ...]]:
        if field is None:
            return ()
        return [(field,), *(steps for steps, _ in self.draft.items(field))]

    def _with_the_record(self) -> Iterator[Compared]:
        arxiv_id = self.draft.text("arxiv")
        if arxiv_id is None:
            yield Compared("Title, authors", "nothing: the entry has no arXiv id", "a reviewer compares them with url")
            return
        fine = "a valid id, in the folder of its year"
        yield Compared("arXiv id", "the form of ids; the folder", self._found("E110 E201 E202 E411", fine))
        record, path = self.context.records.get(arxiv_id), problem_path(arxiv_id)
        if record is None:
            what = "arXiv has not been asked: a reviewer compares title, authors and dates with the paper"
            yield Compared("Title, authors", f"no record {path}", what)
            return
        yield Compared(
            "Record", f"{path}, {_SOURCES[record.source]} on {record.fetched_at}", self._part_of_change(path)
        )
        title, said = self.draft.text("title") or "", text_of(record.title)
        equal = "equal" if text_of(title) == said else "equal but for case, accents or punctuation"
        if plain(title) != plain(said):
            equal = "an alias of the entry is equal"
        yield Compared("Title", f"the record: {said}", self._found("E605 E610", equal, "title"))
        known = names_in(record.authors)
        shown = ", ".join(known[:SHOWN_AUTHORS]) + (
            f" and {len(known) - SHOWN_AUTHORS} more" if len(known) > SHOWN_AUTHORS else ""
        )
        fine = "first author equal" if any(self.draft.items("authors")) else "taken from the record"
        yield Compared("Authors", f"the record: {shown or 'none'}", self._found("E605", fine, "authors"))
        yield from self._said_by_arxiv(record)

    def _part_of_change(self, path: str) -> str:
        if self.touched is None:
            return "used"
        if path in self.touched:
            return "added or changed together with the entry: compare it with arXiv"
        return "not part of this change"

    def _said_by_arxiv(self, record: ArxivRecord) -> Iterator[Compared]:
        """What the record says of a published version, beside what the entry says."""
        published = {"comment": record.comment, "journal reference": record.journal_ref, "DOI": record.doi}
        said = [f"{name}: {text_of(text)}" for name, text in published.items() if text]
        own = [f"{label(field)}: {text}" for field in ("venue", "doi") if (text := self.draft.text(field))]
        if said:
            yield Compared("Published version", f"the record: {'; '.join(said)}", "; ".join(own) or "no venue, no DOI")
        if record.withdrawn:
            status = self.names.term("statuses", self.draft.text("status") or "active")
            yield Compared("Withdrawn", f"the record: {text_of(record.withdrawn)}", f"status of the entry: {status}")

    def _dates(self) -> Iterator[Compared]:
        draft = self.draft
        stated = [
            f"{label(key)}: {text}"
            for key in ("date", "since", "released", "checked_on", "added")
            if (text := draft.text(key))
        ]
        record = self.context.records.get(draft.text("arxiv") or "")
        if draft.kind == "papers":
            published = record.published if record else None
            first = published or draft.filed_month() or "unknown"
            stated.insert(
                0, f"first version: {first} ({'record' if published else 'id' if draft.text('arxiv') else 'entry'})"
            )
        codes = "E203 E204 E411 E243"
        yield Compared("Dates", "; ".join(stated) or "none", self._found(codes, "in the calendar, and in order"))
        if venue := draft.text("venue"):
            against = f"{venue}; the series of data/taxonomy.yaml; the first version"
            yield Compared("Venue", against, self._found("E222 E223 E224 E225", "a known series, not before the paper"))

    def _duplicates(self) -> Iterator[Compared]:
        draft = self.draft
        peers = sum(one.kind == draft.kind for one in self.drafts) - 1
        others = f"{count(peers, 'other entry', 'other entries')} of data/{draft.kind}"
        for field in ("arxiv", "doi", "url", "code"):
            if draft.text(field) and (field != "code" or draft.kind == "papers"):
                found = self._found("E503" if field == "code" else "E501", "no other has it", field)
                yield Compared(f"{label(field)}: duplicates", others, found)
        if draft.kind == "papers":
            yield Compared("Turned down", "data/turned-down.yaml", self._found("E533", "the paper is not in it"))
        near = nearest_title(draft, self.drafts)
        if near is not None:
            other, ratio = near
            title = text_of(other.text("title") or other.text("name") or "")
            against = f"{others}; the nearest is {title} ({other.path}), {ratio:.0f} of 100 alike"
            codes = "E502 E514 E412"
            yield Compared("Title: duplicates", against, self._found(codes, f"below {NEAR:.0f}, no duplicate"))

    def _models(self) -> Iterator[Compared]:
        slugs = [slug for key in ("models", "part_of") for _, slug in self.draft.items(key)]
        slugs += [slug for _, result in self.draft.results() for slug in _texts(result.get("model"))]
        data = [slug for _, result in self.draft.results() for slug in _texts(result.get("dataset"))]
        named = [f"{slug} = {self.names.model(slug)}" for slug in dict.fromkeys(slugs)]
        named += [f"{slug} = {self.names.dataset(slug)}" for slug in dict.fromkeys(data)]
        if named:
            files = "data/models and data/datasets.yaml" if data else "data/models"
            yield Compared("Models, data sets", f"{files}: {'; '.join(named)}", self._found("E513", "all are known"))

    def _numbers(self) -> Compared:
        results = [result for _, result in self.draft.results()]
        numbers = sum(len(values) for one in results if isinstance(values := one.get("after"), dict))
        hardware = [str(one["hardware"]) for one in results if "hardware" in one]
        unsaid = hardware.count(NOT_STATED)
        second = sum("via" in one for one in results)
        against = (
            f"{count(len(results), 'configuration')} with {count(numbers, 'number')}: bounds of the metrics, places,"
            f" hardware (stated in {len(hardware) - unsaid}, not stated by the source in {unsaid});"
            f" {second} from secondary sources; not with the source itself"
        )
        codes = "E212 E231 E232 E233 E234 E235 E236 E237 E238 E244"
        fine = "plausible" if results else "no reported results"
        return Compared("Numbers", against if results else "nothing", self._found(codes, fine))

    def _addresses(self) -> Iterator[Compared]:
        stated = [text for key in ADDRESS_FIELDS for _, text in self.draft.items(key) if text.strip()]
        if stated:
            against = f"{count(len(stated), 'address', 'addresses')}: form and host; not visited"
            yield Compared("Addresses", against, self._found("E401 E402 E403 E404 E405", "plain https addresses"))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one]

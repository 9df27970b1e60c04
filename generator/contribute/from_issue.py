"""The answers of an issue's form in, the file of an entry out, or everything that is wrong with the answers.

A new entry begins as `add` begins it, and a correction changes one field of a file; both are checked with the whole
catalogue before anything is written. Only the fields of the two forms reach a file, and never its path: that of a new
entry follows from the title, that of a correction is looked up among the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from generator.checks.arxiv_id import bare_id, id_fault
from generator.checks.draft import Draft
from generator.checks.drafts import entry_files, read_drafts
from generator.checks.model_names import folded
from generator.checks.validate import validate
from generator.contribute.form import WHOLE, Answers, Fault, answers, pick, read_forms, shown, wanted
from generator.contribute.new_entry import (
    AlreadyThere,
    NewEntry,
    new_entry,
    new_page,
    new_published,
)
from generator.contribute.open_fields import required_fields
from generator.entries.format_yaml import NotFormattable, with_values
from generator.entries.load_yaml import load
from generator.entries.model import DATE, KINDS, Taxonomy
from generator.entries.problem import Problem
from reference_impls.near_names import alike

KIND_OF = {"Paper": "papers", "Tool": "tools", "Article": "articles"}
"""Option of the form -> folder."""
NAMED = {"papers": "a paper", "tools": "a tool", "articles": "an article"}
KEYS: Mapping[str, Mapping[str, str]] = {
    "papers": {
        "title": "title",
        "short": "short",
        "authors": "authors",
        "date": "date",
        "venue": "venue",
        "code": "code",
        "family": "family",
        "sparsity": "sparsity",
        "granularity": "granularity",
        "models": "models",
        "training": "training",
        "summary": "summary",
        "checked": "checked",
    },
    "tools": {
        "title": "name",
        "code": "repo",
        "authors": "authors",
        "category": "category",
        "family": "families",
        "models": "models",
        "summary": "summary",
    },
    "articles": {
        "title": "title",
        "code": "repo",
        "authors": "authors",
        "date": "date",
        "category": "category",
        "family": "families",
        "summary": "summary",
    },
}
"""Kind -> question of the form -> field of the entry."""
OTHER = "something else"
"""The field of a correction that only a person can make."""
BY_HAND = "a person reads the issue and changes the entry"
REMOVE = "remove"
"""The new value that deletes a field."""
Values = dict[str, str | list[str] | None]
"""Field of an entry -> new value; None deletes the field."""
_SEVERAL_AUTHORS = re.compile(r";|\band\b|,(?!\s*(?:Jr|Sr|I{2,3}|IV)\b)")


@dataclass(frozen=True, slots=True)
class Change:
    """A file to write."""

    path: str
    """Relative to the repository."""
    content: bytes
    """Canonical YAML of an entry without errors."""
    notes: tuple[str, ...] = ()
    """What the form says that is not in the file."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form leads to: a change, or faults."""

    change: Change | None
    faults: tuple[Fault, ...] = ()


def read_issue(body: str, labels: Sequence[str], *, root: Path, taxonomy: Taxonomy, today: date) -> Reading:
    """The change that an issue asks for.

    Args:
        body: text of the issue.
        labels: of the issue.
        root: of the repository.
        taxonomy: the vocabularies.
        today: ``added`` of a new entry.

    Raises:
        NoForm: the issue was made with no form.
        ValueError: a form of the repository cannot be read.
    """
    forms = read_forms(root)
    form = pick(forms, labels, body)
    given = answers(form, body)
    if form.name == "entry":
        return _Entry(given, root / "data", taxonomy, today).reading()
    if form.name == "correction":
        return _Correction(given, root / "data", taxonomy, today).reading()
    return Reading(None, (Fault(WHOLE, f"the form {form.name!r} is no entry and no correction", "a person reads it"),))


@dataclass
class _Form:
    """What both forms need."""

    given: Answers
    data: Path
    taxonomy: Taxonomy
    today: date
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults.extend(self.given.faults)

    def label(self, question: str) -> str:
        return self.given.form.question(question).label

    def value(self, question: str) -> str:
        return " ".join(self.given.values.get(question, "").split())

    def fault(self, question: str, message: str, fix: str) -> None:
        self.faults.append(Fault(self.label(question), message, fix))

    def faulty(self, question: str) -> bool:
        return any(fault.field == self.label(question) for fault in self.faults)

    def wanted(self, question: str) -> str:
        return wanted(self.given.form.question(question))

    def refused(self) -> Reading:
        """The faults, each once, in the order of the form."""
        order = [WHOLE, *(question.label for question in self.given.form.questions)]
        return Reading(None, tuple(sorted(set(self.faults), key=lambda fault: (order.index(fault.field), fault))))

    def judge(self, kind: str, path: str, content: bytes, questions: Mapping[str, str], other: str, named: str) -> None:
        """Add what the checks find in the file, by question.

        Args:
            kind: of the entry.
            path: of the file.
            content: of the file.
            questions: field of the entry -> question of the form.
            other: question for problems of other fields.
            named: question that names the entry, for problems of other files with it.
        """
        document, problems = load(content, path)
        if document is not None:
            draft = Draft(kind, path.rpartition("/")[2].removesuffix(".yaml"), document)
            problems.extend(validate(self.data, [draft]).about(path))
        before = {fault.field for fault in self.faults}
        lines = sorted((place.line, str(steps[0])) for steps, place in (document.keys if document else {}).items())
        for problem in problems:
            if problem.severity != "error":
                continue
            if problem.path != path:
                if self.label(named) not in before:
                    self.fault(named, *_elsewhere(problem))
                continue
            key = next((key for line, key in reversed(lines) if line <= problem.line), "")
            question = questions.get(key, other)
            if self.label(question) not in before:
                message = problem.message if key in questions or not key else f"{key}: {problem.message}"
                self.fault(question, message, problem.fix)

    def models(self, text: str) -> list[str]:
        """The slugs of models by any of their names; an unknown name stays, and a check reports it."""
        known: dict[str, str] = {}
        for draft in read_drafts(self.data, []):
            if draft.kind == "models":
                names = (draft.slug, draft.text("name") or "", *(name for _, name in draft.items("aliases")))
                known.update((folded(name), draft.slug) for name in names)
        return list(dict.fromkeys(known.get(folded(name), name) for name in _listed(text)))


@dataclass
class _Entry(_Form):
    def reading(self) -> Reading:
        kind = KIND_OF.get(self.value("kind"))
        if kind is None:
            return self.refused()
        keys = KEYS[kind]
        arxiv = self._arxiv() if kind == "papers" else ""
        self._address(kind, arxiv)
        notes = list(self._notes(kind, keys, arxiv))
        self._required(kind, keys, arxiv)
        authors = self._authors()
        try:
            base = self._base(kind, arxiv, authors)
        except AlreadyThere as error:
            self.fault("address", str(error), "use the form Correction for that entry")
            return self.refused()
        except ValueError as error:
            self.fault("title", str(error).partition(";")[0], f"give a {self.label('short').lower()} in Latin letters")
            return self.refused()
        values = self._values(kind, keys, arxiv, authors)
        try:
            content = with_values(base.content, kind, base.path, values)
        except NotFormattable as error:
            self.faults.append(Fault(WHOLE, f"no entry can be written from it: {error}", "shorten the answers"))
            return self.refused()
        questions = {key: question for question, key in keys.items()} | {"arxiv": "address", "url": "address"}
        if "repo" in questions and not self.value("code"):
            questions["repo"] = "address"
        self.judge(kind, base.path, content, questions, "title", "address")
        if self.faults:
            return self.refused()
        return Reading(Change(base.path, content, tuple(notes)))

    def _arxiv(self) -> str:
        """The bare id of a paper; empty where it is not on arXiv, or where the id is wrong."""
        address = self.value("address")
        bare = bare_id(address)
        if bare is None:
            return ""
        # An id is of the month of its announcement; a day more, for the time zones before ours.
        if fault := id_fault(bare, (self.today + timedelta(days=1)).strftime("%Y-%m")):
            self.fault("address", *fault)
            return ""
        return bare

    def _address(self, kind: str, arxiv: str) -> None:
        """Only what the checks of addresses need to find the rest."""
        address = self.value("address")
        if not address or arxiv or self.faulty("address"):
            return
        try:
            host = urlsplit(address).hostname
        except ValueError:
            host = None
        if not host or not address.startswith("https://"):
            what = "neither an arXiv id nor an https address" if kind == "papers" else "not an https address"
            self.fault("address", f"{shown(address)} is {what}", self.wanted("address"))

    def _notes(self, kind: str, keys: Mapping[str, str], arxiv: str) -> Iterator[str]:
        """What the form says that is not in the entry."""
        for question in self.given.values:
            if question == "results":
                yield f"{self.label(question)}: not in the entry yet; a person adds them from the issue"
            elif arxiv and question in ("authors", "date"):
                yield f"{self.label(question)}: left out, because arXiv gives them"
            elif question not in keys and question not in ("kind", "address", "licence"):
                yield f"{self.label(question)}: left out, because {NAMED[kind]} has no such field"

    def _required(self, kind: str, keys: Mapping[str, str], arxiv: str) -> None:
        """A fault for each question without an answer that an entry of this kind needs."""
        asked = required_fields(kind, self.taxonomy)
        if kind == "papers" and not arxiv and not self.faulty("address"):
            for question in ("authors", "date"):
                if not self.value(question) and not self.faulty(question):
                    self.fault(question, "no answer; a paper that is not on arXiv needs it", self.wanted(question))
        for question, key in keys.items():
            if key in asked and not self.value(question) and not self.faulty(question):
                self.fault(question, "no answer", asked[key])

    def _authors(self) -> list[str]:
        lines = [" ".join(line.split()) for line in self.given.values.get("authors", "").split("\n")]
        names = [line for line in lines if line]
        for name in names:
            if _SEVERAL_AUTHORS.search(name):
                self.fault("authors", f"{shown(name)} is more than one author", "write one name per line")
        return names

    def _base(self, kind: str, arxiv: str, authors: Sequence[str]) -> NewEntry:
        """The entry as `add` begins it; a wrong title or address is replaced, so that the rest can be checked."""
        title = self.value("title") or "Title of a form that has none"
        address = self.value("address")
        if self.faulty("address") or not address:
            address = "https://example.org/address-of-a-form-that-has-none"
        if kind != "papers":
            return new_page(kind, address, title, data=self.data, taxonomy=self.taxonomy, today=self.today)
        short = self.value("short") or None
        if arxiv:
            return new_entry(arxiv, title, None, data=self.data, taxonomy=self.taxonomy, today=self.today, short=short)
        published = self.value("date")
        if not DATE.fullmatch(published):
            published = self.today.isoformat()
        return new_published(
            address,
            title,
            authors or ["Author of a form that has none"],
            published,
            data=self.data,
            taxonomy=self.taxonomy,
            today=self.today,
            short=short,
        )

    def _values(self, kind: str, keys: Mapping[str, str], arxiv: str, authors: Sequence[str]) -> Values:
        """The fields of the entry that the form fills in, beyond those that `add` knows."""
        values: Values = {}
        for question, key in keys.items():
            if not self.value(question) or question in ("title", "short"):
                continue
            if question in ("authors", "date") and arxiv:
                continue
            if question == "authors":
                values[key] = list(authors)
            elif question == "models":
                values[key] = self.models(self.given.values["models"])
            elif KINDS[kind].model_fields[key].default == ():
                values[key] = self.given.values[question].split("\n")
            else:
                values[key] = self.value(question)
        return values


@dataclass
class _Correction(_Form):
    def reading(self) -> Reading:
        change = self._change()
        if self.faults or change is None:
            return self.refused()
        return Reading(change)

    def _change(self) -> Change | None:
        chosen = self.value("field")
        if chosen == OTHER:
            self.fault("field", f"{OTHER!r} is nothing that a workflow can write", BY_HAND)
            return None
        found = self._entry("entry") if self.value("entry") else None
        if found is None or not chosen:
            return None
        kind, file = found
        record = KINDS[kind]
        if chosen not in record.model_fields:
            options = self.given.form.question("field").options
            known = ", ".join(option for option in options if option in record.model_fields)
            self.fault("field", f"{NAMED[kind]} has no field {chosen}", f"use one of {known}")
            return None
        text = self.value("value")
        if not text:
            self.fault("value", "no answer", f"write the new value, or {REMOVE}")
            return None
        if text.casefold() == REMOVE and record.model_fields[chosen].is_required():
            self.fault("value", f"{chosen} is required and cannot be removed", "write the new value")
            return None
        path = f"data/{file.relative_to(self.data).as_posix()}"
        raw = file.read_bytes()
        document, _ = load(raw, path)
        now = document.data if document else {}
        values = self._values(kind, chosen, text, now)
        if all(now.get(key, "active" if key == "status" else None) == value for key, value in values.items()):
            self.fault("value", f"{chosen} of {path} is already {shown(text)}", "close the issue")
        try:
            content = with_values(raw, kind, path, values)
        except NotFormattable as error:
            self.fault("field", str(error).removeprefix(f"{path}: "), BY_HAND)
            return None
        if self.faulty("superseded_by"):
            return None
        questions = {chosen: "value", "superseded_by": "superseded_by"}
        self.judge(kind, path, content, questions, "value", "entry")
        notes = [f"{key}: removed" for key, value in values.items() if value is None and key in now]
        return Change(path, content, tuple(notes))

    def _values(self, kind: str, chosen: str, text: str, now: Mapping[str, object]) -> Values:
        values: Values = {chosen: text}
        if text.casefold() == REMOVE:
            values[chosen] = None
        elif chosen == "models":
            values[chosen] = self.models(text)
        elif KINDS[kind].model_fields[chosen].default == ():
            values[chosen] = _listed(text)
        successor = self.value("superseded_by")
        if chosen == "status" and text == "superseded":
            if "superseded_by" not in KINDS[kind].model_fields:
                self.fault("superseded_by", f"{NAMED[kind]} has no field for it", "use the status deprecated")
            else:
                values["superseded_by"] = self._successor(kind)
        elif successor:
            self.fault("superseded_by", f"{shown(successor)} without the status superseded", "leave it empty")
        elif chosen == "status" and "superseded_by" in KINDS[kind].model_fields:
            values["superseded_by"] = None
        elif chosen in ("code", "repo") and values[chosen] and now.get("status") in ("code-announced", "code-removed"):
            values["status"] = None
        return values

    def _successor(self, kind: str) -> str | None:
        if not self.value("superseded_by"):
            if not self.faulty("superseded_by"):
                self.fault("superseded_by", "no answer", "name the entry that replaces this one, or use another status")
            return None
        found = self._entry("superseded_by", kind)
        return found[1].stem if found else None

    def _entry(self, question: str, kind: str | None = None) -> tuple[str, Path] | None:
        """The entry that an answer names by its file, its page or its name, looked up among the files."""
        text = self.value(question)
        parts = [part for part in re.split(r"[?#]", text.strip("<>"))[0].split("/") if part not in ("", "index.html")]
        slug = parts[-1].removesuffix(".yaml") if parts else ""
        within = kind or next((part for part in reversed(parts[:-1]) if part in KINDS), None)
        files = [(of, file) for of, file in entry_files(self.data) if of != "models" and within in (None, of)]
        found = [(of, file) for of, file in files if file.stem == slug]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"data/{file.relative_to(self.data).as_posix()}" for _, file in found)
            self.fault(question, f"{shown(text)} is the name of several entries", f"write one of {several}")
        elif within == "models":
            self.fault(question, f"{shown(text)} is a model", BY_HAND)
        else:
            near = alike(slug[:80], [file.stem for _, file in files], limit=3)
            fix = (
                f"did you mean {', '.join(near)}?"
                if near
                else "write its file, such as data/papers/2023/diff-pruning.yaml"
            )
            self.fault(question, f"no entry {shown(text)}", fix)
        return None


def _elsewhere(problem: Problem) -> tuple[str, str]:
    """What another file has against the entry, and the fix."""
    place = f"{problem.path}:{problem.line}"
    if problem.code == "E533":
        return f"turned down before, see {place}", "read the reason there, and answer it in the issue"
    return f"{place}: {problem.message}", problem.fix


def _listed(text: str) -> list[str]:
    """The parts between commas; a comma in brackets belongs to its part."""
    parts, depth = [""], 0
    for character in text:
        depth = max(0, depth + (character == "(") - (character == ")"))
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in parts if part.strip()]

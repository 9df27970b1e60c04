"""The body of an issue made with a form: its answers by field, or what is wrong with each.

GitHub writes a form as Markdown: a heading ``### Label`` for each field, in the order of the form, and below it the
answer. The fields and their labels are read from the form itself, so that the two cannot drift apart.

The text is hostile. Every line that Markdown reads as such a heading starts a field, in code blocks and comments, too:
a text that repeats a heading of the form makes two fields of one name, which is a problem, and never another answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.checks.shape import suggestion
from generator.entries.load_yaml import read, unseen
from reference_impls.near_names import alike
from reference_impls.number_format import count

FOLDER = Path(".github/ISSUE_TEMPLATE")
LONGEST = 65_536
"""Characters that GitHub takes as the body of an issue."""
WHOLE = "The whole form"
NO_ANSWER = "_No response_"
LONGEST_ANSWER = {"input": 1_000, "textarea": 10_000}
"""Characters of an answer, by kind of field."""
SHOWN = 60
"""Characters of a value that a message quotes."""
_BOX = re.compile(r"[-*] \[(?P<tick>[ xX])\] (?P<option>.*)")


class NoForm(ValueError):
    """The text is of none of the forms; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One field of a form."""

    id: str
    """Its name in the form file."""
    kind: str
    """input, textarea, dropdown or checkboxes."""
    label: str
    """Its heading in the issue."""
    description: str
    required: bool
    multiple: bool
    """Whether a dropdown takes several options."""
    options: tuple[str, ...]
    ticked: tuple[str, ...]
    """The options that have to be ticked."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the repository."""

    name: str
    """Name of its file, without the ending."""
    questions: tuple[Question, ...]
    labels: tuple[str, ...]
    """The labels that GitHub sets on an issue made with it."""

    def question(self, name: str) -> Question:
        """The field of a name."""
        return next(one for one in self.questions if one.id == name)


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """What is wrong with one field of a form."""

    field: str
    """Its heading."""
    message: str
    """What is wrong, with the value."""
    fix: str

    def text(self) -> str:
        """``field: message. fix: fix``."""
        return f"{self.field}: {self.message}. fix: {self.fix}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a body says."""

    form: Form
    values: Mapping[str, str]
    """Field -> answer, for the fields that have one without a fault. Several options are on lines of their own."""
    faults: tuple[Fault, ...]


def read_forms(root: Path) -> tuple[Form, ...]:
    """The forms of the repository, by file name.

    Raises:
        ValueError: a form cannot be read.
    """
    files = (file for file in sorted((root / FOLDER).glob("*.yml")) if file.name != "config.yml")
    return tuple(_form(file) for file in files)


def _form(file: Path) -> Form:
    document, problems = read(file, f"{FOLDER.as_posix()}/{file.name}")
    if document is None:
        raise ValueError(min(problems).text())
    body = document.data["body"]
    questions = tuple(_question(part) for part in body if part["type"] != "markdown")
    return Form(file.stem, questions, tuple(document.data.get("labels", ())))


def _question(part: Mapping[str, Any]) -> Question:
    attributes = part["attributes"]
    options = attributes.get("options", ())
    named = tuple(one if isinstance(one, str) else one["label"] for one in options)
    return Question(
        part["id"],
        part["type"],
        attributes["label"],
        " ".join(attributes.get("description", "").split()),
        part.get("validations", {}).get("required") == "true",
        attributes.get("multiple") == "true",
        named,
        tuple(one["label"] for one in options if not isinstance(one, str) and one.get("required") == "true"),
    )


def pick(forms: Sequence[Form], labels: Sequence[str], body: str) -> Form:
    """The form that an issue was made with: the one of its labels, otherwise the one with the most of its headings.

    Raises:
        NoForm: it is none of them, or the labels are of several.
    """
    labelled = [form for form in forms if set(form.labels) & set(labels)]
    if len(labelled) == 1:
        return labelled[0]
    if labelled:
        named = ", ".join(label for form in labelled for label in form.labels)
        raise NoForm(f"the issue has the labels of several forms: {named}. fix: keep the one of its form")
    headings = {label for label, _ in _sections(body)}
    best = max(forms, key=lambda form: len(headings & {one.label for one in form.questions}))
    if not headings & {one.label for one in best.questions}:
        raise NoForm("the text has none of the headings of a form. fix: open a new issue with a form")
    return best


def answers(form: Form, body: str) -> Answers:
    """The answers of a body, and the fault of each field that has none that can be used."""
    if len(body) > LONGEST:
        fault = Fault(WHOLE, count(len(body), "character"), f"shorten it to {LONGEST:,}")
        return Answers(form, {}, (fault,))
    faults: list[Fault] = []
    given: dict[str, list[str]] = {one.label: [] for one in form.questions}
    above = WHOLE
    for label, text in _sections(body):
        if label in given:
            given[label].append(text)
            above = label
        elif label or text:
            faults.append(_unknown(label, text, above, given))
    cut = {fault.field for fault in faults}
    values: dict[str, str] = {}
    for question in form.questions:
        value, wrong = _answer(question, given[question.label])
        if wrong is not None:
            faults.append(wrong)
        elif value and question.label not in cut:
            values[question.id] = value
    return Answers(form, values, tuple(faults))


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text below it; the text before the first has none."""
    label, lines = "", list[str]()
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        heading = _heading(line)
        if heading is None:
            lines.append(line)
            continue
        yield label, "\n".join(lines).strip()
        label, lines = heading, []
    yield label, "\n".join(lines).strip()


def _heading(line: str) -> str | None:
    """The text of a line that Markdown reads as a heading of the third level; None for any other line."""
    text = line.lstrip(" ")
    if len(line) - len(text) > 3 or not text.startswith("###") or text[3:4] not in ("", " ", "\t"):
        return None
    words = text[3:].strip()
    closed = words.rstrip("#")
    return (closed.rstrip() if closed == "" or closed[-1:] in (" ", "\t") else words) or "###"


def _unknown(label: str, text: str, above: str, known: Mapping[str, object]) -> Fault:
    if not label:
        return Fault(WHOLE, f"text before the first heading: {shown(text)}", "delete it, or move it to a field")
    near = alike(label[:SHOWN], list(known))
    fix = f"did you mean ### {near[0]}? Otherwise delete" if near else "delete"
    return Fault(above, f"the form has no heading {shown(label)}", f"{fix} the ### at the start of that line")


def _answer(question: Question, texts: Sequence[str]) -> tuple[str, Fault | None]:
    """The answer, empty without one; and what is wrong with it."""

    def fault(message: str, fix: str) -> tuple[str, Fault]:
        return "", Fault(question.label, message, fix)

    if len(texts) > 1:
        return fault(f"{len(texts)} headings of this name", "keep one, and start no line of a text with ###")
    text = unicodedata.normalize("NFC", texts[0]) if texts else ""
    empty = text in ("", NO_ANSWER) or (question.kind == "dropdown" and text == "None")
    if question.kind == "checkboxes":
        return _boxes(question, "" if empty else text)
    if empty:
        if question.required:
            return fault("no answer" if texts else "the heading is missing", wanted(question))
        return "", None
    if (character := unseen(" ".join(text.split()))) is not None:
        return fault(f"the character {character}, which a reader cannot see", "delete it and type the text again")
    if "<!--" in text:
        return fault("an HTML comment, which the page of the issue does not show", "delete it")
    if question.kind == "dropdown":
        chosen = text.split(", ") if question.multiple else [text]
        for one in chosen:
            if one not in question.options:
                return fault(f"{shown(one)} is no option", suggestion(one[:LONGEST], question.options))
        return "\n".join(dict.fromkeys(chosen)), None
    if question.kind == "input" and "\n" in text:
        return fault(f"{count(text.count(chr(10)) + 1, 'line')}, beginning with {shown(text)}", "write one line")
    if len(text) > LONGEST_ANSWER[question.kind]:
        return fault(count(len(text), "character"), f"shorten it to {LONGEST_ANSWER[question.kind]:,}")
    return text, None


def _boxes(question: Question, text: str) -> tuple[str, Fault | None]:
    lines = [_BOX.fullmatch(line.strip()) for line in text.split("\n") if line.strip()]
    if not all(line is not None and line["option"].strip() in question.options for line in lines):
        fix = f"keep the lines of the form: - [x] {question.options[0]}"
        return "", Fault(question.label, "other text than the boxes of the form", fix)
    ticked = [line["option"].strip() for line in lines if line is not None and line["tick"] != " "]
    for option in question.ticked:
        if option not in ticked:
            return "", Fault(question.label, f"the box {option!r} is not ticked", "tick it, if you agree")
    return "\n".join(ticked), None


def wanted(question: Question) -> str:
    """What to write into a field, from the form."""
    if question.options:
        return f"use one of {', '.join(question.options)}"
    return question.description.rstrip(".") or f"write the {question.label.lower()}"


def shown(text: str) -> str:
    """A value in a message: quoted, on one line, truncated."""
    line = " ".join(text.split())
    return repr(line if len(line) <= SHOWN else f"{line[:SHOWN]}…")

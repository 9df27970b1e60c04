"""What a check reports: one problem with its place, code and fix; and what is published of each code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from generator.escape import github_message, github_property

Severity = Literal["error", "note"]
FORMATS = ("text", "github", "json")


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong at one place of one file. Sorts by path, line, column, code."""

    path: str
    """File, relative to the repository, with forward slashes."""
    line: int
    """Line, from 1."""
    column: int
    """Column in characters, from 1."""
    code: str
    """Stable code such as ``E110``; the contribute page has an anchor of the same name."""
    message: str
    """What is wrong, with the value."""
    fix: str
    """What to write instead."""
    severity: Severity = "error"
    """An error fails the run; a note does not."""

    def text(self) -> str:
        """``path:line:column: error[CODE]: message. fix: fix``."""
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {self.severity}[{self.code}]: {self.message}. fix: {self.fix}"

    def github(self) -> str:
        """A workflow command that GitHub shows beside the line in the pull request."""
        command = "error" if self.severity == "error" else "notice"
        properties = f"file={github_property(self.path)},line={self.line},col={self.column},title={self.code}"
        return f"::{command} {properties}::{github_message(f'{self.message}. fix: {self.fix}')}"


@dataclass(frozen=True, slots=True)
class Code:
    """One published code.

    The examples are fragments of an entry; the tests put them into a valid one and expect exactly this
    code from the bad one and nothing from the good one. The contribute page shows them.
    """

    code: str
    """Such as ``E110``; never reused for another rule."""
    summary: str
    """The rule, as one sentence."""
    bad: str = ""
    """A fragment that breaks the rule."""
    good: str = ""
    """The same fragment, corrected."""
    severity: Severity = "error"
    """A note does not fail the run."""
    wrong: str = ""
    """In place of ``bad``, where a rule is about files, several entries or an answer: what breaks it, in words."""
    right: str = ""
    """In place of ``good``: what to do about it."""
    kind: str = "papers"
    """Which kind of entry the fragments belong to."""


def render(problems: Iterable[Problem], form: str) -> str:
    """All problems, sorted, as lines of text, workflow commands, or one JSON document.

    Raises:
        ValueError: ``form`` is none of ``FORMATS``.
    """
    ordered = sorted(problems)
    if form == "json":
        return json.dumps([asdict(problem) for problem in ordered], ensure_ascii=False, indent=1)
    if form == "github":
        return "\n".join(problem.github() for problem in ordered)
    if form == "text":
        return "\n".join(problem.text() for problem in ordered)
    raise ValueError(f"format {form!r} is not one of {', '.join(FORMATS)}")

"""The command `from-issue`: write the entry or the correction that an issue's form asks for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import typer

from generator.checks.drafts import read_taxonomy
from generator.commands.output import Failed, say
from generator.contribute.form import NoForm
from generator.contribute.from_issue import read_issue
from generator.entries.problem import Problem, render
from generator.escape import terminal
from generator.write import write_file
from reference_impls.number_format import count

BODY = "ISSUE_BODY"
LABELS = "ISSUE_LABELS"


def from_issue(root: Path) -> None:
    """Read the form, then write one file, or list what is wrong with its fields and write nothing.

    The text comes from the environment only, where no shell interprets it.

    Args:
        root: of the repository.

    Raises:
        Failed: a field of the form has to be corrected, or the taxonomy has errors.
        typer.BadParameter: the environment has no text of an issue.
    """
    body = os.environ.get(BODY)
    if body is None:
        raise typer.BadParameter("the text of the issue is missing: set it in the environment", param_hint=BODY)
    problems: list[Problem] = []
    taxonomy, _ = read_taxonomy(root / "data", problems)
    if taxonomy is None:
        say(terminal(render(problems, "text")), error=True)
        raise Failed
    try:
        reading = read_issue(body, _labels(), root=root, taxonomy=taxonomy, today=datetime.now(tz=UTC).date())
    except NoForm as error:
        say(terminal(str(error)))
        raise Failed from error
    if reading.change is None:
        say(f"{count(len(reading.faults), 'problem')} in the form:")
        for fault in reading.faults:
            say(terminal(fault.text()).replace("\n", " "))
        raise Failed
    write_file(root / reading.change.path, reading.change.content)
    say(f"wrote {reading.change.path}")
    for note in reading.change.notes:
        say(terminal(note))


def _labels() -> list[str]:
    """The labels of the issue, if they are given.

    Raises:
        typer.BadParameter: they are not a JSON list of texts.
    """
    try:
        labels = json.loads(os.environ.get(LABELS) or "[]")
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise typer.BadParameter('not a JSON list of labels, such as ["entry"]', param_hint=LABELS)
    return labels

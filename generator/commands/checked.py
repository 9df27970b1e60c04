"""The checked catalogue, for commands that use it."""

from __future__ import annotations

from pathlib import Path

from generator.checks.validate import validate
from generator.commands.output import Failed, say
from generator.entries.model import Catalogue
from generator.entries.problem import render
from generator.escape import terminal


def checked(root: Path) -> Catalogue:
    """The catalogue of a repository.

    Raises:
        Failed: an entry has errors; they are printed.
    """
    outcome = validate(root / "data")
    if outcome.catalogue is None:
        errors = [problem for problem in outcome.problems if problem.severity == "error"]
        say(terminal(render(errors, "text")), error=True)
        raise Failed
    return outcome.catalogue

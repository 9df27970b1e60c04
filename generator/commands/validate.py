"""The command `validate`: check all entries and print every problem."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from generator.checks.validate import validate as run_checks
from generator.commands.output import Failed, say
from generator.entries.problem import FORMATS, render
from generator.escape import terminal
from reference_impls.number_format import count


def validate(paths: Sequence[Path], output: str, notes: bool, root: Path) -> None:
    """Check the whole catalogue and print the problems.

    Args:
        paths: files or folders whose problems are printed; all problems if empty.
        output: one of ``FORMATS``.
        notes: whether notes are printed as well.
        root: of the repository.

    Raises:
        Failed: one of the printed problems is an error.
        typer.BadParameter: the format or a path is unknown.
    """
    if output not in FORMATS:
        raise typer.BadParameter(f"unknown format {output!r}; use one of {', '.join(FORMATS)}", param_hint="--format")
    wanted = [_inside(root, path) for path in paths]
    outcome = run_checks(root / "data")
    problems = [
        problem
        for problem in outcome.problems
        if (notes or problem.severity == "error")
        and (not wanted or any(problem.path == path or problem.path.startswith(f"{path}/") for path in wanted))
    ]
    if output == "json" or problems:
        say(render(problems, output) if output != "text" else terminal(render(problems, output)))
    errors = sum(problem.severity == "error" for problem in problems)
    if output == "text":
        entries = count(outcome.entries, "entry", "entries")
        notes_found = count(len(problems) - errors, "note")
        say(f"{entries}, {count(errors, 'error')}, {notes_found}", error=True)
    if errors:
        raise Failed


def _inside(root: Path, path: Path) -> str:
    """The path as in problems.

    Raises:
        typer.BadParameter: it does not exist or is outside the repository.
    """
    full = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow a link out of the repository
    base = Path(os.path.abspath(root))  # noqa: PTH100
    if not full.exists():
        raise typer.BadParameter(f"{path} does not exist", param_hint="PATH")
    if not full.is_relative_to(base):
        raise typer.BadParameter(f"{path} is outside the repository {base}", param_hint="PATH")
    return full.relative_to(base).as_posix()

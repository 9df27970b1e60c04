"""The command `changes`: which entries differ between two commits."""

from __future__ import annotations

from pathlib import Path

import typer

from generator.commands.output import say
from generator.escape import terminal
from generator.outputs.changes import FORMATS, RevisionError, render
from generator.outputs.changes import changes as compare


def changes(old: str, new: str, output: str, root: Path) -> None:
    """Print which entries were added, changed, renamed or removed between two commits or tags.

    Raises:
        typer.BadParameter: the format or a commit is unknown.
    """
    if output not in FORMATS:
        raise typer.BadParameter(f"unknown format {output!r}; use one of {', '.join(FORMATS)}", param_hint="--format")
    try:
        report = render(compare(root, old, new), output)
    except RevisionError as error:
        raise typer.BadParameter(terminal(str(error)), param_hint="OLD NEW") from error
    say(report if output == "json" else terminal(report))

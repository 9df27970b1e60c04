"""The command `digest`: write what changed in a finished month."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from generator.checks.digests import MONTH, as_json, digest_path
from generator.commands.output import say
from generator.escape import terminal
from generator.outputs.changes import RevisionError
from generator.outputs.digests import days_of, make_digest
from generator.write import write_file


def digest(month: str, root: Path) -> None:
    """Write the digest of a month (YYYY-MM) to data/digests/; nothing for a month without changes.

    Raises:
        typer.BadParameter: the month is not one, not over, or not in the history of the repository.
    """
    if MONTH.fullmatch(month) is None:
        raise typer.BadParameter(f"{terminal(month)!r} is not a month; write it as 2026-11", param_hint="MONTH")
    _, last = days_of(month)
    if last >= datetime.now(tz=UTC).date():
        message = f"{month} is not over; until then, the site shows the entries that were added in it"
        raise typer.BadParameter(message, param_hint="MONTH")
    try:
        made = make_digest(root, month)
    except RevisionError as error:
        raise typer.BadParameter(terminal(str(error)), param_hint="MONTH") from error
    if made is None:
        say(f"nothing was added, changed or removed in {month}; no file is written")
        return
    write_file(digest_path(root, month), as_json(made))
    numbers = f"{len(made.added)} added, {len(made.changed)} changed, {len(made.removed)} removed"
    say(f"wrote data/digests/{month}.json: {numbers}")

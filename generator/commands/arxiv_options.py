"""What the commands that use arXiv share: ids as people type them, and the connection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from generator.arxiv.fetch import ENDPOINT, Arxiv
from generator.checks.arxiv_id import bare_id, id_fault
from generator.commands.output import say
from generator.escape import terminal
from generator.site_config import load_config


def arxiv_id(text: str) -> str:
    """The bare id in what a person typed.

    Raises:
        typer.BadParameter: there is none.
    """
    bare = bare_id(text)
    if bare is None:
        raise typer.BadParameter(
            f"{text!r} is neither an arXiv id nor an arXiv address; give one such as 2305.10924", param_hint="ARXIV_ID"
        )
    # An id is of the month of its announcement; a day more, for the time zones before ours.
    if fault := id_fault(bare, (datetime.now(tz=UTC) + timedelta(days=1)).strftime("%Y-%m")):
        raise typer.BadParameter("; ".join(fault), param_hint="ARXIV_ID")
    return bare


def arxiv(root: Path, endpoint: str | None) -> Arxiv:
    """The API at its own address or at another one; each pause is printed.

    Raises:
        typer.BadParameter: the address is not valid for the API.
    """

    def waiting(why: str, seconds: float) -> None:
        say(terminal(f"waiting {seconds:.0f} s: {why}"), error=True)

    try:
        return Arxiv(load_config(root).repo_url, endpoint=endpoint or ENDPOINT, on_wait=waiting)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint") from error

"""The command `links`: visit every link of the catalogue."""

from __future__ import annotations

from pathlib import Path

from generator.checks.drafts import addresses
from generator.commands.output import say
from generator.contribute.check_links import Link, State, check_links, read_state, write_state
from generator.site_config import load_config
from generator.write import write_file


def links(state: Path | None, report: Path | None, root: Path) -> None:
    """Visit every link, slowly, and report which pages are gone or have moved.

    Args:
        state: file that keeps the state between runs.
        report: file for the report, which is printed if None.
        root: of the repository.
    """
    former = read_state(state) if state else State()
    outcome = check_links(
        [Link(*where) for where in addresses(root / "data")], former, contact=load_config(root).repo_url
    )
    if state:
        write_state(state, outcome.state)
    if report:
        write_file(report, outcome.markdown().encode())
    else:
        say(outcome.markdown())

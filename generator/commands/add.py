"""The command `add`: start an entry."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import typer

from generator.arxiv import records as arxiv_records
from generator.arxiv.fetch import FetchError
from generator.checks.drafts import read_taxonomy
from generator.commands.arxiv_options import arxiv, arxiv_id
from generator.commands.output import Failed, say
from generator.contribute.new_entry import AlreadyThere, new_entry
from generator.entries.model import ArxivRecord
from generator.entries.problem import Problem, render
from generator.escape import terminal
from generator.write import write_file


def add(paper: str, offline: bool, title: str | None, endpoint: str | None, root: Path) -> None:
    """Fetch the record, write what is known, name what is left.

    Args:
        paper: arXiv id or address.
        offline: do not ask arXiv.
        title: of the paper, where arXiv is not asked.
        endpoint: another address of the API.
        root: of the repository.

    Raises:
        Failed: arXiv gave no record, the taxonomy has errors, or the paper has an entry.
        typer.BadParameter: an argument cannot be.
    """
    bare = arxiv_id(paper)
    if offline and not title:
        raise typer.BadParameter("--offline needs --title", param_hint="--title")
    data, today = root / "data", datetime.now(tz=UTC).date()
    problems: list[Problem] = []
    taxonomy, _ = read_taxonomy(data, problems)
    if taxonomy is None:
        say(terminal(render(problems, "text")), error=True)
        raise Failed
    try:
        record = None if offline else _fetched(bare, endpoint, root, today)
        known = record.title if record else title or ""
        entry = new_entry(bare, known, record, data=data, taxonomy=taxonomy, today=today)
    except FetchError as error:
        say(terminal(f"error[{error.code}]: {error}. fix: {error.fix}"), error=True)
        say(f'without the API: python -m generator add {bare} --offline --title "…"', error=True)
        raise Failed from error
    except AlreadyThere as error:
        say(terminal(f"{error}. fix: correct that entry instead"), error=True)
        raise Failed from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--title") from error
    if record is not None:
        arxiv_records.write(data / "arxiv", record)
    write_file(root / entry.path, entry.content)
    say(f"wrote {entry.path}")
    say("left to fill in:")
    for field in entry.left:
        say(f"  {field}")
    say(f"then: python -m generator validate {entry.path}")


def _fetched(bare: str, endpoint: str | None, root: Path, today: date) -> ArxivRecord:
    """The record of one paper; raises FetchError where arXiv gives none."""
    batch = next(arxiv(root, endpoint).fetch([bare], today))
    if batch.faults:
        raise batch.faults[0]
    return batch.records[0]

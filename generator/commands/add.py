"""The command `add`: start the entry of a paper or a model."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import typer

from generator.arxiv import records as arxiv_records
from generator.arxiv.fetch import FetchError
from generator.checks.drafts import read_taxonomy
from generator.commands.arxiv_options import arxiv, arxiv_id
from generator.commands.output import Failed, say
from generator.contribute.new_entry import AlreadyThere, NewEntry, new_entry, new_model
from generator.entries.model import ArxivRecord, Taxonomy
from generator.entries.problem import Problem, render
from generator.escape import terminal
from generator.write import write_file


def add_paper(paper: str, offline: bool, title: str | None, endpoint: str | None, root: Path) -> None:
    """Fetch the record, write the known fields, list the fields to fill in.

    Args:
        paper: arXiv id or address.
        offline: do not ask arXiv.
        title: of the paper, if arXiv is not asked.
        endpoint: another address of the API.
        root: of the repository.

    Raises:
        Failed: arXiv gave no record, the taxonomy has errors, or the paper has an entry.
        typer.BadParameter: an argument is not valid.
    """
    bare = arxiv_id(paper)
    if offline and not title:
        raise typer.BadParameter("--offline requires --title: the title of the paper", param_hint="--title")
    data, today = root / "data", datetime.now(tz=UTC).date()
    taxonomy = _taxonomy(data)
    try:
        record = None if offline else _fetched(bare, endpoint, root, today)
        known = record.title if record else title or ""
        entry = new_entry(bare, known, record, data=data, taxonomy=taxonomy, today=today)
    except FetchError as error:
        say(terminal(f"error[{error.code}]: {error}. fix: {error.fix}"), error=True)
        say(f'without arXiv: python -m generator add {bare} --offline --title "…"', error=True)
        raise Failed from error
    except AlreadyThere as error:
        say(terminal(f"{error}. fix: edit that entry instead"), error=True)
        raise Failed from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--title") from error
    if record is not None:
        arxiv_records.write(data / "arxiv", record)
    _write(root, entry)
    if record is not None and record.withdrawn:
        say(terminal(f"arXiv says that {bare} is withdrawn: {record.withdrawn!r}"))
        say("if the paper is worth an entry all the same, add the line status: withdrawn")


def add_model(name: str, root: Path) -> None:
    """Write the start of a model's entry, list the fields to fill in.

    Args:
        name: of the model.
        root: of the repository.

    Raises:
        Failed: the taxonomy has errors, or a model has this name.
        typer.BadParameter: no file name can be made of the name.
    """
    data = root / "data"
    taxonomy = _taxonomy(data)
    try:
        entry = new_model(name, data=data, taxonomy=taxonomy, today=datetime.now(tz=UTC).date())
    except AlreadyThere as error:
        say(terminal(f"{error}. fix: use that model in the entry instead"), error=True)
        raise Failed from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--model") from error
    _write(root, entry)


def _taxonomy(data: Path) -> Taxonomy:
    problems: list[Problem] = []
    taxonomy, _ = read_taxonomy(data, problems)
    if taxonomy is None:
        say(terminal(render(problems, "text")), error=True)
        raise Failed
    return taxonomy


def _write(root: Path, entry: NewEntry) -> None:
    write_file(root / entry.path, entry.content)
    say(f"wrote {entry.path}")
    say("fill in:")
    for field in entry.left:
        say(f"  {field}")
    say(f"then run: python -m generator validate {entry.path}")


def _fetched(bare: str, endpoint: str | None, root: Path, today: date) -> ArxivRecord:
    """The record of one paper; raises FetchError if arXiv has none."""
    batch = next(arxiv(root, endpoint).fetch([bare], today))
    if batch.faults:
        raise batch.faults[0]
    return batch.records[0]

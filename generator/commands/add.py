"""The command `add`: start the entry of a paper, a tool, an article or a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import typer

from generator.arxiv import records as arxiv_records
from generator.arxiv.fetch import FetchError
from generator.checks.drafts import read_taxonomy
from generator.commands.arxiv_options import arxiv, arxiv_id
from generator.commands.output import Failed, say
from generator.contribute.new_entry import (
    AlreadyThere,
    NewEntry,
    find_paper,
    known_entries,
    name_of,
    new_entry,
    new_model,
    new_page,
    turned_down,
)
from generator.entries.model import ArxivRecord, Taxonomy
from generator.entries.plain_text import plain
from generator.entries.problem import Problem, render
from generator.escape import terminal
from generator.write import write_file

NAMES_OF_KINDS = {"tool": "tools", "article": "articles", "model": "models"}
"""The kinds of entries that begin with an address, and their folders."""


def add_paper(paper: str, offline: bool, title: str | None, endpoint: str | None, root: Path) -> None:
    """Look for the entry; fetch the record, write the known fields, list the fields to fill in.

    Args:
        paper: arXiv id or address.
        offline: do not ask arXiv.
        title: of the paper; needed if arXiv is not asked.
        endpoint: another address of the API.
        root: of the repository.

    Raises:
        Failed: arXiv gave no record, the taxonomy has errors, or the paper has an entry or was turned down.
        typer.BadParameter: an argument is not valid.
    """
    bare = arxiv_id(paper)
    data, today = root / "data", datetime.now(tz=UTC).date()
    with _refused("--title", "edit that entry instead"):
        entries = known_entries(data)
        find_paper(entries, bare)
        if reason := turned_down(data, bare):
            fix = "if it belongs here now, delete it from that file, and say why in the pull request"
            say(terminal(f"{bare} was turned down: {reason} fix: {fix}"), error=True)
            raise Failed
        if offline and not title:
            raise typer.BadParameter("--offline requires --title: the title of the paper", param_hint="--title")
        taxonomy = _taxonomy(data)
        record = None if offline else _fetched(bare, endpoint, root, today)
        known = title or (record.title if record else "")
        entry = new_entry(bare, known, record, data=data, taxonomy=taxonomy, today=today, known=entries)
    if record is not None:
        arxiv_records.write(data / "arxiv", record)
        if plain(known) != plain(record.title):
            say(terminal(f"the title on arXiv is {record.title!r}; it is in aliases"), error=True)
    _write(root, entry)
    if record is not None and record.withdrawn:
        say(terminal(f"arXiv says that {bare} is withdrawn: {record.withdrawn!r}"))
        say("if the paper is worth an entry all the same, add the line status: withdrawn")


def add_model(name: str, root: Path, source: str | None = None) -> None:
    """Write the start of a model's entry, list the fields to fill in.

    Args:
        name: of the model.
        root: of the repository.
        source: a page with facts about it.

    Raises:
        Failed: the taxonomy has errors, or a model has this name.
        typer.BadParameter: no file name can be made of the name.
    """
    data = root / "data"
    taxonomy = _taxonomy(data)
    with _refused("--model", "use that model in the entry instead"):
        entry = new_model(name, data=data, taxonomy=taxonomy, today=datetime.now(tz=UTC).date(), source=source)
    _write(root, entry)


def add_by_kind(kind: str, url: str | None, title: str | None, root: Path) -> None:
    """Write the start of the entry of a tool, an article or a model from its address.

    Args:
        kind: one of ``NAMES_OF_KINDS``.
        url: address of its page.
        title: its name or title; without it, the address gives the name of a tool or model.
        root: of the repository.

    Raises:
        Failed: the taxonomy has errors, or there is an entry.
        typer.BadParameter: an argument is missing or not valid.
    """
    folder = NAMES_OF_KINDS.get(kind.lower())
    if folder is None:
        allowed = ", ".join(NAMES_OF_KINDS)
        raise typer.BadParameter(f"unknown kind {kind!r}; use one of {allowed}, or give an arXiv id", param_hint="KIND")
    if not url:
        raise typer.BadParameter(f"the address of the {kind} is missing: URL=https://…", param_hint="URL")
    if folder == "models":
        add_model(title or name_of(url), root, url.strip().strip("<>"))
        return
    data = root / "data"
    taxonomy = _taxonomy(data)
    with _refused("URL", "edit that entry instead"):
        today = datetime.now(tz=UTC).date()
        entry = new_page(folder, url, title, data=data, taxonomy=taxonomy, today=today)
    _write(root, entry)


@contextmanager
def _refused(option: str, instead: str) -> Iterator[None]:
    """End with a message where an entry cannot be started: there is one already, or the option's value is wrong."""
    try:
        yield
    except AlreadyThere as error:
        say(terminal(f"{error}. fix: {instead}"), error=True)
        raise Failed from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


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
    say(f"then run: make check-entry FILE={entry.path}")


def _fetched(bare: str, endpoint: str | None, root: Path, today: date) -> ArxivRecord:
    """The record of one paper.

    Raises:
        Failed: arXiv has none; the message says why, and how to go on without arXiv.
    """
    try:
        batch = next(arxiv(root, endpoint).fetch([bare], today))
        if batch.faults:
            raise batch.faults[0]
    except FetchError as error:
        say(terminal(f"error[{error.code}]: {error}. fix: {error.fix}"), error=True)
        say(f'without arXiv: make add ID={bare} TITLE="title of the paper"', error=True)
        raise Failed from error
    return batch.records[0]

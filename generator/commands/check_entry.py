"""The command `check-entry`: format one entry, and report its problems and the fields to fill in."""

from __future__ import annotations

from pathlib import Path

import typer

from generator.checks.drafts import entry_files, read_taxonomy
from generator.checks.validate import validate
from generator.commands.output import Failed, say
from generator.contribute.new_entry import open_fields
from generator.entries.format_yaml import NotFormattable, format_entry
from generator.entries.load_yaml import read
from generator.entries.problem import render
from generator.escape import terminal
from generator.write import write_file


def check_entry(file: Path, root: Path) -> None:
    """Bring one entry into canonical form; print its problems, and nothing about others.

    Args:
        file: of the entry.
        root: of the repository.

    Raises:
        Failed: the entry has an error, such as a field to fill in.
        typer.BadParameter: the file is not an entry.
    """
    kinds = {known.resolve(): kind for kind, known in entry_files(root / "data") if not known.is_symlink()}
    kind = kinds.get(file.resolve())
    if kind is None:
        raise typer.BadParameter(
            f"{file} is not an entry; give a file such as data/papers/2023/diff-pruning.yaml", param_hint="FILE"
        )
    name = f"data/{file.resolve().relative_to((root / 'data').resolve()).as_posix()}"
    _format(file, kind, name)
    outcome = validate(root / "data")
    document, _ = read(file, name)
    taxonomy, _ = read_taxonomy(root / "data", [])
    wanted = open_fields(kind, taxonomy) if taxonomy else {}
    data = document.data if document else {}
    left = [f"{field}: {what}" for field, what in wanted.items() if data.get(field, _NONE) in ("", [])]
    # A duplicate is reported at the later of two files, and names the other one.
    of_file = [one for one in outcome.problems if one.path == terminal(name) or f"{name}:" in one.message]
    shown = [one for one in of_file if one.code != "E210" or not _is_open(one.message, wanted)]
    if shown:
        say(terminal(render(shown, "text")))
    if left:
        say(f"{name}: fill in")
        for line in left:
            say(f"  {line}")
    if left or any(problem.severity == "error" for problem in of_file):
        raise Failed
    say(f"{name}: no error; commit it and open a pull request")


_NONE = object()


def _is_open(message: str, wanted: dict[str, str]) -> bool:
    return any(message == f"{field} is required and empty" for field in wanted)


def _format(file: Path, kind: str, name: str) -> None:
    raw = file.read_bytes()
    try:
        canonical = format_entry(raw, kind, name)
    except NotFormattable:
        return  # the checks report why
    if canonical != raw:
        write_file(file, canonical)
        say(f"formatted {name}")

"""The commands `validate`, which prints every problem, and `check-entry`, which formats and checks one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from generator.checks.drafts import entry_files, read_taxonomy
from generator.checks.validate import validate as run_checks
from generator.commands.output import Failed, say
from generator.contribute.open_fields import Open, open_fields, states_open
from generator.entries.format_yaml import NotFormattable, format_entry
from generator.entries.load_yaml import read
from generator.entries.problem import FORMATS, render
from generator.escape import terminal
from generator.write import write_file
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
    outcome = run_checks(root / "data")
    document, _ = read(file, name)
    taxonomy, _ = read_taxonomy(root / "data", [])
    left = open_fields(kind, document.data, taxonomy) if document and taxonomy else Open({}, {})
    of_file = outcome.about(terminal(name))
    shown = [one for one in of_file if not states_open(one, left)]
    if shown:
        say(terminal(render(shown, "text")))
    if left.required:
        _list(f"{name}: fill in", left.required)
    if left.required or any(problem.severity == "error" for problem in of_file):
        raise Failed
    if left.optional:
        _list(f"{name}: where the source states it, add", left.optional)
    say(f"{name}: no error; commit it and open a pull request")


def _list(heading: str, fields: Mapping[str, str]) -> None:
    say(heading)
    for field, what in fields.items():
        say(f"  {field}: {what}")


def _format(file: Path, kind: str, name: str) -> None:
    raw = file.read_bytes()
    try:
        canonical = format_entry(raw, kind, name)
    except NotFormattable:
        return  # the checks report why
    if canonical != raw:
        write_file(file, canonical)
        say(f"formatted {name}")

"""The commands `list` and `show`: what the methods are, and what they measured on the testbed."""

from __future__ import annotations

import json
from pathlib import Path

from rich.syntax import Syntax

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use
from reference_impls.methods.registry import method_of
from reference_impls.study.records import TableRow

PACKAGE = Path(__file__).parents[1]


def list_methods() -> None:
    """Print the methods that run here."""
    terminal.console.print(terminal.methods())


def show(name: str) -> None:
    """Print one method: what it does, its source and its measured rows.

    Raises:
        WrongUse: there is no method of that name.
    """
    with wrong_use():
        method = method_of(name)
    source = (PACKAGE / "methods" / f"{method.file}.py").read_text(encoding="utf-8")
    terminal.say(f"{name}: {method.summary}")
    terminal.say(f"kind {method.kind}, needs {method.needs}, paper {method.paper or 'none'}\n")
    terminal.console.print(Syntax(source, "python", background_color="default", word_wrap=True))
    results = PACKAGE / "results" / "testbed.json"
    if results.is_file():
        rows = [TableRow(**row) for row in json.loads(results.read_text(encoding="utf-8"))["rows"]]
        for table in terminal.rows([row for row in rows if row.method in (None, name)], of_one_method=True):
            terminal.console.print(table)
        terminal.say(terminal.ROWS_MEAN)

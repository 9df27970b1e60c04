"""The commands `list` and `show`: the methods, and their results on the testbed."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from rich.syntax import Syntax

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use
from reference_impls.methods.registry import KIND_NAMES, NEEDS_NAMES, method_of
from reference_impls.study.records import TableRow

PACKAGE = Path(__file__).parents[1]


def list_methods() -> None:
    """Print the reference implementations."""
    terminal.console.print(terminal.methods())


def show(name: str) -> None:
    """Print one method: its paper, what it does, its results and its source.

    Raises:
        WrongUse: there is no method of that name.
    """
    with wrong_use():
        method = method_of(name)
    source = (PACKAGE / "methods" / f"{method.file}.py").read_text(encoding="utf-8")
    terminal.say(f"{name}: {method.summary}")
    terminal.say(f"{KIND_NAMES[method.kind]}. Data requirement: {NEEDS_NAMES[method.needs]}.")
    terminal.say(f"{citation(source)} Catalogue entry: {method.paper}." if method.paper else "A baseline, no paper.")
    terminal.say("")
    results = PACKAGE / "results" / "testbed.json"
    if results.is_file():
        rows = [TableRow(**row) for row in json.loads(results.read_text(encoding="utf-8"))["rows"]]
        for table in terminal.rows([row for row in rows if row.method in (None, name)], of_one_method=True):
            terminal.console.print(table)
        terminal.say(f"{terminal.ROWS_MEAN}\n")
    terminal.console.print(Syntax(source, "python", background_color="default", word_wrap=True))


def citation(source: str) -> str:
    """Authors, year, arXiv number and place in the paper, from the first line of a method's file."""
    title = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return title.partition("  ")[2]

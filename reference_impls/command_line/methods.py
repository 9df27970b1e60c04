"""The commands `list` and `show`: the methods, how they differ from their papers, and their results on the testbed."""

from __future__ import annotations

import json
from pathlib import Path

from rich.syntax import Syntax

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use
from reference_impls.methods.described import Described, describe
from reference_impls.methods.differences import COMPARISONS
from reference_impls.methods.matrix import read_cases, runs_of
from reference_impls.methods.registry import KIND_NAMES, METHODS, NEEDS_NAMES
from reference_impls.study.paper_rules import consequence, read_rows
from reference_impls.study.records import TableRow

RESULTS = Path(__file__).parents[1] / "results" / "testbed.json"


def list_methods() -> None:
    """Print the reference implementations."""
    terminal.console.print(terminal.methods())


def show(name: str, source: bool) -> None:
    """Print one method: what it does, its paper, how it differs from it, an example, its results, its source if asked.

    Raises:
        WrongUse: there is no method of that name.
    """
    with wrong_use():
        described = describe(name)
    method = described.method
    terminal.say(f"{name}: {method.summary}")
    terminal.say(f"{KIND_NAMES[method.kind]}. Data requirement: {NEEDS_NAMES[method.needs]}.")
    terminal.say(f"{described.citation} Catalogue entry: {method.paper}." if method.paper else "A baseline, no paper.")
    terminal.say_under("Formula", described.sections["Maths"].replace("``", ""))
    if method.paper:
        _compare(described)
    terminal.say_command("Example", described.command)
    _say_where_it_runs(name)
    terminal.say("")
    if RESULTS.is_file():
        rows = [TableRow(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]]
        for table in terminal.rows([row for row in rows if row.method in (None, name)], of_one_method=True):
            terminal.console.print(table)
        terminal.say(f"{terminal.ROWS_MEAN}\n")
    terminal.say_where(described.file, "its source, printed with --source")
    if source:
        terminal.console.print(Syntax(described.source, "python", background_color="default", word_wrap=True))


def _say_where_it_runs(name: str) -> None:
    """Print on how many configurations of diffusers classes a method was tried, with what, and where it is refused."""
    runs = runs_of(case for case in read_cases() if case.method == name)
    if runs.configurations:
        worked = f"{len(runs.works)} of {runs.configurations} configurations of diffusers classes"
        terminal.say_under("Where it runs", f"On {worked}, tried on tiny models with random weights.")
        if METHODS[name].needs != "nothing":
            terminal.say(f"On {runs.recorded} of them, its forward passes were recorded from their pipelines.")
            for how, names in runs.given:
                terminal.say(f"On {', '.join(names)}, they were {how}.")
        for reason, names in runs.refused:
            terminal.say(f"Refused on {', '.join(names)}: {reason}.")


def _compare(described: Described) -> None:
    """Print what is the same as in the paper, and each difference with what it changes."""
    compared, rows = COMPARISONS[described.name], read_rows()
    terminal.say_under(f"Paper's rule: {compared.paper}", f"The same: {compared.same}")
    for one in compared.differs:
        terminal.say_difference(
            one.what,
            [consequence(row) for row in rows if row.key == one.measured]
            if one.measured
            else [f"Not measured: {one.why_not_measured}."],
        )

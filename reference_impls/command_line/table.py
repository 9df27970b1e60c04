"""The command `table`: run every method on the testbed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import as_typed, wrong_use
from reference_impls.files.journal import OtherRun
from reference_impls.files.outputs import check_file
from reference_impls.methods.registry import method_of
from reference_impls.near_names import unknown
from reference_impls.study.records import TableRow
from reference_impls.study.table import FULL, QUICK, RESULTS, Again, run


def table(quick: bool, only: str | None, model: str | None, why: str | None, out: Path | None, workers: int) -> None:
    """Run the full or the quick plan, or a part again, write the rows and print them; see the options of the command.

    Raises:
        WrongUse: the part cannot be, the file cannot be written, or it or one beside it is of another run.
    """
    with wrong_use():
        again = _part(quick, only, model, why)
    if out is not None:
        with wrong_use():
            check_file(out)
    with wrong_use((OtherRun,)), tempfile.TemporaryDirectory() as scratch, terminal.bar() as show:
        where = out or (Path(scratch) / "quick.json" if quick else RESULTS)
        record = run(QUICK if quick else FULL, where, as_typed(), again=again, workers=workers, show=show)
    rows = [row for row in record["rows"] if again is None or again.holds(row)]
    for shown in terminal.rows([TableRow(**row) for row in rows]):
        terminal.console.print(shown)
    terminal.say(terminal.ROWS_MEAN)


def _part(quick: bool, only: str | None, model: str | None, why: str | None) -> Again | None:
    """The rows that are measured again; None: all.

    Raises:
        ValueError: a method or the model is unknown, the reason is missing, or there is nothing that it is for.
    """
    if only is None:
        if model is not None or why is not None:
            raise ValueError("--model and --why go with --only; name the methods that are measured again")
        return None
    if quick:
        raise ValueError("--only measures rows of the full table again; leave --quick out")
    if not why:
        raise ValueError('--only needs --why "…": the site says after «because» why rows were measured again')
    methods = tuple(only.split(","))
    for name in methods:
        method_of(name)
    if model is not None and model not in FULL.budgets:
        raise ValueError(unknown("model", model, FULL.budgets))
    return Again(methods, tuple(FULL.budgets) if model is None else (model,), why)

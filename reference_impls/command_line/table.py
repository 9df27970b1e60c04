"""The command `table`: run every method on the testbed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import as_typed, wrong_use
from reference_impls.files.journal import OtherRun
from reference_impls.files.outputs import check_file
from reference_impls.study.records import TableRow
from reference_impls.study.table import FULL, QUICK, RESULTS, run


def table(quick: bool, out: Path | None, workers: int) -> None:
    """Run the full or the quick plan, write its rows and print them; see the options of the command.

    Raises:
        WrongUse: the file cannot be written, or there is a file of another run beside it.
    """
    if out is not None:
        with wrong_use():
            check_file(out)
    with wrong_use((OtherRun,)), tempfile.TemporaryDirectory() as scratch, terminal.bar() as show:
        where = out or (Path(scratch) / "quick.json" if quick else RESULTS)
        record = run(QUICK if quick else FULL, where, as_typed(), workers=workers, show=show)
    for shown in terminal.rows([TableRow(**row) for row in record["rows"]]):
        terminal.console.print(shown)
    terminal.say(terminal.ROWS_MEAN)

"""The command `bench`: time the sparse kernels against dense and sparse libraries."""

from __future__ import annotations

import os
from pathlib import Path

from reference_impls.bench.layers import LAYERS, all_cases, quick_cases
from reference_impls.bench.run import record, run
from reference_impls.bench.tables import tables
from reference_impls.command_line import terminal
from reference_impls.command_line.usage import as_typed, wrong_use
from reference_impls.files.outputs import check_file, write_rows
from reference_impls.kernels import build
from reference_impls.near_names import unknown
from reference_impls.number_format import count


def bench(quick: bool, threads: int, shapes: str | None, out: Path | None) -> None:
    """Time some layers or all, print the tables and write the rows; see the options of the command.

    Raises:
        WrongUse: an argument or the file is refused, or there is no compiler.
    """
    with wrong_use():
        if shapes is not None and shapes not in LAYERS:
            raise ValueError(unknown("shapes", shapes, LAYERS))
        if not build.available():
            raise ValueError("the kernels cannot be built here, so there is nothing to time; install g++ or clang++")
        if threads > (os.cpu_count() or 1):
            raise ValueError(f"threads {threads}: this machine has {count(os.cpu_count() or 1, 'core')}")
        if out is not None:
            check_file(out)
    chosen = LAYERS[shapes] if shapes else tuple(layer for group in LAYERS.values() for layer in group)
    cases = quick_cases() if quick else all_cases(chosen)
    if quick and shapes:
        cases = [case for case in cases if case.layer in chosen]
    with terminal.bar() as show:
        measured = run(cases, threads, models=shapes is None, show=show)
    for shown in tables(measured):
        terminal.console.print(shown)
    if out is not None:
        with wrong_use():
            write_rows(record(measured, as_typed()), out)
        terminal.say_where(out, "every row")

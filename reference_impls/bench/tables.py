"""The results of a run as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from reference_impls.bench.records import KernelRow
from reference_impls.bench.run import Measured
from reference_impls.files.machine import cpu_name
from reference_impls.kernels.registry import FORMAT_NAMES
from reference_impls.number_format import count, percent, times


def tables(measured: Measured) -> Iterator[Table | str]:
    """A table for each layer, the targets, and a line about the machine."""
    for layer in dict.fromkeys(row.layer for row in measured.rows):
        yield _layer(layer, [row for row in measured.rows if row.layer == layer])
    yield _goals(measured)
    yield f"{cpu_name()}, {count(measured.threads, 'thread')}, peak {measured.peak / 1e9:.0f} GFLOP/s"


def _layer(name: str, rows: Sequence[KernelRow]) -> Table:
    """Speed-ups over the fastest dense library."""
    heads = "sparsity", "pattern", "dense, ms", *FORMAT_NAMES.values(), "fastest sparse library", "% of peak FLOP/s"
    table = Table(*heads, title=f"{name}: speed-up over dense")
    for sparsity, pattern in dict.fromkeys((row.sparsity, row.pattern) for row in rows if row.kind != "dense"):
        same = [row for row in rows if (row.sparsity, row.pattern) == (sparsity, pattern) and row.kind != "dense"]
        dense = min(row.seconds for row in rows if (row.sparsity, row.kind) == (sparsity, "dense"))
        csr, shared, library = (_fastest(same, kind) for kind in ("csr", "shared", "sparse"))
        table.add_row(
            percent(sparsity),
            pattern,
            f"{dense * 1e3:.2f}",
            *("–" if row is None else times(row.speed_up, 2) for row in (csr, shared)),
            "–" if library is None else f"{times(library.speed_up, 2)} {library.library}",
            percent(max(row.share_of_peak for row in (csr, shared) if row)),
        )
    return table


def _fastest(rows: Sequence[KernelRow], kind: str) -> KernelRow | None:
    return max((row for row in rows if row.kind == kind), key=lambda row: row.speed_up, default=None)


def _goals(measured: Measured) -> Table:
    table = Table("", "target", "stretch target", "measured", "verdict", title="Targets")
    for goal in measured.goals:
        sign = "≤ " if goal.at_most else ""
        number = "–" if goal.measured is None else f"{goal.measured:.3g}"
        word = f"[bold red]{goal.verdict}[/bold red]" if goal.verdict == "MISSED" else goal.verdict
        table.add_row(goal.name, f"{sign}{goal.must:g}", f"{sign}{goal.aim:g}", number, word)
    return table

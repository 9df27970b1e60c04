"""What the command line prints: tables that lose nothing at eighty columns, and bars while it works.

Results go to stdout. What only tells that work goes on is shown on stderr, if that is a terminal, and wiped afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from reference_impls.methods.registry import METHODS

if TYPE_CHECKING:
    from reference_impls.architectures.counts import Checked
    from reference_impls.architectures.registry import Architecture
    from reference_impls.bench.sampling import Sampling
    from reference_impls.pruning.contract import Report
    from reference_impls.study.records import TableRow
    from reference_impls.testbed.metrics import Quality

console = Console()
work = Console(stderr=True)

ROWS_MEAN = (
    "Means over the seeds. steps: of recovery. loss: held-out. drift: from the dense model's samples. class: share of "
    "samples that are of their class. Fréchet: distance of the samples from the data. ≠ 0: parameters that are not "
    "zero. kB: in half precision, zeros left out. MMACs: of a call, zeros computed with. s: to prune and to recover."
)


def say(text: str) -> None:
    """Print a sentence; brackets in it are brackets."""
    console.print(text, markup=False, highlight=False)


def say_where(path: object, what: str) -> None:
    """Print a path, which is not broken into lines, and what stands there."""
    console.print(f"{path}: {what}", markup=False, highlight=False, soft_wrap=True)


def spinner(what: str) -> AbstractContextManager[object]:
    """While something works that does not know how long it takes."""
    return work.status(what)


@contextmanager
def bar(what: str = "starting", of: int | None = None) -> Iterator[Callable[..., None]]:
    """While something works that does: gives what takes the number of done steps, and of all, and of what.

    Args:
        what: shown beside the bar.
        of: how many steps; None where that is told later.
    """
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=work, transient=True, disable=not work.is_terminal) as shown:
        task = shown.add_task(what, total=of)
        yield lambda done, of=None, what=None: shown.update(task, completed=done, total=of, description=what)


def methods() -> Table:
    """Every method, by kind."""
    table = _table("method", "needs", "paper", _text("what it does"))
    for index, kind in enumerate(dict.fromkeys(method.kind for method in METHODS.values())):
        if index:
            table.add_row()
        table.add_row(kind, style="bold")
        for name, method in METHODS.items():
            if method.kind == kind:
                table.add_row(name, method.needs, method.paper or "–", method.summary)
    return table


def qualities(columns: tuple[str, str], first: Quality, second: Quality, report: Report | None = None) -> Table:
    """Two models side by side, with what they cost where a report says so."""
    table = _table("", *map(_number, columns))
    table.add_row("held-out loss", f"{first.held_out_loss:.4f}", f"{second.held_out_loss:.4f}")
    if second.drift is not None:
        table.add_row("drift from the dense samples", "–", f"{second.drift:.4f}")
    table.add_row("class accuracy", f"{first.class_accuracy:.3f}", f"{second.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{first.frechet_distance:.2f}", f"{second.frechet_distance:.2f}")
    if report is not None:
        _add_cost(table, report)
    return table


def costs(report: Report) -> Table:
    """What a model costs, before and after."""
    table = _table("", _number("dense"), _number("pruned"))
    _add_cost(table, report)
    return table


def _add_cost(table: Table, report: Report) -> None:
    before, after = report.before, report.after
    table.add_row("parameters", f"{before.parameters:,}", f"{after.parameters:,}")
    table.add_row("parameters that are not zero", f"{before.nonzero:,}", f"{after.nonzero:,}")
    table.add_row("MACs of a call, with attention", f"{before.macs:,}", f"{after.macs:,}")
    table.add_row("MACs without zeros", f"{before.macs_nonzero:,}", f"{after.macs_nonzero:,}")
    table.add_row("seconds to prune", "–", f"{report.seconds:.1f}")


def faster(report: Report) -> str:
    """Whether it is, in a sentence."""
    if report.kind == "unstructured":
        return (
            "Single zeros make the model no faster, as dense kernels compute with them all the same, and no smaller "
            "until they are packed. `eval --sparse` times it with kernels that skip them."
        )
    gone = 1 - report.after.macs / report.before.macs
    return f"It computes {gone:.0%} less in any runtime; how much faster that is depends on the machine."


def measured(quality: Quality, sampling: Sampling | None) -> Table:
    """One model, and what its sparse layers take where they were timed."""
    table = _table("measure", _text("value"))
    table.add_row("held-out loss", f"{quality.held_out_loss:.4f}")
    table.add_row("class accuracy", f"{quality.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{quality.frechet_distance:.2f}")
    if sampling is not None:
        each = quality.samples / 1e3
        table.add_row("ms a picture, as it is", f"{sampling.seconds / each:.2f}")
        table.add_row("ms a picture, sparse layers", f"{sampling.sparse_seconds / each:.2f}")
        table.add_row("speed-up", f"{sampling.speed_up:.2f}x")
        table.add_row("largest difference of a pixel", f"{sampling.largest_difference:.0e}")
        layers = (f"{count} {kind}" for kind, count in sampling.layers.items())
        table.add_row("layers with zeros became", ", ".join(layers) or "–")
    return table


def rows(measured: Sequence[TableRow], *, of_one_method: bool = False) -> Iterator[Table]:
    """A table a model, one line for each setting: means over the seeds.

    Args:
        measured: rows of the testbed's result file.
        of_one_method: whether the method is left out, because it stands above.
    """
    for model in dict.fromkeys(row.model for row in measured):
        grouped: dict[tuple[str, ...], list[TableRow]] = defaultdict(list)
        for row in measured:
            if row.model == model:
                pruned = (row.pattern or f"{row.sparsity:.0%}") if row.method else "dense"
                grouped[row.method or "", pruned, str(row.recovery_steps)].append(row)
        numbers = ("steps", "loss", "drift", "class", "Fréchet", "≠ 0", "kB", "MMACs", "s")
        table = _table(*([] if of_one_method else ["method"]), "pruned", *map(_number, numbers))
        table.title, table.title_justify = model, "left"
        table.padding = (0, int(of_one_method), 0, 0)  # with a method's name there is room for one space only
        for (method, pruned, steps), same in grouped.items():
            table.add_row(
                *([] if of_one_method else [method]),
                pruned,
                steps,
                _mean([row.held_out_loss for row in same], "{:.4f}"),
                _mean([row.drift for row in same], "{:.4f}"),
                _mean([row.class_accuracy for row in same], "{:.3f}"),
                _mean([row.frechet_distance for row in same], "{:.1f}"),
                _mean([row.nonzero / 1e3 for row in same], "{:.0f}k"),
                _mean([row.bytes_packed / 1e3 for row in same], "{:.0f}"),
                _mean([row.macs / 1e6 for row in same], "{:.1f}"),
                _mean([row.prune_seconds + row.recover_seconds for row in same], "{:.1f}"),
            )
        yield table


def _mean(values: Iterable[float | None], form: str) -> str:
    there = [value for value in values if value is not None]
    return form.format(sum(there) / len(there)) if there else "–"


def published(chosen: Mapping[str, Architecture]) -> Iterator[Table]:
    """Counts of each architecture and where they stand."""
    for name, architecture in chosen.items():
        table = _table(*_counts(chosen), _text("source"))
        _under(name, table)
        for count in architecture.counts:
            on = "" if count.what == "parameters" else f"; a call of {architecture.inputs_in_words}"
            table.add_row(count.what, f"{count.value:,}", count.source + on)
        if architecture.note:
            table.caption, table.caption_justify = architecture.note, "left"
        yield table


def checked(chosen: Mapping[str, Architecture], name: str, counts: Sequence[Checked]) -> Table:
    """Published counts of one of the chosen architectures beside those counted here."""
    what, number = _counts(chosen)
    table = _table(what, number, _number("counted", number.min_width), "agrees")
    _under(name, table)
    for count in counts:
        within = f"to {count.count.tolerance * 100:g} %" if count.count.tolerance else "exactly"
        words = count.count.what, f"{count.count.value:,}", f"{count.counted:,}", within if count.right else "WRONG"
        table.add_row(*words, style=None if count.right else "bold red")
    return table


def counted(name: str, architecture: Architecture, counts: Mapping[str, int]) -> Table:
    """All that can be counted of one architecture, and what share of the MACs attention is where it is counted."""
    table = _table("what", _number("counted", len("999,999,999,999,999")), "share")
    _under(f"{name}; a call of {architecture.inputs_in_words}", table)
    for what, value in counts.items():
        share = f"{1 - counts['macs'] / value:.1%} attention" if what == "macs with attention" else ""
        table.add_row(what, f"{value:,}", share)
    return table


def meanings(shown: Iterable[str], meaning: Mapping[str, str]) -> None:
    """Say what each thing is that was counted."""
    for what in dict.fromkeys(shown):
        say(f"{what}: {meaning[what]}")


def _counts(chosen: Mapping[str, Architecture]) -> tuple[Column, Column]:
    """What is counted and how much, as wide in one table as in the next."""
    counts = [count for architecture in chosen.values() for count in architecture.counts]
    what = Column("what", min_width=max(len(count.what) for count in counts), overflow="fold", no_wrap=True)
    return what, _number("published", max(len(f"{count.value:,}") for count in counts))


def _under(name: str, table: Table) -> None:
    """Indent a table below a name that stands in place of its columns' names."""
    table.title, table.title_justify, table.title_style, table.show_header = name, "left", "bold", False
    table.padding = (0, 0, 0, 1)


def _table(*columns: str | Column) -> Table:
    """Without lines, which cost a tenth of the width; what is too long is broken and never cut."""
    whole = (Column(name, overflow="fold", no_wrap=True) if isinstance(name, str) else name for name in columns)
    return Table(*whole, box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))


def _number(name: str, width: int | None = None) -> Column:
    return Column(name, justify="right", min_width=width, overflow="fold", no_wrap=True)


def _text(name: str) -> Column:
    return Column(name, overflow="fold")

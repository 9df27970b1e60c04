"""What the command line prints: tables that fit in eighty columns, and progress bars.

Results are printed to stdout. Progress is shown on stderr, if that is a terminal, and wiped afterwards.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from reference_impls.kernels.registry import FORMAT_NAMES
from reference_impls.methods.registry import KIND_NAMES, METHODS, NEEDS_NAMES
from reference_impls.number_format import percent, si, thousands, times

if TYPE_CHECKING:
    from reference_impls.architectures.counts import Checked
    from reference_impls.architectures.registry import Architecture
    from reference_impls.bench.forward_pass import ForwardPass, Stored, Timed
    from reference_impls.bench.sampling import Sampling
    from reference_impls.pipelines.measure import Followed
    from reference_impls.pruning.contract import Report
    from reference_impls.study.pipeline_samples import Compared
    from reference_impls.study.records import TableRow
    from reference_impls.testbed.metrics import Quality

LOSS, CLASS, FRECHET = "denoising loss (held-out)", "class accuracy", "Fréchet distance (testbed features)"
"""Names of the metrics, with what the numbers are measured on."""

MACS = ("MACs per forward pass", "MACs, zeros skipped")
CONTINUED = " \\\n      --out "
"""How a long command is broken into two lines."""
QUIET = os.environ.get("RANK", "0") != "0"
"""Of the processes that torchrun has started, the first one speaks."""
console = Console(quiet=QUIET)
work = Console(stderr=True, quiet=QUIET)

ROWS_MEAN = (
    "Means over the seeds. steps: of recovery. loss: denoising loss on held-out images. MSE: to the dense model's "
    "samples from the same noise. class: accuracy of a classifier on the samples. Fréchet: distance of the samples "
    "from the data in that classifier's features, not Inception FID. ≠ 0: parameters that are not zero, in thousands. "
    "kB: file in half precision, with a bitmask for zeros. MMACs: per forward pass, zeros included. s: seconds to "
    "prune and to recover. +sc: with --keep-shortcuts."
)


def say(text: str) -> None:
    """Print a sentence; brackets in it are brackets."""
    console.print(text, markup=False, highlight=False)


def say_under(head: str, text: str) -> None:
    """Print a head with an indented paragraph below."""
    console.print(Text(f"\n{head}", style="bold"))
    console.print(Padding(Text(text), (0, 0, 0, 2), expand=False))


def say_difference(what: str, consequences: Iterable[str]) -> None:
    """Print what differs from a paper, and below what it changes."""
    console.print(Padding(Text(f"Differs: {what}"), (0, 0, 0, 2), expand=False))
    for line in consequences:
        console.print(Padding(Text(line), (0, 0, 0, 4), expand=False))


def say_command(head: str, *command: object) -> None:
    """Print a head with a command below, which can be pasted.

    Args:
        head: what it does.
        command: its words, or the command as a whole.
    """
    text = shlex.join(map(str, command)) if len(command) > 1 else str(command[0])
    console.print(Text(f"\n{head}", style="bold"))
    console.print(f"  {text.replace(' --out ', CONTINUED)}", markup=False, highlight=False, soft_wrap=True)


def say_where(path: object, what: str) -> None:
    """Print a path, which is not broken into lines, and what it contains."""
    console.print(f"{path}: {what}", markup=False, highlight=False, soft_wrap=True)


def spinner(what: str) -> AbstractContextManager[object]:
    """Show that work is in progress whose length is not known."""
    return work.status(what)


@contextmanager
def bar(what: str = "starting", of: int | None = None) -> Iterator[Callable[..., None]]:
    """Show progress; the yielded function takes the number of done steps, of all steps, and the present task.

    Nothing is shown before it is used: until then, another bar may be.

    Args:
        what: shown beside the bar.
        of: how many steps; None where that is reported later.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = Progress(*columns, console=work, transient=True, disable=not work.is_terminal)
    task = shown.add_task(what, total=of, start=False)

    def show(done: int, of: int | None = None, what: str | None = None) -> None:
        shown.start()
        shown.start_task(task)
        shown.update(task, completed=done, total=of, description=what)

    try:
        yield show
    finally:
        shown.stop()


def methods() -> Table:
    """Every method, by kind."""
    requirement = Column("data requirement", width=14)
    table = _table("method", requirement, _text("what it does"))
    for index, (kind, title) in enumerate(KIND_NAMES.items()):
        if index:
            table.add_row()
        table.add_row(title, style="bold")
        for name, method in METHODS.items():
            if method.kind == kind:
                table.add_row(name, NEEDS_NAMES[method.needs], method.summary)
    return table


def qualities(columns: tuple[str, str], first: Quality, second: Quality, report: Report | None = None) -> Table:
    """Metrics of two models side by side, with their costs where there is a report."""
    table = _table("", *map(_number, columns))
    table.add_row(LOSS, f"{first.held_out_loss:.4f}", f"{second.held_out_loss:.4f}")
    if second.drift is not None:
        table.add_row("MSE to dense samples", "–", f"{second.drift:.4f}")
    table.add_row(CLASS, f"{first.class_accuracy:.3f}", f"{second.class_accuracy:.3f}")
    table.add_row(FRECHET, f"{first.frechet_distance:.2f}", f"{second.frechet_distance:.2f}")
    if report is not None:
        _add_cost(table, report)
    return table


def distilled(before: float, after: float, learnt: int, held_out: int) -> Table:
    """Error of a pruned denoiser to the dense one before and after recovery, on forward passes that were held out."""
    table = _table("", _number("pruned"), _number("recovered"))
    table.add_row("MSE to the dense prediction (held-out)", f"{before:.3g}", f"{after:.3g}")
    table.caption, table.caption_justify = f"{learnt} forward passes to learn from, {held_out} held out", "left"
    return table


def costs(report: Report, dense: int, pruned: int) -> Table:
    """Costs of a model before and after pruning, with the bytes of its weights on disk."""
    table = _table("", _number("dense"), _number("pruned"))
    table.add_row("bytes of weights", thousands(dense), thousands(pruned))
    _add_cost(table, report)
    return table


def _add_cost(table: Table, report: Report) -> None:
    before, after = report.before, report.after
    table.add_row("parameters", thousands(before.parameters), thousands(after.parameters))
    table.add_row("non-zero parameters", thousands(before.nonzero), thousands(after.nonzero))
    if before.macs is not None and after.macs is not None:
        for label, first, second in zip(MACS, before.counted(), after.counted(), strict=True):
            table.add_row(label, thousands(first), thousands(second))
    table.add_row("seconds to prune", "–", f"{report.seconds:.1f}")


def inexact(report: Report) -> str | None:
    """How far the achieved sparsity of an unstructured method is from the requested one; None where it is equal.

    Equal is what rounds to the same hundredth of a percent, over all layers and in each of them.
    """
    if report.kind != "unstructured":
        return None
    layers = {} if report.scope == "global" else report.achieved
    wanted = {name: report.shares.get(name, report.requested) for name in layers}
    worst = max(layers, key=lambda name: abs(layers[name] - wanted[name]), default=None)
    largest = 0.0 if worst is None else layers[worst] - wanted[worst]
    if round(max(abs(report.difference), abs(largest)), 4) == 0:
        return None
    whole = "weights" if report.block is None else f"blocks of {report.block} weights"
    signed = f"{report.difference * 100:+z.2f}"
    sentence = f"Achieved minus requested sparsity: {signed} percentage points; only whole {whole} can be pruned."
    if worst is None:
        return sentence
    return f"{sentence} The largest difference of a layer is {largest * 100:+z.2f}, in {worst}."


def faster(report: Report) -> str:
    """Whether the pruned model is faster, in a sentence."""
    if report.kind == "unstructured":
        zeros = "Unstructured" if report.pattern is None else report.pattern
        gpu = (
            " On a GPU, torch.sparse.to_sparse_semi_structured takes the linear layers, in half precision."
            if report.pattern == "2:4"
            else ""
        )
        return (
            f"{zeros} zeros do not speed up dense kernels, and the file is smaller only if it is packed with a "
            f"bitmask. In Python, reference_impls.sparsify replaces its layers by sparse kernels.{gpu}"
        )
    if report.before.macs is None or report.after.macs is None:
        return "Fewer MACs in any runtime; the speed-up depends on the hardware."
    saved = 1 - report.after.macs / report.before.macs if report.before.macs else 0.0
    return f"{percent(saved)} fewer MACs in any runtime; the speed-up depends on the hardware."


def say_costs(report: Report) -> None:
    """Print how exact the sparsity is, whether the pruned model is faster, and what its MACs lack."""
    if report.include or report.exclude:
        what = {"unstructured": "layer", "structured": "group", "depth": "block"}[report.kind]
        say(f"{len(report.chosen)} {what}{'s' if len(report.chosen) != 1 else ''} chosen by --include and --exclude.")
    for reason, count in Counter(report.left_out.values()).items():
        if report.kind == "unstructured":
            say(f"Left dense: {count} layer{'s' if count > 1 else ''}, each {reason}.")
            continue
        say(f"Left whole, since its units cannot be removed exactly: {count} part{'s' if count > 1 else ''}; {reason}.")
    if (how_exact := inexact(report)) is not None:
        say(how_exact)
    say(faster(report))
    if report.before.not_counted:
        say(f"MACs not counted: {', '.join(report.before.not_counted)}.")


def calibrated(about: Mapping[str, Any]) -> str:
    """What a model of diffusers was calibrated on, in a sentence."""
    passes = about["forward passes"]
    if about["source"] == "noise":
        return (
            f"Calibrated on {passes} forward passes with noise and random conditions, which says little about a "
            "trained model; give the whole pipeline to record its inputs."
        )
    how = f"Calibrated on {passes} forward passes recorded from {about['pipeline']}"
    if about.get("targets") == "sample":
        how += ", whose own samples are what it should predict,"
    if not about["prompts"]:
        return f"{how.rstrip(',')}."
    count = f"{about['prompts']} prompt{'s' if about['prompts'] > 1 else ''}"
    if about["prompts_file"] == "of this package":
        return f"{how} with {count} of this package; --prompts FILE takes yours."
    return f"{how} with {count} of {about['prompts_file']}."


def measured(quality: Quality, sampling: Sampling | None) -> Table:
    """Metrics of one model, and its times with sparse layers where they were measured."""
    table = _table("metric", _text("value"))
    table.add_row(LOSS, f"{quality.held_out_loss:.4f}")
    table.add_row(CLASS, f"{quality.class_accuracy:.3f}")
    table.add_row(FRECHET, f"{quality.frechet_distance:.2f}")
    if sampling is not None:
        _add_sampling(table, sampling, "ms per image", quality.samples / 1e3)
    return table


def forward_pass(timed: ForwardPass, samples: int, pruned: Stored, dense: Stored | None = None) -> Table:
    """Cost of a forward pass of a pruned model, with dense and with sparse layers.

    Args:
        timed: all times.
        samples: of the forward pass.
        pruned: MACs of one sample, and sizes.
        dense: those of the model before pruning, where it was timed, too.
    """

    def counted(timed_as: Timed) -> dict[str, str]:
        return {"samples": str(samples), "ms, dense kernels": f"{timed.seconds[timed_as] * 1e3:,.1f}"}

    shown, beside = counted("dense"), {}
    if dense is not None:
        shown["speed-up, dense kernels"] = times(timed.speed_up("dense"), 2)
        beside = {**counted(timed.base), **_stored(dense)}
    if timed.choices:
        shown["ms, sparse kernels"] = f"{timed.seconds['sparse'] * 1e3:,.1f}"
        shown["speed-up, sparse kernels"] = times(timed.speed_up(), 2)
        shown["largest difference of outputs, relative"] = f"{timed.largest_difference:.0e}"
        shown["kernels chosen for pruned layers"] = _layers(timed.layers)
    columns = [_text("value")] if dense is None else [_number("dense"), Column("pruned", "right", overflow="fold")]
    table = _table("forward pass", *columns)
    for label, value in {**shown, **_stored(pruned)}.items():
        table.add_row(label, *([] if dense is None else [beside.get(label, "")]), value)
    return table


def _stored(model: Stored) -> dict[str, str]:
    """What a model costs, each number below its name."""
    macs = zip(MACS, model.cost.counted(), strict=True)
    return {
        **{f"{label} and sample": thousands(value) for label, value in macs},
        "parameters": thousands(model.cost.parameters),
        "non-zero parameters": thousands(model.cost.nonzero),
        "bytes of weights": thousands(model.bytes),
        "bytes packed with bitmasks": thousands(model.packed_bytes),
    }


def samples(compared: Compared, followed: Followed | None, sampling: Sampling | None) -> Table:
    """How far the samples of a pruned pipeline are from those of the dense one."""
    table = _table("metric", _text("value"))
    table.add_row("samples", str(compared.samples))
    table.add_row("MSE to dense samples", f"{compared.mse:.3g}")
    table.add_row("PSNR to dense samples, dB", f"{compared.psnr:.1f}")
    if followed is not None:
        table.add_row(CLASS, f"{followed.class_accuracy:.3f}")
    if sampling is not None:
        _add_sampling(table, sampling, "s per sample", 1)
    return table


def _add_sampling(table: Table, sampling: Sampling, unit: str, each: float) -> None:
    """Times of sampling with dense and with sparse layers, divided by ``each``."""
    table.add_row(f"{unit}, dense kernels", f"{sampling.seconds / each:.2f}")
    table.add_row(f"{unit}, sparse kernels", f"{sampling.sparse_seconds / each:.2f}")
    table.add_row("speed-up", times(sampling.speed_up, 2))
    table.add_row("largest difference of a pixel", f"{sampling.largest_difference:.0e}")
    table.add_row("kernels chosen for pruned layers", _layers(sampling.layers))


def _layers(counts: Mapping[str, int]) -> str:
    """How many layers use which kernel."""
    return ", ".join(f"{count} {FORMAT_NAMES.get(kind, kind)}" for kind, count in counts.items()) or "–"


def rows(measured: Sequence[TableRow], *, of_one_method: bool = False) -> Iterator[Table]:
    """A table for each model, one line for each setting: means over the seeds.

    Args:
        measured: rows of the testbed's result file.
        of_one_method: whether the column of methods is left out.
    """
    for model in dict.fromkeys(row.model for row in measured):
        grouped: dict[tuple[str, ...], list[TableRow]] = defaultdict(list)
        for row in measured:
            if row.model == model:
                pruned = (row.pattern or percent(row.sparsity)) if row.method else "dense"
                pruned += " +sc" if row.keep_shortcuts else ""
                grouped[row.method or "", pruned, str(row.recovery_steps)].append(row)
        numbers = ("steps", "loss", "MSE", "class", "Fréchet", "≠ 0", "kB", "MMACs", "s")
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
                _mean([row.nonzero / 1e3 for row in same], "{:,.0f}"),
                _mean([row.bytes_packed / 1e3 for row in same], "{:,.0f}"),
                _mean([row.macs / 1e6 for row in same], "{:.1f}"),
                _mean([row.prune_seconds + row.recover_seconds for row in same], "{:.1f}"),
            )
        yield table


def _mean(values: Iterable[float | None], form: str) -> str:
    there = [value for value in values if value is not None]
    return form.format(sum(there) / len(there)) if there else "–"


def published(chosen: Mapping[str, Architecture]) -> Iterator[Table]:
    """Published counts of each architecture with their sources."""
    for name, architecture in chosen.items():
        table = _table(*_counts(chosen), _text("source"))
        _under(name, table)
        for count in architecture.counts:
            on = "" if count.what == "parameters" else f"; forward pass of {architecture.inputs_in_words}"
            table.add_row(count.what, si(count.value), count.source + on)
        if architecture.note:
            table.caption, table.caption_justify = architecture.note, "left"
        yield table


def checked(chosen: Mapping[str, Architecture], name: str, counts: Sequence[Checked]) -> Table:
    """Published counts of one of the chosen architectures beside those counted here."""
    what, _ = _counts(chosen)
    width = max(len(thousands(count.value)) for architecture in chosen.values() for count in architecture.counts)
    table = _table(what, _number("published", width), _number("counted", width), "agrees")
    _under(name, table)
    for count in counts:
        within = f"to {count.count.tolerance * 100:g}%" if count.count.tolerance else "exactly"
        numbers = thousands(count.count.value), thousands(count.counted)
        words = count.count.what, *numbers, within if count.right else "WRONG"
        table.add_row(*words, style=None if count.right else "bold red")
    return table


def counted(name: str, architecture: Architecture, counts: Mapping[str, int]) -> Table:
    """All counts of one architecture, and the fraction of the MACs that attention takes."""
    table = _table("what", _number("counted", len("999.99 G")), _number("exactly", len("999,999,999,999,999")), "")
    _under(f"{name}; forward pass of {architecture.inputs_in_words}", table)
    for what, value in counts.items():
        attention = percent(1 - counts["MACs"] / value, 1) + " attention" if what == "MACs with attention" else ""
        table.add_row(what, si(value), thousands(value), attention)
    return table


def meanings(shown: Iterable[str], meaning: Mapping[str, str]) -> None:
    """Define everything that was counted."""
    for what in dict.fromkeys(shown):
        say(f"{what}: {meaning[what]}")


def _counts(chosen: Mapping[str, Architecture]) -> tuple[Column, Column]:
    """Columns of what is counted and of the published counts, of the same width in every table."""
    counts = [count for architecture in chosen.values() for count in architecture.counts]
    what = Column("what", min_width=max(len(count.what) for count in counts), overflow="fold", no_wrap=True)
    return what, _number("published", max(len(si(count.value)) for count in counts))


def _under(name: str, table: Table) -> None:
    """Indent a table below a name that replaces the heads of its columns."""
    table.title, table.title_justify, table.title_style, table.show_header = name, "left", "bold", False
    table.padding = (0, 0, 0, 1)


def _table(*columns: str | Column) -> Table:
    """Without lines, which cost a tenth of the width; long texts are wrapped and never cut."""
    whole = (Column(name, overflow="fold", no_wrap=True) if isinstance(name, str) else name for name in columns)
    return Table(*whole, box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))


def _number(name: str, width: int | None = None) -> Column:
    return Column(name, justify="right", min_width=width, overflow="fold", no_wrap=True)


def _text(name: str) -> Column:
    return Column(name, overflow="fold")

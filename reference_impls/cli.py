"""The command line: methods, pruned models, the table, published counts.

Exit codes: 0 fine, 1 a check failed, 2 wrong use, said in one line, with nothing written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table

from reference_impls.registry import METHODS

if TYPE_CHECKING:
    from reference_impls.contract import Report
    from reference_impls.testbed.metrics import Quality

app = typer.Typer(
    name="python -m reference_impls",
    help="Pruning methods for diffusion models on a testbed of two small models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console()

Samples = Annotated[int, typer.Option(help="Samples to measure with.", min=10, max=10_000)]
Seed = Annotated[int, typer.Option(help="Fixes calibration and lots.", min=0)]
Out = Annotated[Path, typer.Option(help="New folder for the pruned model.")]


@app.command("list")
def list_() -> None:
    """The methods that run here."""
    table = Table("method", "prunes", "needs", "paper", "what it does")
    for name, method in METHODS.items():
        table.add_row(name, method.kind, method.needs, method.paper or "–", method.summary)
    console.print(table)


@app.command()
def show(method: Annotated[str, typer.Argument(help="A name that `list` shows.")]) -> None:
    """One method: what it does, how it differs from its paper, its source, its measured rows."""
    with _one_line():
        from reference_impls.prune import method_of

        chosen = method_of(method)
    file = Path(__file__).parent.joinpath(*chosen.run.partition(":")[0].split(".")[1:]).with_suffix(".py")
    console.print(f"{method}: {chosen.summary}")
    console.print(f"kind {chosen.kind}, needs {chosen.needs}, paper {chosen.paper or 'none'}\n")
    console.print(Syntax(file.read_text(encoding="utf-8"), "python", background_color="default"))
    _print_rows(method)


@app.command()
def prune(
    method: Annotated[str, typer.Option(help="A name that `list` shows.")],
    out: Out,
    model: Annotated[str, typer.Option(help="dit, unet, or a folder with a pruned model or one of diffusers.")] = "dit",
    sparsity: Annotated[str | None, typer.Option(help="Share that goes, 0 to 1.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Weights kept of each group, such as 2:4, or 2:4x4 for four rows together.")
    ] = None,
    block: Annotated[str | None, typer.Option(help="Weights that go together, such as 4x1 or 16x16.")] = None,
    scope: Annotated[str | None, typer.Option(help="layer, row or global; the paper's own where not given.")] = None,
    seed: Seed = 0,
    samples: Samples = 400,
) -> None:
    """Prune a model, measure it beside the dense one, and save it."""
    import copy

    from reference_impls import saved
    from reference_impls.adapters import diffusers_models
    from reference_impls.maths.masks import Pattern, Tile
    from reference_impls.prune import calibration_for
    from reference_impls.prune import prune as run
    from reference_impls.testbed import metrics
    from reference_impls.testbed.data import load
    from reference_impls.testbed.models import DATA_OF

    with _one_line():
        share = None if sparsity is None else _number(sparsity)
        wanted = None if pattern is None else Pattern.parse(pattern)
        if out.exists():
            raise FileExistsError(f"{out} exists; choose another --out or delete it")
        together = None if block is None else Tile.parse(block)
        asked = {"method": method, "pattern": wanted, "block": together, "scope": scope, "seed": seed}
        if diffusers_models.is_folder(Path(model)):
            _prune_diffusers(Path(model), out, share, asked)
            return
        name, dense, changes = _open(model)
        pruned = copy.deepcopy(dense)
        with console.status(f"{method} prunes {model}"):
            calibration = calibration_for(method, dense, load(DATA_OF[name])[0], seed=seed)
            report = run(pruned, calibration, share, **asked)
    side = int(dense.side)
    with console.status("measuring"):
        before = metrics.samples(dense, side, samples)
        of_dense = metrics.measure(dense, DATA_OF[name], n=samples)
        of_pruned = metrics.measure(pruned, DATA_OF[name], n=samples, dense=before)
    with _one_line():
        after = changes.then(report.kept, report.dropped)
        saved.save(out, name, pruned, report, of_pruned, metrics.samples(pruned, side, 100), after)
    table = Table("", "dense", "pruned")
    _add_quality(table, of_dense, of_pruned)
    _add_cost(table, report)
    console.print(table)
    _say_whether_faster(report)
    console.print(f"{out}: weights, report, samples")


@app.command()
def recover(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` wrote.")],
    out: Out,
    steps: Annotated[int, typer.Option(help="Updates of 64 images.", min=1, max=100_000)] = 200,
    teacher: Annotated[bool, typer.Option(help="Also learn from the dense model's output.")] = True,
    features: Annotated[str, typer.Option(help="none, plain (BK-SDM) or normalised (LAPTOP-Diff).")] = "none",
    seed: Seed = 0,
    samples: Samples = 400,
) -> None:
    """Train a pruned model for a while; what is pruned stays pruned."""
    from reference_impls import saved
    from reference_impls.recover import recover as run
    from reference_impls.testbed import metrics
    from reference_impls.testbed.data import load
    from reference_impls.testbed.models import DATA_OF, pretrained

    with _one_line():
        if features not in ("none", "plain", "normalised"):
            raise ValueError(f"features {features!r} is not one of none, plain, normalised")
        if features != "none" and not teacher:
            raise ValueError(f"features {features!r} need a teacher; leave --no-teacher out")
        if out.exists():
            raise FileExistsError(f"{out} exists; choose another --out or delete it")
        held = saved.load(folder)
    data, dense = DATA_OF[held.name], pretrained(held.name)
    before = metrics.measure(held.model, data, n=samples)
    with console.status(f"{steps} steps"):
        held.model.train()
        run(held.model, load(data)[0], steps=steps, teacher=dense if teacher else None, features=features, seed=seed)  # type: ignore[arg-type]
        held.model.eval()
    after = metrics.measure(held.model, data, n=samples)
    side = int(dense.side)  # type: ignore[arg-type]
    with _one_line():
        how = {"steps": steps, "teacher": teacher, "features": features, "seed": seed}
        pictures = metrics.samples(held.model, side, 100)
        saved.save(out, held.name, held.model, held.report, after, pictures, held.changes, how)
    table = Table("", "pruned", "recovered")
    _add_quality(table, before, after)
    console.print(table)
    console.print(f"{out}: weights, report, samples")


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` or `recover --out` wrote.")],
    samples: Samples = 400,
    sparse: Annotated[bool, typer.Option("--sparse", help="Also time it with layers that skip zeros.")] = False,
) -> None:
    """Measure a pruned model again."""
    from reference_impls import saved
    from reference_impls.testbed import metrics
    from reference_impls.testbed.models import DATA_OF

    with _one_line():
        held = saved.load(folder)
    quality = metrics.measure(held.model, DATA_OF[held.name], n=samples)
    table = Table("measure", "value")
    table.add_row("held-out loss", f"{quality.held_out_loss:.4f}")
    table.add_row("class accuracy", f"{quality.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{quality.frechet_distance:.2f}")
    if sparse:
        from reference_impls.bench.sampling import sample_both

        found = sample_both(held.model, samples)
        each = samples / 1e3
        table.add_row("ms a picture, as it is", f"{found.seconds / each:.2f}")
        table.add_row("ms a picture, sparse layers", f"{found.sparse_seconds / each:.2f}")
        table.add_row("speed-up", f"{found.speed_up:.2f}x")
        table.add_row("largest difference of a pixel", f"{found.largest_difference:.0e}")
        table.add_row("layers with zeros became", ", ".join(f"{count} {kind}" for kind, count in found.layers.items()))
    console.print(table)


@app.command("table")
def table_(
    quick: Annotated[bool, typer.Option("--quick", help="50 % on the DiT only, without recovery.")] = False,
    out: Annotated[Path | None, typer.Option(help="The JSON file; printed only where not given with --quick.")] = None,
    workers: Annotated[int, typer.Option(help="Processes, of one thread each.", min=1, max=64)] = 2,
) -> None:
    """Run every method on the testbed: the full table in about an hour on two cores, the quick one in half a minute."""
    import tempfile

    from reference_impls import table

    plan = table.QUICK if quick else table.FULL
    command = " ".join(["python -m reference_impls", *sys.argv[1:]])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as scratch, Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=None)
        record = table.run(
            plan,
            out or (Path(scratch) / "quick.json" if quick else table.RESULTS),
            command,
            workers=workers,
            tell=lambda done, of, what: progress.update(task, completed=done, total=of, description=what),
        )
    _print_table(record["rows"])


@app.command()
def arch(
    name: Annotated[str | None, typer.Argument(help="One architecture; all of them where not given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Build each and count again.")] = False,
) -> None:
    """Real models and their published counts; `--check` recomputes them on the meta device, without weights."""
    from reference_impls.architectures import counts, registry

    with _one_line():
        chosen = registry.chosen(name)
    if not check:
        table = Table("architecture", "what", "published", "counted on", "source")
        for key, architecture in chosen.items():
            for count in architecture.counts:
                table.add_row(key, count.what, f"{count.value:,}", architecture.inputs_in_words, count.source)
        console.print(table)
        return
    table = Table("architecture", "what", "published", "counted", "")
    for column in table.columns:
        column.no_wrap = True
    wrong = 0
    for key, architecture in chosen.items():
        with _one_line():
            checked = counts.check(architecture)
        for one in checked:
            wrong += not one.right
            table.add_row(
                key,
                one.count.what,
                f"{one.count.value:,}",
                f"{one.counted:,}",
                "WRONG" if not one.right else f"within {one.count.tolerance:.1%}" if one.count.tolerance else "exact",
            )
    console.print(table)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="What the goals need; two minutes.")] = False,
    threads: Annotated[int, typer.Option(help="Of every rival.", min=1, max=256)] = 1,
    shapes: Annotated[str | None, typer.Option(help="dit, sd, unet or conv; all where not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a JSON file.")] = None,
) -> None:
    """The sparse kernels against dense and against sparse libraries, each checked before it is timed."""
    from reference_impls.bench.layers import LAYERS, all_cases, quick_cases
    from reference_impls.bench.run import record, run, write
    from reference_impls.bench.tables import tables
    from reference_impls.kernels import build

    with _one_line():
        if shapes is not None and shapes not in LAYERS:
            raise ValueError(f"shapes {shapes!r} is not one of {', '.join(LAYERS)}")
        if not build.available():
            raise ValueError("the kernels cannot be built here, so there is nothing to compare; install g++ or clang++")
        if threads > (os.cpu_count() or 1):
            raise ValueError(f"threads {threads}: this machine has {os.cpu_count()} cores")
    chosen = LAYERS[shapes] if shapes else tuple(layer for group in LAYERS.values() for layer in group)
    cases = quick_cases() if quick else all_cases(chosen)
    if quick and shapes:
        cases = [case for case in cases if case.layer in chosen]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("building", total=None)
        found = run(
            cases,
            threads,
            models=shapes is None,
            tell=lambda done, of, what: progress.update(task, completed=done, total=of, description=what),
        )
    for shown in tables(found):
        console.print(shown)
    if out is not None:
        write(record(found, " ".join(["python -m reference_impls", *sys.argv[1:]])), out)
        console.print(f"{out}: every row")


@contextmanager
def _one_line() -> Iterator[None]:
    """Mistakes of the caller end the run with one line and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error


def _open(model: str):  # type: ignore[no-untyped-def]  # torch is imported late
    """Name, model and what it lacks already, from the testbed or from a folder that `prune --out` wrote."""
    from reference_impls import saved
    from reference_impls.contract import Changes
    from reference_impls.testbed.models import BUILDERS, pretrained

    if model in BUILDERS:
        return model, pretrained(model), Changes()
    if Path(model).is_dir():
        held = saved.load(Path(model))
        return held.name, held.model, held.changes
    raise ValueError(f"model {model!r} is not one of {', '.join(BUILDERS)}, nor a folder")


def _prune_diffusers(folder: Path, out: Path, share: float | None, asked: dict[str, object]) -> None:
    """Prune a model of diffusers; there is no sampler and no judge for it here."""
    from reference_impls.adapters import diffusers_models
    from reference_impls.prune import method_of
    from reference_impls.prune import prune as run

    chosen = method_of(str(asked["method"]))
    if chosen.needs in ("gradients", "training") or chosen.kind == "depth":
        raise ValueError(f"{asked['method']} needs {chosen.needs} of the testbed; it does not run on diffusers folders")
    model, changes = diffusers_models.load(folder)
    report = run(model, diffusers_models.noise_calls(model), share, **asked)  # type: ignore[arg-type]
    after = changes.then(report.kept, report.dropped)
    diffusers_models.save(out, model, report, after)
    table = Table("", "dense", "pruned")
    _add_cost(table, report)
    console.print(table)
    _say_whether_faster(report)
    if chosen.needs != "nothing":
        console.print("Calibrated on noise with random conditions: record real calls for real use.")
    if after.kept:
        console.print("Open it with reference_impls.adapters.diffusers_models.load: its class knows one width only.")
    console.print(f"{out}: weights, configuration, report")


def _add_quality(table: Table, one: Quality, other: Quality) -> None:
    table.add_row("held-out loss", f"{one.held_out_loss:.4f}", f"{other.held_out_loss:.4f}")
    if other.drift is not None:
        table.add_row("drift from the dense samples", "–", f"{other.drift:.4f}")
    table.add_row("class accuracy", f"{one.class_accuracy:.3f}", f"{other.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{one.frechet_distance:.2f}", f"{other.frechet_distance:.2f}")


def _add_cost(table: Table, report: Report) -> None:
    before, after = report.before, report.after
    table.add_row("parameters", f"{before.parameters:,}", f"{after.parameters:,}")
    table.add_row("parameters that are not zero", f"{before.nonzero:,}", f"{after.nonzero:,}")
    table.add_row("MACs of a call, with attention", f"{before.macs:,}", f"{after.macs:,}")
    table.add_row("MACs without zeros", f"{before.macs_nonzero:,}", f"{after.macs_nonzero:,}")
    table.add_row("seconds to prune", "–", f"{report.seconds:.1f}")


def _say_whether_faster(report: Report) -> None:
    if report.kind == "unstructured":
        console.print(
            "Single zeros make the model smaller, not faster: dense kernels compute with them all the same. "
            "`eval --sparse` times it with kernels that skip them."
        )
    else:
        saved_macs = 1 - report.after.macs / report.before.macs
        console.print(
            f"It computes {saved_macs:.0%} less in any runtime; how much faster that is depends on the machine."
        )


def _print_rows(method: str) -> None:
    import json

    results = Path(__file__).parent / "results" / "testbed.json"
    if results.is_file():
        rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
        _print_table([row for row in rows if row["method"] in (None, method)])


def _print_table(rows: list[dict[str, object]]) -> None:
    """One line for each setting: means over the seeds."""
    from collections import defaultdict

    grouped: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        how = row["pattern"] or f"{row['sparsity']:.0%}"
        grouped[str(row["model"]), str(row["method"] or "dense"), str(how), str(row["recovery_steps"])].append(row)
    table = Table(
        "model", "method", "pruned", "recovery steps", "held-out loss", "class accuracy", "parameters ≠ 0", "MMACs"
    )
    for key, same in grouped.items():

        def mean(name: str, same: list[dict[str, object]] = same) -> float:
            return sum(float(row[name]) for row in same) / len(same)  # type: ignore[arg-type]

        table.add_row(
            *key,
            f"{mean('held_out_loss'):.4f}",
            f"{mean('class_accuracy'):.3f}",
            f"{mean('nonzero'):,.0f}",
            f"{mean('macs') / 1e6:.1f}",
        )
    console.print(table)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"sparsity {text!r} is not a number from 0 to 1") from None


def run() -> None:
    """Run the command line."""
    app()

"""The command line: methods, pruned models, the table, published counts.

Exit codes: 0 fine, 1 a check failed, 2 wrong use, said in one line, with nothing written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.syntax import Syntax

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import OneLine, whole, wrong_use
from reference_impls.files.outputs import check_file, check_folder, write_rows
from reference_impls.methods.registry import Features

if TYPE_CHECKING:  # imported late at run time: a command pays only for what it uses
    import torch
    from torch import nn

    from reference_impls.models.testbed_folder import Saved
    from reference_impls.testbed.metrics import Quality
    from reference_impls.testbed.models import Denoiser

app = typer.Typer(
    cls=OneLine,
    name="python -m reference_impls",
    help="Pruning methods for diffusion models on a testbed of two small models.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

STEPS, PICTURES = 10, 100
"""Of DDIM in every measurement here, and of the grid that is saved."""

Samples = Annotated[int, whole(10, 10_000, "Samples to measure with.")]
Seed = Annotated[int, whole(0, 2**32 - 1, "Fixes calibration and lots.")]
Out = Annotated[Path, typer.Option(help="New folder for the pruned model.")]


@app.command("list")
def list_() -> None:
    """The methods that run here."""
    terminal.console.print(terminal.methods())


@app.command()
def show(method: Annotated[str, typer.Argument(help="A name that `list` shows.")]) -> None:
    """One method: what it does, its source and its measured rows."""
    import json

    with wrong_use():
        from reference_impls.methods.prune import method_of

        chosen = method_of(method)
    here = Path(__file__).parents[1]
    source = (here / "methods" / f"{chosen.file}.py").read_text(encoding="utf-8")
    terminal.say(f"{method}: {chosen.summary}")
    terminal.say(f"kind {chosen.kind}, needs {chosen.needs}, paper {chosen.paper or 'none'}\n")
    terminal.console.print(Syntax(source, "python", background_color="default", word_wrap=True))
    results = here / "results" / "testbed.json"
    if results.is_file():
        rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
        for table in terminal.rows([row for row in rows if row["method"] in (None, method)], of_one_method=True):
            terminal.console.print(table)
        terminal.say(terminal.ROWS_MEAN)


@app.command()
def demo(method: Annotated[str, typer.Argument(help="A name that `list` shows.")]) -> None:
    """Prune the DiT of the testbed to 50 % sparsity and show the held-out loss before and after."""
    with wrong_use():
        from reference_impls.command_line.demo import show as run

        run(method)


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
    from dataclasses import asdict

    from reference_impls.maths.masks import Pattern, Tile
    from reference_impls.methods.prune import calibration_for
    from reference_impls.methods.prune import prune as run
    from reference_impls.models import diffusers_folder, testbed_folder
    from reference_impls.testbed.data import load
    from reference_impls.testbed.models import BUILDERS, DATA_OF, pretrained

    with wrong_use():
        share = None if sparsity is None else _number(sparsity)
        wanted = None if pattern is None else Pattern.parse(pattern)
        check_folder(out)
        together = None if block is None else Tile.parse(block)
        asked: dict[str, Any] = {"method": method, "pattern": wanted, "block": together, "scope": scope, "seed": seed}
        if diffusers_folder.is_folder(Path(model)):
            _prune_diffusers(Path(model), out, share, asked)
            return
        found = _open(model)
        name, pruned = found.name, copy.deepcopy(found.model)
        with terminal.spinner(f"{method} prunes {model}"):
            calibration = calibration_for(method, found.model, load(DATA_OF[name])[0], seed=seed)
            report = run(pruned, calibration, share, **asked)
    columns = ("dense", "pruned") if model in BUILDERS else ("before", "after")
    of_found = _measure(found.model, name, samples, f"measuring {model}")
    dense = _draw(pretrained(name), samples, "drawing with the dense model")
    of_pruned = _measure(pruned, name, samples, "measuring the pruned model", dense)
    pictures = _draw(pruned, PICTURES, "drawing with the pruned model")
    with wrong_use():
        steps = (*found.steps, {"prune": asdict(report)})
        testbed_folder.save(
            out, name, pruned, steps, of_pruned, pictures, found.changes.then(report.kept, report.dropped)
        )
    terminal.console.print(terminal.qualities(columns, of_found, of_pruned, report))
    terminal.say(terminal.faster(report))
    terminal.say_where(out, "weights, report, samples")


@app.command()
def recover(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` wrote.")],
    out: Out,
    steps: Annotated[int, whole(1, 100_000, "Updates of 64 images.")] = 200,
    teacher: Annotated[bool, typer.Option(help="Also learn from the dense model's output.")] = True,
    features: Annotated[str, typer.Option(help="none, plain (BK-SDM) or normalised (LAPTOP-Diff).")] = "none",
    seed: Annotated[int, whole(0, 2**32 - 1, "Fixes images, times and noise.")] = 0,
    samples: Samples = 400,
) -> None:
    """Train a pruned model for a while; what is pruned stays pruned."""
    from reference_impls.models import testbed_folder
    from reference_impls.study.recover import recover as run
    from reference_impls.testbed.data import load
    from reference_impls.testbed.models import DATA_OF, pretrained

    with wrong_use():
        if features not in get_args(Features):
            raise ValueError(f"features {features!r} is not one of {', '.join(get_args(Features))}")
        if features != "none" and not teacher:
            raise ValueError(f"features {features!r} need a teacher; leave --no-teacher out")
        check_folder(out)
        held = _held(folder)
    dense = pretrained(held.name) if teacher else None
    before = _measure(held.model, held.name, samples, "measuring the pruned model")
    held.model.train()
    with terminal.bar("recovering", steps) as tell:
        images = load(DATA_OF[held.name])[0]
        run(held.model, images, steps=steps, teacher=dense, features=features, seed=seed, tell=tell)  # type: ignore[arg-type]
    held.model.eval()
    after = _measure(held.model, held.name, samples, "measuring the recovered model")
    pictures = _draw(held.model, PICTURES, "drawing with the recovered model")
    with wrong_use():
        how = {"steps": steps, "teacher": teacher, "features": features, "seed": seed}
        testbed_folder.save(out, held.name, held.model, (*held.steps, {"recover": how}), after, pictures, held.changes)
    terminal.console.print(terminal.qualities(("pruned", "recovered"), before, after))
    terminal.say_where(out, "weights, report, samples")


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` or `recover --out` wrote.")],
    samples: Samples = 400,
    sparse: Annotated[bool, typer.Option("--sparse", help="Also time it with layers that skip zeros.")] = False,
) -> None:
    """Measure a pruned model again."""
    with wrong_use():
        held = _held(folder)
    quality, sampling = _measure(held.model, held.name, samples, "measuring"), None
    if sparse:
        from reference_impls.bench.sampling import sample_both

        with terminal.spinner("timing with and without sparse layers"):
            sampling = sample_both(held.model, samples)
    terminal.console.print(terminal.measured(quality, sampling))


@app.command("table")
def table_(
    quick: Annotated[bool, typer.Option("--quick", help="50 % on the DiT only, without recovery.")] = False,
    out: Annotated[Path | None, typer.Option(help="The JSON file; printed only where not given with --quick.")] = None,
    workers: Annotated[int, whole(1, 64, "Processes, of one thread each.")] = 2,
) -> None:
    """Run every method on the testbed. The full table takes two hours on two cores, the quick one a minute."""
    import tempfile

    if out is not None:
        with wrong_use():
            check_file(out)
    from reference_impls.files.journal import OtherRun
    from reference_impls.study import table

    with wrong_use((OtherRun,)), tempfile.TemporaryDirectory() as scratch, terminal.bar() as tell:
        where = out or (Path(scratch) / "quick.json" if quick else table.RESULTS)
        record = table.run(table.QUICK if quick else table.FULL, where, _command(), workers=workers, tell=tell)
    for shown in terminal.rows(record["rows"]):
        terminal.console.print(shown)
    terminal.say(terminal.ROWS_MEAN)


@app.command()
def arch(
    name: Annotated[str | None, typer.Argument(help="One architecture; all of them where not given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Build each and count again.")] = False,
    attention: Annotated[bool, typer.Option("--attention", help="Count its MACs without and with attention.")] = False,
) -> None:
    """Real models and their published counts. `--check` recomputes them on the meta device, without weights."""
    from reference_impls.architectures import counts, registry

    with wrong_use():
        chosen = registry.chosen(name)
        if check and attention:
            raise ValueError("--check and --attention show different tables; give one of them")
        if name and attention and not chosen[name].inputs:
            raise ValueError(f"no inputs are known for {name}, so its MACs cannot be counted; choose another")
    if attention:
        for key, architecture in chosen.items():
            if architecture.inputs:
                with wrong_use(), terminal.spinner(f"building {key}"):
                    everything = counts.count(architecture)
                terminal.console.print(terminal.counted(key, architecture, everything))
        terminal.meanings(registry.WHAT, registry.WHAT)
        return
    wrong = 0
    if check:
        for key, architecture in chosen.items():
            with wrong_use(), terminal.spinner(f"building {key}"):
                found = counts.check(architecture)
            wrong += sum(not one.right for one in found)
            terminal.console.print(terminal.checked(chosen, key, found))
    else:
        for table in terminal.published(chosen):
            terminal.console.print(table)
    terminal.meanings((one.what for architecture in chosen.values() for one in architecture.counts), registry.WHAT)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="What the goals need; two minutes.")] = False,
    threads: Annotated[int, whole(1, 256, "Of every rival.")] = 1,
    shapes: Annotated[str | None, typer.Option(help="dit, sd, unet or conv; all where not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a JSON file.")] = None,
) -> None:
    """Race the sparse kernels against dense and sparse libraries. Each is checked before it is timed."""
    from reference_impls.bench.layers import LAYERS, all_cases, quick_cases
    from reference_impls.bench.run import record, run
    from reference_impls.bench.tables import tables
    from reference_impls.kernels import build

    with wrong_use():
        if shapes is not None and shapes not in LAYERS:
            raise ValueError(f"shapes {shapes!r} is not one of {', '.join(LAYERS)}")
        if not build.available():
            raise ValueError("the kernels cannot be built here, so there is nothing to compare; install g++ or clang++")
        if threads > (os.cpu_count() or 1):
            raise ValueError(f"threads {threads}: this machine has {os.cpu_count()} cores")
        if out is not None:
            check_file(out)
    chosen = LAYERS[shapes] if shapes else tuple(layer for group in LAYERS.values() for layer in group)
    cases = quick_cases() if quick else all_cases(chosen)
    if quick and shapes:
        cases = [case for case in cases if case.layer in chosen]
    with terminal.bar() as tell:
        found = run(cases, threads, models=shapes is None, tell=tell)
    for shown in tables(found):
        terminal.console.print(shown)
    if out is not None:
        with wrong_use():
            write_rows(record(found, _command()), out)
        terminal.say_where(out, "every row")


def _open(model: str) -> Saved:
    """A model of the testbed as it is shipped, or what a folder holds that `prune --out` wrote."""
    from reference_impls.models import testbed_folder
    from reference_impls.pruning.contract import Changes
    from reference_impls.testbed.models import BUILDERS, pretrained

    if model in BUILDERS:
        return testbed_folder.Saved(model, pretrained(model), Changes())
    if (Path(model) / "model_index.json").is_file():
        raise ValueError(f"{model} is a whole pipeline of diffusers; give the folder unet or transformer inside it")
    if Path(model).is_dir():
        return testbed_folder.load(Path(model))
    raise ValueError(f"model {model!r} is not one of {', '.join(BUILDERS)}, nor a folder")


def _held(folder: Path) -> Saved:
    """A model of the testbed that `prune --out` or `recover --out` wrote."""
    from reference_impls.models import diffusers_folder, testbed_folder

    diffusers_folder.refuse_folder(folder)
    return testbed_folder.load(folder)


def _measure(model: nn.Module, name: str, n: int, what: str, dense: torch.Tensor | None = None) -> Quality:
    """All metrics of a model of the testbed, with n samples."""
    from reference_impls.testbed import metrics
    from reference_impls.testbed.data import load
    from reference_impls.testbed.models import DATA_OF

    data = DATA_OF[name]
    pictures = STEPS * n + metrics.GRID * len(load(data)[1])
    with terminal.counted_calls(model, what, pictures):
        return metrics.measure(model, data, n=n, steps=STEPS, dense=dense)


def _draw(model: Denoiser, n: int, what: str) -> torch.Tensor:
    """Samples of a model of the testbed, n of them."""
    from reference_impls.testbed import metrics

    with terminal.counted_calls(model, what, STEPS * n):
        return metrics.samples(model, model.side, n, steps=STEPS)


def _prune_diffusers(folder: Path, out: Path, share: float | None, asked: dict[str, Any]) -> None:
    """Prune a model of diffusers; there is no sampler and no judge for it here."""
    from dataclasses import asdict

    from reference_impls.methods.prune import method_of
    from reference_impls.methods.prune import prune as run
    from reference_impls.models import diffusers_folder

    method = str(asked["method"])
    chosen = method_of(method)
    if chosen.kind == "depth":
        raise ValueError(f"{method} drops blocks, and which blocks of a diffusers model can go is not known here")
    if chosen.needs in ("gradients", "training"):
        raise ValueError(f"{method} needs images of the testbed; it does not run on diffusers folders")
    with terminal.spinner(f"{method} prunes {folder}"):
        model, changes = diffusers_folder.load(folder)
        report = run(model, diffusers_folder.noise_calls(model), share, **asked)
        after = changes.then(report.kept, report.dropped)
        steps = (*diffusers_folder.steps_of(folder), {"prune": asdict(report)})
        diffusers_folder.save(out, model, steps, after)
    terminal.console.print(terminal.costs(report))
    terminal.say(terminal.faster(report))
    if chosen.needs != "nothing":
        terminal.say("Calibrated on noise with random conditions: record real calls for real use.")
    if after.kept:
        terminal.say("Open it with reference_impls.models.diffusers_folder.load: its class knows one width only.")
    terminal.say_where(out, "weights, configuration, report")


def _command() -> str:
    """How this was called, for the record."""
    return " ".join(["python -m reference_impls", *sys.argv[1:]])


def _number(text: str) -> float:
    from reference_impls.maths.masks import check_sparsity

    try:
        share = float(text)
    except ValueError:
        raise ValueError(f"sparsity {text!r} is not a number from 0 to 1") from None
    return check_sparsity(share)


def run() -> None:
    """Run the command line."""
    app()

"""The command line: methods, pruned models, the table, published counts.

This module declares the options; each command stands in a module of its own, which is imported when it is called, so
that nobody waits for torch who asks for help.

Exit codes: 0 fine, 1 a check failed, 2 wrong use, said in one line, with nothing written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reference_impls.command_line.usage import OneLine, whole

app = typer.Typer(
    cls=OneLine,
    name="python -m reference_impls",
    help="Pruning methods for diffusion models on a testbed of two small models.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

MethodName = Annotated[str, typer.Argument(help="A name that `list` shows.")]
Samples = Annotated[int, whole(10, 10_000, "Samples to measure with.")]
Seed = Annotated[int, whole(0, 2**32 - 1, "Fixes calibration and lots.")]
Out = Annotated[Path, typer.Option(help="New folder for the pruned model.")]


@app.command("list")
def list_() -> None:
    """The methods that run here."""
    from reference_impls.command_line.methods import list_methods

    list_methods()


@app.command()
def show(method: MethodName) -> None:
    """One method: what it does, its source and its measured rows."""
    from reference_impls.command_line import methods

    methods.show(method)


@app.command()
def demo(method: MethodName) -> None:
    """Prune the DiT of the testbed to 50 % sparsity and show the held-out loss before and after."""
    from reference_impls.command_line import demo

    demo.demo(method)


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
    from reference_impls.command_line import prune

    prune.prune(method, out, model, sparsity, pattern, block, scope, seed, samples)


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
    from reference_impls.command_line import recover

    recover.recover(folder, out, steps, teacher, features, seed, samples)


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` or `recover --out` wrote.")],
    samples: Samples = 400,
    sparse: Annotated[bool, typer.Option("--sparse", help="Also time it with layers that skip zeros.")] = False,
) -> None:
    """Measure a pruned model again."""
    from reference_impls.command_line.evaluate import evaluate

    evaluate(folder, samples, sparse)


@app.command()
def table(
    quick: Annotated[bool, typer.Option("--quick", help="50 % on the DiT only, without recovery.")] = False,
    out: Annotated[Path | None, typer.Option(help="The JSON file; printed only where not given with --quick.")] = None,
    workers: Annotated[int, whole(1, 64, "Processes, of one thread each.")] = 2,
) -> None:
    """Run every method on the testbed. The full table takes two hours on two cores, the quick one a minute."""
    from reference_impls.command_line import table

    table.table(quick, out, workers)


@app.command()
def arch(
    name: Annotated[str | None, typer.Argument(help="One architecture; all of them where not given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Build each and count again.")] = False,
    attention: Annotated[bool, typer.Option("--attention", help="Count its MACs without and with attention.")] = False,
) -> None:
    """Real models and their published counts. `--check` recomputes them on the meta device, without weights."""
    from reference_impls.command_line import arch

    arch.arch(name, check, attention)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="What the goals need; two minutes.")] = False,
    threads: Annotated[int, whole(1, 256, "Of every rival.")] = 1,
    shapes: Annotated[str | None, typer.Option(help="dit, sd, unet or conv; all where not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a JSON file.")] = None,
) -> None:
    """Race the sparse kernels against dense and sparse libraries. Each is checked before it is timed."""
    from reference_impls.command_line import bench

    bench.bench(quick, threads, shapes, out)


def run() -> None:
    """Run the command line."""
    app()

"""The command line: list the methods, prune a model of the testbed, measure a pruned one.

Exit codes: 0 fine, 2 wrong use, said in one line, with nothing written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reference_impls.registry import METHODS

app = typer.Typer(
    name="python -m reference_impls",
    help="Pruning methods for diffusion models on a testbed of two small models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console()


@app.command("list")
def list_() -> None:
    """The methods that run here."""
    table = Table("method", "prunes", "needs", "paper", "what it does")
    for name, method in METHODS.items():
        table.add_row(name, method.kind, method.needs, method.paper or "–", method.summary)
    console.print(table)


@app.command()
def prune(
    method: Annotated[str, typer.Option(help="A name that `list` shows.")],
    out: Annotated[Path, typer.Option(help="New folder for the pruned model.")],
    model: Annotated[str, typer.Option(help="dit or unet.")] = "dit",
    sparsity: Annotated[str | None, typer.Option(help="Share of the weights that goes, 0 to 1.")] = None,
    pattern: Annotated[str | None, typer.Option(help="Weights kept of each group, such as 2:4.")] = None,
    scope: Annotated[str | None, typer.Option(help="layer, row or global; the paper's own where not given.")] = None,
    seed: Annotated[int, typer.Option(help="Fixes calibration and lots.")] = 0,
    samples: Annotated[int, typer.Option(help="Samples to measure with.", min=10, max=10_000)] = 400,
) -> None:
    """Prune a shipped model, measure it beside the dense one, and save it."""
    import copy

    from reference_impls import saved
    from reference_impls.contract import from_trajectory
    from reference_impls.maths.masks import Pattern
    from reference_impls.prune import prune as run
    from reference_impls.testbed import metrics
    from reference_impls.testbed.models import DATA_OF, pretrained

    try:
        share = None if sparsity is None else _number(sparsity)
        wanted = None if pattern is None else Pattern.parse(pattern)
        if out.exists():
            raise FileExistsError(f"{out} exists; choose another --out or delete it")
        dense = pretrained(model)
        pruned = copy.deepcopy(dense)
        with console.status(f"{method} prunes {model}"):
            calibration = from_trajectory(dense, seed=seed)
            report = run(pruned, calibration, share, method=method, pattern=wanted, scope=scope, seed=seed)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    side = int(dense.side)  # type: ignore[arg-type]
    with console.status("measuring"):
        before = metrics.samples(dense, side, samples)
        of_dense = metrics.measure(dense, DATA_OF[model], n=samples)
        of_pruned = metrics.measure(pruned, DATA_OF[model], n=samples, dense=before)
    saved.save(out, model, pruned, report, of_pruned, metrics.samples(pruned, side, 100))
    table = Table("", "dense", "pruned")
    table.add_row("held-out loss", f"{of_dense.held_out_loss:.4f}", f"{of_pruned.held_out_loss:.4f}")
    table.add_row("drift from the dense samples", "–", f"{of_pruned.drift:.4f}")
    table.add_row("class accuracy", f"{of_dense.class_accuracy:.3f}", f"{of_pruned.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{of_dense.frechet_distance:.2f}", f"{of_pruned.frechet_distance:.2f}")
    table.add_row("parameters that are not zero", f"{report.parameters:,}", f"{report.nonzero:,}")
    table.add_row("seconds to prune", "–", f"{report.seconds:.1f}")
    console.print(table)
    console.print("Single zeros make the model smaller, not faster: dense kernels compute with them all the same.")
    console.print(f"{out}: weights, report, samples")


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(help="What `prune --out` wrote.")],
    samples: Annotated[int, typer.Option(help="Samples to measure with.", min=10, max=10_000)] = 400,
) -> None:
    """Measure a pruned model again."""
    from reference_impls import saved
    from reference_impls.testbed import metrics
    from reference_impls.testbed.models import DATA_OF

    try:
        name, model = saved.load(folder)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    quality = metrics.measure(model, DATA_OF[name], n=samples)
    table = Table("measure", "value")
    table.add_row("held-out loss", f"{quality.held_out_loss:.4f}")
    table.add_row("class accuracy", f"{quality.class_accuracy:.3f}")
    table.add_row("Fréchet distance", f"{quality.frechet_distance:.2f}")
    console.print(table)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"sparsity {text!r} is not a number from 0 to 1") from None


def run() -> None:
    """Run the command line."""
    app()

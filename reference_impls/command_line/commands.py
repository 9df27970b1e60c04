"""The command line: methods, pruned models, results on the testbed, architectures, kernels.

This module declares the options; each command is in a module of its own, which is imported when it runs, so that
`--help` does not wait for torch.

Exit codes: 0 fine, 1 a check failed, 2 wrong use, reported in one line, with nothing written.
"""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from reference_impls.command_line.usage import PROGRAM, OneLine, example, whole

app = typer.Typer(
    cls=OneLine,
    name=PROGRAM,
    help="Reference implementations of pruning methods for diffusion models, on a testbed of two small models.",
    epilog=example("list", "demo wanda", "prune --method wanda --sparsity 0.5 --out build/pruned"),
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

MethodName = Annotated[str, typer.Argument(help="A method, as named by `list`.")]
Out = Annotated[Path, typer.Option(help="New folder for the model.")]


@app.command("list", epilog=example("list"))
def list_() -> None:
    """List the reference implementations. For each method: its data requirement and its criterion."""
    from reference_impls.command_line.methods import list_methods

    list_methods()


@app.command(epilog=example("show wanda", "show wanda --source"))
def show(
    method: MethodName, source: Annotated[bool, typer.Option("--source", help="Also print its source.")] = False
) -> None:
    """Show one method: formula, differences from its paper with what they change, an example, results."""
    from reference_impls.command_line import methods

    methods.show(method, source)


@app.command(epilog=example("demo wanda"))
def demo(method: MethodName) -> None:
    """Prune the testbed's DiT to 50% and print its denoising loss."""
    from reference_impls.command_line import demo

    demo.demo(method)


@app.command(
    epilog=example(
        "prune --method wanda --sparsity 0.5 --out build/wanda",
        "prune --method magnitude --pattern 2:4 --model unet --out build/2-4",
        "prune --method sparsegpt --pattern 2:4 --pattern-axis kernel --model unet --out build/kernel",
        "prune --method taylor --sparsity 0.3 --out build/taylor",
        "prune PIPELINE --prompts FILE --method wanda --sparsity 0.5 --out build/pipeline",
        "prune --method bk-sdm --sparsity 0.35 --model unet --keep-shortcuts --out build/bk-sdm",
        "prune --method wanda --sparsity 0.7 --recover-blocks 20 --out build/recovered",
        "prune --method wanda --pattern 2:4 --include 'blocks.[1-6].*' --exclude '*.modulation' --out build/some",
    )
)
def prune(
    method: Annotated[str, typer.Option(help="A method, as named by `list`.")],
    out: Out,
    pipeline: Annotated[
        Path | None, typer.Argument(help="Folder of a diffusers pipeline, or of its unet or transformer alone.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Instead of PIPELINE: dit (default) or unet of the testbed, or a folder written by `prune`."),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="Text file, one prompt a line, to record inputs with; default: 50 prompts of this package."),
    ] = None,
    sparsity: Annotated[
        str | None, typer.Option(help="Fraction of weights, units or blocks to prune, 0 to 1; 0.5 is 50%.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="N:M sparsity instead of --sparsity: 2:4 keeps 2 of 4 weights; 2:4x4 in blocks of 4 rows."),
    ] = None,
    pattern_axis: Annotated[
        str | None,
        typer.Option(
            help="Groups of --pattern in convolutions: along input channels (channels, default), as GPUs need it, or "
            "kernel positions (kernel), as in SparseGPT's code."
        ),
    ] = None,
    block: Annotated[
        str | None, typer.Option(help="Prune blocks of weights, rows x columns, such as 4x1 or 16x16.")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(help="Compare scores within a layer, a row, or the model (global); default: as in the paper."),
    ] = None,
    keep_shortcuts: Annotated[
        bool,
        typer.Option(
            "--keep-shortcuts",
            help="Depth pruning of a U-Net: keep shortcut convolutions of removed blocks, with their skip connections.",
        ),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB", help="Prune only layers, groups or blocks of such names, as 'blocks.[3-9].*'; repeatable."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave layers, groups or blocks of such names as they are; repeatable."),
    ] = None,
    seed: Annotated[int, whole(0, 2**32 - 1, "Random seed of calibration and of random pruning.")] = 0,
    samples: Annotated[
        int | None,
        whole(1, 10_000, "Testbed: samples for metrics (400). diffusers: forward passes to calibrate on (32; 8)."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Weights to open where a folder has several: fp16 for *.fp16.safetensors.")
    ] = None,
    steps: Annotated[int | None, whole(1, 1_000, "Sampler steps while inputs are recorded (20).")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Guidance scale while inputs are recorded; default: the pipeline's.")
    ] = None,
    recover_blocks: Annotated[
        int,
        whole(0, 100_000, "Wanda, SparseGPT, OBS-Diff: steps that train each pruned block to the dense one's output."),
    ] = 0,
    device: Annotated[str, typer.Option(help="Where the blocks of PIPELINE run: cpu, cuda or cuda:1.")] = "cpu",
    pack: Annotated[
        bool, typer.Option("--pack", help="Leave zeros out of the files of PIPELINE; `unpack` writes them again.")
    ] = False,
) -> None:
    """Prune a model, compare it with the dense one, and save it."""
    from reference_impls.command_line import prune

    recording = prune.Recording(prompts, steps, guidance)
    globs = prune.Globs(tuple(include or ()), tuple(exclude or ()))
    prune.prune(
        pipeline,
        method,
        out,
        model,
        sparsity,
        pattern,
        pattern_axis,
        block,
        scope,
        keep_shortcuts,
        globs,
        seed,
        samples,
        variant,
        recording,
        recover_blocks,
        device,
        pack,
    )


@app.command(epilog=example("unpack build/packed --out build/unpacked"))
def unpack(
    folder: Annotated[Path, typer.Argument(help="Folder written by `prune --pack`, of a pipeline or a model.")],
    out: Out,
) -> None:
    """Write the zeros of a packed folder again, so that diffusers opens it."""
    from reference_impls.command_line import prune

    prune.unpack(folder, out)


@app.command(
    epilog=example(
        "recover build/wanda --steps 200 --out build/recovered",
        "recover build/bk-sdm --features plain --out build/recovered",
        "recover build/pipeline --against PIPELINE --prompts FILE --steps 500 --rate 0.001 --out build/recovered",
    )
)
def recover(
    folder: Annotated[Path, typer.Argument(help="Folder written by `prune --out`.")],
    out: Out,
    against: Annotated[
        Path | None, typer.Option(metavar="DENSE", help="diffusers: folder that a pruned one came from.")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="Text file, one prompt a line, for DENSE; default: those of this package."),
    ] = None,
    steps: Annotated[
        int, whole(1, 100_000, "Training steps, each on 64 images, or on a forward pass of a pipeline.")
    ] = 200,
    rate: Annotated[
        float | None, typer.Option(help="Largest learning rate; default: 0.0005 on the testbed, 0.0001 for diffusers.")
    ] = None,
    teacher: Annotated[bool, typer.Option(help="Distil from the dense model's output as well.")] = True,
    features: Annotated[
        str, typer.Option(help="Feature distillation: none, plain (BK-SDM) or normalised (LAPTOP-Diff).")
    ] = "none",
    seed: Annotated[int, whole(0, 2**32 - 1, "Random seed of images, timesteps and noise.")] = 0,
    samples: Annotated[
        int | None, whole(1, 10_000, "Testbed: samples for metrics (400). diffusers: recorded forward passes (64).")
    ] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale of DENSE; default: the pipeline's.")] = None,
    variant: Annotated[
        str | None, typer.Option(help="Weights to open where a folder has several, such as fp16.")
    ] = None,
) -> None:
    """Recover a pruned model by fine-tuning or distillation. Pruned weights stay zero.

    Of a model of the testbed, on its images. Of a pipeline of diffusers, without a data set, on forward passes that are
    recorded while the dense pipeline samples.
    """
    from reference_impls.command_line import recover

    dense = recover.Against(against, prompts, guidance, variant)
    recover.recover(folder, out, steps, rate, teacher, features, seed, samples, dense)


@app.command(
    "eval",
    epilog=example(
        "eval build/wanda --sparse",
        "eval build/pipeline --against PIPELINE --prompts FILE --images build/samples.png",
    ),
)
def eval_(
    folder: Annotated[Path, typer.Argument(help="Folder written by `prune --out` or `recover --out`.")],
    samples: Annotated[int | None, whole(1, 10_000, "Samples for the metrics; testbed 400, pipelines 8.")] = None,
    sparse: Annotated[bool, typer.Option("--sparse", help="Also time it with sparse kernels.")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="PIPELINE", help="The dense pipeline that a pruned one came from.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Text file, one prompt a line, to sample from; default: those of this package.")
    ] = None,
    steps: Annotated[int | None, whole(1, 1_000, "Steps of the pipelines' sampler (20).")] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale; default: the pipeline's.")] = None,
    seed: Annotated[int | None, whole(0, 2**32 - 1, "Random seed of the first sample (0); each adds 1.")] = None,
    variant: Annotated[
        str | None, typer.Option(help="Weights to open where a folder has several, such as fp16.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Also write the samples of both pipelines to this image, such as samples.png.")
    ] = None,
) -> None:
    """Measure a saved model, or a pruned pipeline against the dense one.

    Metrics of a model of the testbed: denoising loss, class accuracy of samples, Fréchet distance. Of a pipeline: MSE
    and PSNR of its samples to the dense ones, from the same prompts and seeds.
    """
    from reference_impls.command_line import evaluate

    asked = evaluate.Against(against, prompts, steps, guidance, seed, variant, images)
    evaluate.evaluate(folder, samples, sparse, asked)


@app.command(epilog=example("table --quick", 'table --only bk-sdm,shortgpt --model unet --why "their removal changed"'))
def table(
    quick: Annotated[
        bool, typer.Option("--quick", help="The DiT at 50% sparsity without recovery; writes a file only with --out.")
    ] = False,
    only: Annotated[
        str | None, typer.Option(help="Measure the rows of these methods again, with commas between them.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --only: dit or unet; both if not given.")] = None,
    why: Annotated[str | None, typer.Option(help="With --only: the reason, which the site gives.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON file of the rows; default: the file of results in this package.")
    ] = None,
    workers: Annotated[int, whole(1, 64, "Processes, with one thread each.")] = 2,
) -> None:
    """Run every method on the testbed. The full table takes two hours on two cores, the quick one a minute."""
    from reference_impls.command_line import table

    table.table(quick, only, model, why, out, workers)


@app.command(epilog=example("arch sdxl", "arch sd-1.4 --check"))
def arch(
    name: Annotated[str | None, typer.Argument(help="One architecture; all if not given.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Build each on the meta device, without weights, and count again.")
    ] = False,
    attention: Annotated[
        bool, typer.Option("--attention", help="Count the MACs with and without those of attention.")
    ] = False,
) -> None:
    """Show published parameter and MAC counts of real models. Each has its source."""
    from reference_impls.command_line import arch

    arch.arch(name, check, attention)


@app.command(
    epilog=example(
        "bench --quick",
        "bench --shapes dit --threads 2",
        "bench build/pipeline --out build/times.json",
        "bench build/pipeline --against PIPELINE",
    )
)
def bench(
    pipeline: Annotated[
        Path | None, typer.Argument(help="Folder of a pruned diffusers pipeline, or of its unet or transformer alone.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the cases used by the targets; two minutes.")] = False,
    threads: Annotated[int, whole(1, 256, "Threads of every library.")] = 1,
    shapes: Annotated[
        str | None, typer.Option(help="Layers of dit, sd, unet or conv (convolutions); all if not given.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DENSE", help="Folder that PIPELINE was pruned from, to be timed in the same run."),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Text file whose first line is the prompt that PIPELINE is timed with.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Weights to open where PIPELINE has several, such as fp16.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the rows to this JSON file.")] = None,
) -> None:
    """Time a pruned pipeline, or the sparse kernels against dense and sparse libraries.

    Of a pipeline: one forward pass of its denoiser with dense and, where it has zeros, with sparse layers; with
    --against also one of the dense pipeline. Without one: single layers, each result checked before it is timed.
    """
    from reference_impls.command_line import bench

    bench.bench(pipeline, quick, threads, shapes, bench.Whole(against, prompts, variant), out)


def run() -> None:
    """Run the command line; a character that the encoding of the output lacks is escaped.

    A signal to end, or a terminal that closes, interrupts as Ctrl-C does.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()

"""The command `bench`: time the sparse kernels on single layers, or a pruned pipeline with dense and sparse layers."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reference_impls.bench.forward_pass import Stored, time_forward_pass
from reference_impls.bench.layers import LAYERS, all_cases, quick_cases
from reference_impls.bench.run import made_with, record, run
from reference_impls.bench.tables import tables
from reference_impls.bench.timing import cores
from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.one_pass import pass_of_noise, pass_of_pipeline
from reference_impls.calls.prompts import read_prompts
from reference_impls.command_line import terminal
from reference_impls.command_line.usage import as_typed, wrong_use
from reference_impls.files.outputs import check_file, write_rows
from reference_impls.files.packed import sizes
from reference_impls.kernels import build
from reference_impls.methods.prune import cost
from reference_impls.models import diffusers_folder, pipeline_folder
from reference_impls.models.diffusers_folder import Opened
from reference_impls.models.folder_kinds import Kind, kind_of
from reference_impls.near_names import unknown
from reference_impls.number_format import count


@dataclass(frozen=True)
class Whole:
    """How a pipeline is timed; nothing of it is for single layers."""

    against: Path | None = None
    """What it was pruned from."""
    prompts: Path | None = None
    variant: str | None = None


def bench(
    pipeline: Path | None,
    quick: bool,
    threads: int,
    shapes: str | None,
    whole: Whole,
    out: Path | None,
) -> None:
    """Time layers or a pipeline, print the tables and write the rows; see the options of the command.

    Raises:
        WrongUse: an argument, the folder or the file is refused, or there is no compiler.
    """
    with wrong_use():
        if not build.available():
            raise ValueError("the kernels cannot be built here, so there is nothing to time; install g++ or clang++")
        if threads > (os.cpu_count() or 1):
            raise ValueError(f"threads {threads}: this machine has {count(os.cpu_count() or 1, 'core')}")
        if out is not None:
            check_file(out)
        if pipeline is None:
            if whole != Whole():
                raise ValueError("--against, --prompts and --variant are for a PIPELINE; give one, or leave them out")
            if shapes is not None and shapes not in LAYERS:
                raise ValueError(unknown("shapes", shapes, LAYERS))
        elif quick or shapes is not None:
            raise ValueError("--quick and --shapes choose single layers; leave them out, or leave PIPELINE out")
    document = _layers(quick, threads, shapes) if pipeline is None else _pipeline(pipeline, threads, whole)
    if out is not None:
        with wrong_use():
            write_rows(document, out)
        terminal.say_where(out, "every row" if pipeline is None else "every number, and the kernel of each layer")


def _layers(quick: bool, threads: int, shapes: str | None) -> dict[str, object]:
    """Single layers against dense and sparse libraries."""
    chosen = LAYERS[shapes] if shapes else tuple(layer for group in LAYERS.values() for layer in group)
    cases = quick_cases() if quick else all_cases(chosen)
    if quick and shapes:
        cases = [case for case in cases if case.layer in chosen]
    with terminal.bar() as show:
        measured = run(cases, threads, models=shapes is None, show=show)
    for shown in tables(measured):
        terminal.console.print(shown)
    return record(measured, as_typed())


def _pipeline(folder: Path, threads: int, asked: Whole) -> dict[str, object]:
    """The denoiser of a pipeline, or a model of one, in one forward pass; beside the dense one where it is given."""
    with wrong_use((ValueError, OSError, RuntimeError)):
        opened, call = _opened(folder, asked)
        dense = None if asked.against is None else _dense(asked.against, asked.variant, folder, opened.model, call)
        pruned = _stored(opened, call)
        unpruned = None if dense is None else _stored(dense, call)
        what = "timing with dense and sparse layers" if dense is None else "timing the dense and the pruned model"
        with terminal.spinner(what), cores(threads):
            timed = time_forward_pass(opened.model, call.run, None if dense is None else dense.model)
    terminal.console.print(terminal.forward_pass(timed, call.samples, pruned, unpruned))
    terminal.say(f"Minimum of {timed.runs} runs of each, timed alternately, on {count(threads, 'thread')}.")
    if asked.against is not None:
        terminal.say(f"Speed-ups are over the dense model of {asked.against}, for the same inputs.")
    if opened.weights.precision != torch.float32:
        stored = str(opened.weights.precision).removeprefix("torch.")
        terminal.say(f"Timed in float32, in which the kernels compute; the folder holds {stored}.")
    return {
        **made_with(as_typed(), threads),
        "model": type(opened.model).__name__,
        "samples": call.samples,
        "inputs": _shapes((*call.positional, *call.arguments.values())),
        "against": None if asked.against is None else str(asked.against),
        "seconds": timed.seconds,
        "speed_up": {name: round(timed.speed_up(name), 3) for name in timed.seconds if name != timed.base},
        "runs": timed.runs,
        "largest_difference": timed.largest_difference,
        "pruned": asdict(pruned),
        "unpruned": None if unpruned is None else asdict(unpruned),
        "layers": timed.layers,
        "rows": [{"layer": name, **asdict(choice)} for name, choice in timed.choices.items()],
    }


def _opened(folder: Path, asked: Whole) -> tuple[Opened, Call]:
    """The model and a forward pass of it."""
    words = () if asked.prompts is None else read_prompts(asked.prompts)
    kind = _kind(folder)
    if words and kind != "pipeline":
        raise ValueError(f"{folder} is one model, which takes no prompts; leave --prompts out, or give its pipeline")
    with terminal.spinner(f"opening {folder}"):
        if kind == "pipeline":
            whole = pipeline_folder.load(folder, asked.variant)
            with diffusers_folder.quiet():
                return whole.denoiser, pass_of_pipeline(whole.pipeline, words)
        opened = diffusers_folder.load(folder, asked.variant)
        return opened, pass_of_noise(opened.model)


def _kind(folder: Path) -> Kind:
    """Whether a folder holds a pipeline or a model of one.

    Raises:
        ValueError: neither.
    """
    if (kind := kind_of(str(folder))) == "other":
        raise ValueError(
            f"{folder} is no folder of diffusers; give a pipeline or its unet or transformer; for a model of the "
            "testbed: eval FOLDER --sparse"
        )
    return kind


def _dense(folder: Path, variant: str | None, pruned: Path, model: nn.Module, call: Call) -> Opened:
    """The model that another was pruned from, which takes the same inputs and has outputs of the same shape.

    Raises:
        ValueError: it is of another class or size.
    """
    place = pipeline_folder.denoiser_folder(folder) if _kind(folder) == "pipeline" else folder
    with terminal.spinner(f"opening {place}"):
        opened = diffusers_folder.load(place, variant)
    try:
        fits = type(opened.model) is type(model) and _output(opened.model, call) == _output(model, call)
    except RuntimeError:  # of torch, for inputs of another width
        fits = False
    if not fits:
        raise ValueError(f"{pruned} was not pruned from --against {folder}, whose model is another one")
    return opened


@torch.no_grad()
def _output(model: nn.Module, call: Call) -> torch.Size:
    """The shape of a prediction."""
    return call.run(model).shape


def _stored(opened: Opened, call: Call) -> Stored:
    """What a model costs."""
    packed, size = map(sum, zip(*map(sizes, opened.weights.files), strict=True))
    return Stored(cost(opened.model, Calibration((call,))), size, packed)


def _shapes(values: tuple[Any, ...]) -> list[list[int]]:
    """The shapes of the tensors among some inputs."""
    return [list(value.shape) for value in values if isinstance(value, torch.Tensor)]

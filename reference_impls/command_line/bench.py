"""The command `bench`: time the sparse kernels on single layers, or a pruned pipeline with dense and sparse layers."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reference_impls.bench.forward_pass import time_forward_pass
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
from reference_impls.models.folder_kinds import kind_of
from reference_impls.models.weight_files import WeightFiles
from reference_impls.near_names import unknown
from reference_impls.number_format import count


def bench(
    pipeline: Path | None,
    quick: bool,
    threads: int,
    shapes: str | None,
    prompts: Path | None,
    variant: str | None,
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
            if prompts is not None or variant is not None:
                raise ValueError("--prompts and --variant are for a PIPELINE; give one, or leave them out")
            if shapes is not None and shapes not in LAYERS:
                raise ValueError(unknown("shapes", shapes, LAYERS))
        elif quick or shapes is not None:
            raise ValueError("--quick and --shapes choose single layers; leave them out, or leave PIPELINE out")
    document = _layers(quick, threads, shapes) if pipeline is None else _pipeline(pipeline, threads, prompts, variant)
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


def _pipeline(folder: Path, threads: int, prompts: Path | None, variant: str | None) -> dict[str, object]:
    """The denoiser of a pipeline, or a model of one, in one forward pass."""
    with wrong_use((ValueError, OSError, RuntimeError)):
        model, call, weights = _opened(folder, prompts, variant)
        macs = cost(model, Calibration((call,)))
        with terminal.spinner("timing with dense and sparse layers"), cores(threads):
            timed = time_forward_pass(model, call.run)
        packed, size = map(sum, zip(*map(sizes, weights.files), strict=True))
    terminal.console.print(terminal.forward_pass(timed, macs, call.samples, size, packed))
    terminal.say(f"Minimum of {timed.runs} runs of each, timed alternately, on {count(threads, 'thread')}.")
    if weights.precision != torch.float32:
        stored = str(weights.precision).removeprefix("torch.")
        terminal.say(f"Timed in float32, in which the kernels compute; the folder holds {stored}.")
    return {
        **made_with(as_typed(), threads),
        "model": type(model).__name__,
        "samples": call.samples,
        "inputs": _shapes((*call.positional, *call.arguments.values())),
        "dense_seconds": timed.dense_seconds,
        "sparse_seconds": timed.sparse_seconds,
        "speed_up": round(timed.speed_up, 3),
        "runs": timed.runs,
        "largest_difference": timed.largest_difference,
        "cost": asdict(macs),
        "bytes": size,
        "packed_bytes": packed,
        "layers": timed.layers,
        "rows": [{"layer": name, **asdict(choice)} for name, choice in timed.choices.items()],
    }


def _opened(folder: Path, prompts: Path | None, variant: str | None) -> tuple[nn.Module, Call, WeightFiles]:
    """The model, a forward pass of it, and its files."""
    words = () if prompts is None else read_prompts(prompts)
    kind = kind_of(str(folder))
    if kind == "other":
        raise ValueError(
            f"{folder} is no folder of diffusers; give a pipeline or its unet or transformer; for a model of the "
            "testbed: eval FOLDER --sparse"
        )
    if words and kind != "pipeline":
        raise ValueError(f"{folder} is one model, which takes no prompts; leave --prompts out, or give its pipeline")
    with terminal.spinner(f"opening {folder}"):
        if kind == "pipeline":
            whole = pipeline_folder.load(folder, variant)
            with diffusers_folder.quiet():
                return whole.denoiser.model, pass_of_pipeline(whole.pipeline, words), whole.denoiser.weights
        opened = diffusers_folder.load(folder, variant)
        return opened.model, pass_of_noise(opened.model), opened.weights


def _shapes(values: tuple[Any, ...]) -> list[list[int]]:
    """The shapes of the tensors among some inputs."""
    return [list(value.shape) for value in values if isinstance(value, torch.Tensor)]

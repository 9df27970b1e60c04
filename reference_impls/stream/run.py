"""Prune a model of diffusers from folder to folder, alone or in its pipeline, without the whole model in memory."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reference_impls.calls import store
from reference_impls.calls.call import Calibration
from reference_impls.files.journal import Rows
from reference_impls.files.outputs import check_outside
from reference_impls.files.packed import plain_name
from reference_impls.maths.masks import ALONE
from reference_impls.methods.prune import refuse_no_shortcuts, refuse_remainder, refuse_unknown, request_for
from reference_impls.methods.registry import NEEDS_NAMES, method_of
from reference_impls.models import diffusers_folder, pipeline_folder, weight_files
from reference_impls.models.diffusers_folder import PIPELINE, Outline, Steps
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.weight_files import refuse_changed
from reference_impls.pruning.chosen import layers_to_prune
from reference_impls.pruning.contract import Cost, Report, Request
from reference_impls.pruning.layers import left_dense
from reference_impls.stream import shards
from reference_impls.stream.blocks import RULES, prune_in_blocks
from reference_impls.stream.file_to_file import SCORES, prune_files
from reference_impls.stream.partial import Partial, partial
from reference_impls.stream.ranks import Ranks, device_of, ranks
from reference_impls.stream.writer import Show, Writer

NOT_RUN = "the model was not run as a whole"


def streams(method: str, scope: str | None = None) -> bool:
    """Whether a method prunes a folder without the whole model in memory."""
    return method in SCORES or (method in RULES and scope != "global")


def prune_folder(
    source: Path,
    out: Path,
    calibration: Calibration | Callable[[nn.Module], Calibration] | None = None,
    *,
    method: str,
    variant: str | None = None,
    device: str = "cpu",
    pack: bool = False,
    show: Show = lambda *_: None,
    **asked: Any,
) -> Report:
    """Prune a model on disk into a new folder, or nothing; an interrupted run can be resumed.

    Args:
        source: folder of a pipeline or of one model, of any class of diffusers.
        out: new folder, of the same kind, in the precision, shards and variant of the source.
        calibration: forward passes of the model, for a method that needs them; or what makes them, from the model
            without its weights, once nothing else can be refused. A resumed run must be given the same ones.
        method: one of those that ``streams`` knows.
        variant: of the weights.
        device: where blocks run, as torch names it.
        pack: whether zeros are left out of the files, which then ``load`` alone opens.
        show: progress.
        asked: what to prune, as ``methods.prune.prune`` takes it.

    Raises:
        FileExistsError: ``out`` is there.
        ValueError: the source cannot be opened or has changed, the request cannot be, a tensor is missing or not
            finite, a layer gets no inputs, or ``out`` cannot be written.
    """
    runs_on = device_of(device)
    whole = (source / PIPELINE).is_file()
    place = pipeline_folder.denoiser_folder(source) if whole else source
    if whole:
        pipeline_folder.check(out, source)
    else:
        check_outside(out, source)
    request = request_for(method, asked.pop("sparsity", None), **asked)
    if not streams(method, request.scope):
        raise ValueError(f"{method} with scope {request.scope} needs the whole model in memory; open it with load")
    needs = method_of(method).needs
    if calibration is None and needs != "nothing":
        raise ValueError(f"{method} needs {NEEDS_NAMES[needs]}, and calibration is None; give a Calibration")
    rule = RULES[method](request) if method in RULES else None
    outlined = diffusers_folder.outline(place, variant)
    if request.keep_shortcuts:
        refuse_no_shortcuts(method, method_of(method).kind, outlined.model)
    layers = _layers(outlined, request)
    before = diffusers_folder.steps_of(place)
    if callable(calibration):
        calibration = calibration(outlined.model)
    about: Mapping[str, Any] = {} if calibration is None else calibration.about
    started = time.perf_counter()
    with ranks(runs_on) as crew:
        settings = {**_settings(outlined, method, request, calibration, crew), "pack": pack}
        with partial(out, settings) if crew.first else nullcontext() as work:
            if work is not None and not work.rows:
                own = work.folder / place.name if whole else work.folder
                own.mkdir(exist_ok=True)
                shards.begin(own, outlined.weights)
            folder, state, rows = crew.share(None if work is None else (work.folder, work.state, work.rows))
            target = folder / place.name if whole else folder
            report = None
            with Writer(outlined, work or Partial(folder, state, rows, lambda _: None), target) as files:
                if rule is None:
                    if crew.first:
                        prune_files(layers, request, SCORES[method], files, show)
                elif calibration is not None and not files.done.issuperset(layers.values()):
                    prune_in_blocks(outlined, layers, calibration, rule, files, crew, show)
                if crew.first:
                    files.rest(show)
            if crew.first:
                report = _report(
                    method, request, outlined, layers, files.work.rows, about, time.perf_counter() - started
                )
                steps = (*before, {"prune": asdict(report)})
                _complete(files, source if whole else None, outlined, steps, pack)
        return crew.share(report)


def _complete(files: Writer, pipeline: Path | None, outlined: Outline, steps: Steps, pack: bool) -> None:
    """Put everything beside the weights that makes them a folder of diffusers."""
    work, target = files.work, files.target
    if pipeline is not None:
        for file in work.folder.iterdir():  # of a run that was stopped here
            if file != target:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        pipeline_folder.put_other_parts(work.folder, pipeline, target.name)
    if outlined.weights.index is not None:
        shutil.copyfile(outlined.weights.index, target / plain_name(outlined.weights.index))
    if pack:
        weight_files.pack(target)
    diffusers_folder.describe(target, outlined.weights, outlined.changes, steps)
    refuse_changed(outlined.weights)


def _layers(outlined: Outline, request: Request) -> dict[str, str]:
    """Each pruned layer, and the name of its weight in the files."""
    layers = layers_to_prune(outlined.model, request)
    if request.pattern is not None:
        refuse_remainder(request.pattern, layers)
    refuse_unknown(request.shares, layers)
    names = {name: outlined.stored.get(f"{name}.weight") for name in layers}
    for name, stored in names.items():
        if stored is None:
            raise ValueError(f"{name} has no weight of its own in the files: it is made of others, or shared")
    return {name: stored for name, stored in names.items() if stored is not None}


def _settings(
    outlined: Outline, method: str, request: Request, calibration: Calibration | None, crew: Ranks
) -> dict[str, Any]:
    """What must be the same in a resumed run."""
    weights = outlined.weights
    return {
        "source": [[file.name, *stamp] for file, stamp in zip(weights.watched, weights.stamps, strict=True)],
        "method": method,
        "request": {key: str(value) for key, value in asdict(request).items()},
        "calibration": None if calibration is None else store.fingerprint(calibration),
        "processes": crew.size,
        "device": crew.device.type,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers_package().__version__,
    }


def _report(
    method: str,
    request: Request,
    outlined: Outline,
    layers: Iterable[str],
    rows: Rows,
    about: Mapping[str, Any],
    seconds: float,
) -> Report:
    chosen = method_of(method)
    pruned = {row["layer"]: (row["pruned"], row["numbers"]) for row in rows if "layer" in row}
    weights = sum(numbers for _, numbers in pruned.values())
    wanted = sum(request.share(name) * numbers for name, (_, numbers) in pruned.items())
    parameters, nonzero, left = (sum(row.get(key, 0) for row in rows) for key in ("numbers", "nonzero", "left"))
    return Report(
        method=method,
        paper=chosen.paper,
        kind=chosen.kind,
        requested=request.sparsity,
        pattern=None if request.pattern is None else str(request.pattern),
        pattern_axis=None if request.pattern is None else request.pattern.axis,
        block=None if request.block == ALONE else str(request.block),
        scope=request.scope,
        seed=request.seed,
        shares=dict(request.shares),
        achieved={name: pruned[name][0] / pruned[name][1] for name in layers},
        difference=(sum(gone for gone, _ in pruned.values()) - wanted) / max(weights, 1),
        kept={},
        left_out=left_dense(outlined.model),
        dropped=[],
        keep_shortcuts=False,
        include=list(request.include),
        exclude=list(request.exclude),
        recover_blocks=request.recover_blocks,
        chosen=list(layers),
        before=Cost(parameters, nonzero, None, None, (NOT_RUN,)),
        after=Cost(parameters, left, None, None, (NOT_RUN,)),
        seconds=round(seconds, 3),
        calibration=about,
        versions=_versions(),
    )

"""The command `prune`: prune a model, measure it beside the dense one, and save it."""

from __future__ import annotations

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reference_impls.command_line import terminal
from reference_impls.command_line.testbed_models import IMAGES, measure, open_model, sample
from reference_impls.command_line.usage import wrong_use
from reference_impls.files.outputs import check_folder
from reference_impls.maths.masks import Pattern, Tile, check_sparsity
from reference_impls.methods.prune import calibration_for
from reference_impls.methods.prune import prune as run
from reference_impls.methods.registry import method_of
from reference_impls.models import diffusers_folder, testbed_folder
from reference_impls.testbed.data import load
from reference_impls.testbed.models import BUILDERS, DATA_OF, pretrained


def prune(
    method: str,
    out: Path,
    model: str,
    sparsity: str | None,
    pattern: str | None,
    block: str | None,
    scope: str | None,
    seed: int,
    samples: int,
) -> None:
    """Prune a model of the testbed or a folder of diffusers; see the options of the command.

    Raises:
        WrongUse: an argument, the model or the folder cannot be; nothing is written.
    """
    with wrong_use():
        amount = None if sparsity is None else _sparsity(sparsity)
        wanted = None if pattern is None else Pattern.parse(pattern)
        check_folder(out)
        tile = None if block is None else Tile.parse(block)
        asked: dict[str, Any] = {"method": method, "pattern": wanted, "block": tile, "scope": scope, "seed": seed}
        if diffusers_folder.is_folder(Path(model)):
            _prune_diffusers(Path(model), out, amount, asked)
            return
        opened = open_model(model)
        name, pruned = opened.name, copy.deepcopy(opened.model)
        with terminal.spinner(f"{method} prunes {model}"):
            calibration = calibration_for(method, opened.model, load(DATA_OF[name])[0], seed=seed)
            report = run(pruned, calibration, amount, **asked)
    columns = ("dense", "pruned") if model in BUILDERS else ("before", "after")
    before = measure(opened.model, name, samples, f"measuring {model}")
    dense = sample(pretrained(name), samples, "sampling from the dense model")
    after = measure(pruned, name, samples, "measuring the pruned model", dense)
    images = sample(pruned, IMAGES, "sampling from the pruned model")
    with wrong_use():
        steps = (*opened.steps, {"prune": asdict(report)})
        changes = opened.changes.then(report.kept, report.dropped)
        testbed_folder.save(out, name, pruned, steps, after, images, changes)
    terminal.console.print(terminal.qualities(columns, before, after, report))
    terminal.say_costs(report)
    terminal.say_where(out, "weights, report, samples")


def _prune_diffusers(folder: Path, out: Path, amount: float | None, asked: dict[str, Any]) -> None:
    """Prune a model of diffusers; there is no sampler and no metric for it here."""
    name = str(asked["method"])
    method = method_of(name)
    if method.kind == "depth":
        raise ValueError(f"{name} removes blocks; block removal is not supported for diffusers models")
    if method.needs in ("gradients", "training"):
        raise ValueError(f"{name} needs training images; it runs on the testbed's models only, not on diffusers models")
    with terminal.spinner(f"{name} prunes {folder}"):
        model, changes = diffusers_folder.load(folder)
        report = run(model, diffusers_folder.noise_calls(model), amount, **asked)
        after = changes.then(report.kept, report.dropped)
        steps = (*diffusers_folder.steps_of(folder), {"prune": asdict(report)})
        diffusers_folder.save(out, model, steps, after)
    terminal.console.print(terminal.costs(report))
    terminal.say_costs(report)
    if method.needs != "nothing":
        terminal.say(
            "Calibrated on noise with random conditions; for real use, calibrate with inputs of your pipeline."
        )
    if after.kept:
        terminal.say("Open it with reference_impls.models.diffusers_folder.load: diffusers cannot load changed widths.")
    terminal.say_where(out, "weights, configuration, report")


def _sparsity(text: str) -> float:
    try:
        sparsity = float(text)
    except ValueError:
        raise ValueError(f"sparsity {text!r} is not a number from 0 to 1") from None
    return check_sparsity(sparsity)

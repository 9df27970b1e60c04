"""The commands `prune` and `unpack`: prune a model, measure it beside the dense one, and save it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.calls.generate import takes_prompts
from reference_impls.calls.noise import INPUTS, noise_calls
from reference_impls.calls.prompts import own_prompts, read_prompts
from reference_impls.calls.record import Targets, record
from reference_impls.calls.targets import prediction_of
from reference_impls.command_line import terminal
from reference_impls.command_line.testbed_models import FEWEST, IMAGES, SAMPLES, measure, open_model, sample
from reference_impls.command_line.usage import PROGRAM, Stopped, wrong_use
from reference_impls.files.outputs import check_folder, check_outside
from reference_impls.maths.masks import Pattern, Tile, check_sparsity
from reference_impls.methods.prune import DOES, calibration_for, request_for
from reference_impls.methods.prune import prune as run
from reference_impls.methods.registry import method_of
from reference_impls.models import diffusers_folder, packed_folder, pipeline_folder, testbed_folder, weight_files
from reference_impls.models.diffusers_folder import Opened
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.folder_kinds import kind_of
from reference_impls.number_format import percent, thousands
from reference_impls.pruning.chosen import blocks_to_prune, groups_to_prune, layers_to_prune
from reference_impls.pruning.contract import Report, Request
from reference_impls.stream.partial import partial_of
from reference_impls.stream.ranks import processes
from reference_impls.stream.run import prune_folder, streams
from reference_impls.testbed.data import load
from reference_impls.testbed.models import BUILDERS, DATA_OF, pretrained

SPARSE, BESIDE = "Time it with sparse kernels", "Time it beside the dense model"
PASSES, RECORDED, STEPS = 8, 32, 20
"""Forward passes of calibration, with noise and recorded, and steps of a sampler, where no number is given."""


@dataclass(frozen=True)
class Recording:
    """How inputs are recorded from a pipeline."""

    prompts: Path | None = None
    """File, one prompt a line."""
    steps: int | None = None
    guidance: float | None = None


NOTHING = Recording()
CPU = "cpu"


@dataclass(frozen=True)
class Globs:
    """Names of what to prune and what to leave as it is."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def prune(
    pipeline: Path | None,
    method: str,
    out: Path,
    model: str | None,
    sparsity: str | None,
    pattern: str | None,
    pattern_axis: str | None,
    block: str | None,
    scope: str | None,
    keep_shortcuts: bool,
    globs: Globs,
    seed: int,
    samples: int | None,
    variant: str | None,
    recording: Recording,
    recover_blocks: int,
    device: str,
    pack: bool,
) -> None:
    """Prune a model of the testbed or a folder of diffusers; see the options of the command.

    Raises:
        WrongUse: an argument, the model or the folder cannot be; nothing is written.
    """
    with wrong_use():
        amount = None if sparsity is None else _sparsity(sparsity)
        if pattern is None and pattern_axis is not None:
            raise ValueError("--pattern-axis is for --pattern; give one, such as 2:4, or leave it out")
        wanted = None if pattern is None else Pattern.parse(pattern, pattern_axis or "channels")
        check_folder(out)
        tile = None if block is None else Tile.parse(block)
        if pipeline is not None and model is not None:
            raise ValueError("give PIPELINE or --model, not both")
        model = str(pipeline) if pipeline is not None else model or "dit"
        asked: dict[str, Any] = {"method": method, "pattern": wanted, "block": tile, "scope": scope, "seed": seed}
        asked |= {"keep_shortcuts": keep_shortcuts, "include": globs.include, "exclude": globs.exclude}
        asked |= {"recover_blocks": recover_blocks}
        kind = "other" if model in BUILDERS else kind_of(model)
        if recording != NOTHING and kind != "pipeline":
            raise ValueError(
                f"inputs are recorded from a whole pipeline, and {model} is none; leave --prompts, --steps and "
                "--guidance out, or give the folder with model_index.json"
            )
        if kind != "other":
            _prune_diffusers(Path(model), out, amount, asked, Passes(kind, samples, recording), variant, device, pack)
            return
        if pack:
            raise ValueError(f"{model} is of the testbed; --pack is for folders of diffusers")
        if device != CPU:
            raise ValueError(f"{model} is pruned on the processor; --device is for folders of diffusers")
        if variant is not None:
            raise ValueError(f"{model} has no variants; --variant is for folders of diffusers")
        if samples is not None and samples < FEWEST:
            raise ValueError(f"--samples {samples} is too few for the metrics of {model}; give {FEWEST} or more")
        opened = open_model(model)
        name, pruned = opened.name, copy.deepcopy(opened.model)
        with terminal.spinner(f"{method} prunes {model}"):
            calibration = calibration_for(method, opened.model, load(DATA_OF[name])[0], seed=seed)
            report = run(pruned, calibration, amount, **asked)
    samples = samples or SAMPLES
    columns = ("dense", "pruned") if model in BUILDERS else ("before", "after")
    before = measure(opened.model, name, samples, f"measuring {model}")
    dense = sample(pretrained(name), samples, "sampling from the dense model")
    after = measure(pruned, name, samples, "measuring the pruned model", dense)
    images = sample(pruned, IMAGES, "sampling from the pruned model")
    with wrong_use():
        steps = (*opened.steps, {"prune": asdict(report)})
        changes = opened.changes.then(report.kept, report.dropped, keep_shortcuts=report.keep_shortcuts)
        testbed_folder.save(out, name, pruned, steps, after, images, changes)
    terminal.console.print(terminal.qualities(columns, before, after, report))
    terminal.say_costs(report)
    terminal.say_where(out, "weights, report, samples")
    if report.kind == "unstructured":
        terminal.say_command(SPARSE, *PROGRAM.split(), "eval", out, "--sparse")


def _prune_diffusers(
    folder: Path,
    out: Path,
    amount: float | None,
    asked: dict[str, Any],
    passes: Passes,
    variant: str | None,
    device: str,
    pack: bool,
) -> None:
    """Prune a model of diffusers, alone or in its pipeline; there is no metric for it here."""
    name = str(asked["method"])
    method = method_of(name)
    if method.needs == "nothing" and passes.recording != NOTHING:
        raise ValueError(f"{name} is data-free; leave --prompts, --steps and --guidance out")
    whole = passes.kind == "pipeline"
    place = pipeline_folder.denoiser_folder(folder) if whole else folder
    if pack and method.kind != "unstructured" and not diffusers_folder.steps_of(place):
        raise ValueError(f"{name} {DOES[method.kind]} and leaves no zeros to pack; leave --pack out")
    if whole:
        pipeline_folder.check(out, folder)
    else:
        check_outside(out, folder)
    if streams(name, asked["scope"]):
        report = _streamed(folder, place, out, amount, asked, passes, variant, device, pack)
    elif device != CPU:
        raise ValueError(
            f"{name} needs the whole model in memory, which is pruned on the processor; leave --device out"
        )
    elif processes() > 1:
        raise ValueError(f"{name} needs the whole model in memory, which one process prunes; leave torchrun out")
    else:
        _check(folder, place, amount, asked)
        report = _in_memory(folder, place, out, amount, asked, passes, variant, pack)
    made = out / place.name if whole else out
    terminal.console.print(terminal.costs(report, *(weight_files.find(one, variant).size for one in (place, made))))
    terminal.say_costs(report)
    if method.needs != "nothing":
        terminal.say(terminal.calibrated(report.calibration))
    if pack:
        size, dense = weight_files.sizes(made)
        terminal.say(
            f"Packed: {thousands(size)} bytes of weights instead of {thousands(dense)}, {percent(size / dense)}. Open "
            "it with reference_impls.load."
        )
    elif report.kept or report.dropped:
        terminal.say(_how_to_open(made))
    if whole:
        others = [part.name for part in sorted(folder.glob(f"{place.name}_*/"))]  # as in Wan 2.2
        rest = f", and its {' and '.join(others)} is not" if others else ""
        terminal.say_where(out, f"the pipeline; its {place.name} is pruned{rest}")
    else:
        terminal.say_where(out, "weights, configuration, report")
    _say_next(folder, place, out, report, passes.recording, variant, pack)


def _say_next(
    folder: Path, place: Path, out: Path, report: Report, recording: Recording, variant: str | None, pack: bool
) -> None:
    """Print the commands that can follow, for the prompts that were given."""
    whole, prompts = folder != place, recording.prompts
    again = prompts if prompts and prompts.is_file() else None  # a pipe has been read
    files = _options(variant=variant, prompts=again)
    if whole or diffusers_folder.class_of(place) in INPUTS:
        head, against = (SPARSE, []) if report.kind == "unstructured" else (BESIDE, ["--against", folder])
        terminal.say_command(head, *PROGRAM.split(), "bench", out, *against, *files)
    if whole and not pipeline_folder.starts_from_images(folder):
        files += _options(steps=recording.steps, guidance=recording.guidance)
        head = "Compare its samples with those of the dense pipeline"
        terminal.say_command(head, *PROGRAM.split(), "eval", out, "--against", folder, *files)
    if pack:
        terminal.say_command("Write its zeros again, for diffusers", diffusers_folder.unpack_command(out))


def _options(**given: object) -> list[object]:
    """Options of a command for what was given."""
    return [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]


def _check(folder: Path, place: Path, amount: float | None, asked: dict[str, Any]) -> None:
    """Refuse what the class of the model or the scheduler does not have, before any weights are opened."""
    method = method_of(str(asked["method"]))
    request = _request(amount, asked)
    model = diffusers_folder.empty(place)
    choose: dict[str, Callable[[nn.Module, Request], object]] = {
        "unstructured": layers_to_prune,
        "structured": groups_to_prune,
        "depth": blocks_to_prune,
    }
    choose[method.kind](model, request)
    if method.needs_targets and folder != place:
        prediction_of(pipeline_folder.scheduler_of(folder))


def _request(amount: float | None, asked: dict[str, Any]) -> Request:
    return request_for(str(asked["method"]), amount, **{key: value for key, value in asked.items() if key != "method"})


def _streamed(
    folder: Path,
    place: Path,
    out: Path,
    amount: float | None,
    asked: dict[str, Any],
    passes: Passes,
    variant: str | None,
    device: str,
    pack: bool,
) -> Report:
    """Prune the model at ``place`` from folder to folder."""
    name, seed = str(asked["method"]), int(asked["seed"])
    runs = method_of(name).needs != "nothing"
    if device != CPU and not runs:
        raise ValueError(f"{name} reads and writes files and runs nothing; leave --device out")

    def calibration(model: nn.Module) -> Calibration:
        if folder == place:
            return passes.noise(model, seed, tried=False)
        return passes.recorded(folder, variant, seed)[1]

    try:
        with _naming_failures(name, place), terminal.bar(f"{name} prunes {place}") as show:
            return prune_folder(
                folder,
                out,
                calibration if runs else None,
                variant=variant,
                device=device,
                pack=pack,
                show=show,
                sparsity=amount,
                **asked,
            )
    except KeyboardInterrupt as error:
        if (beside := partial_of(out)).exists():
            raise Stopped(f"interrupted; run the same command again to resume in {beside}") from error
        raise


@contextmanager
def _naming_failures(name: str, place: Path) -> Iterator[None]:
    """Inside, what fails in the model's own code, which is anybody's, names the method and the folder."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        what = str(error).partition("\n")[0]
        raise ValueError(f"{name} fails on {place}: {type(error).__name__}: {what}") from error


def _in_memory(
    folder: Path,
    place: Path,
    out: Path,
    amount: float | None,
    asked: dict[str, Any],
    passes: Passes,
    variant: str | None,
    pack: bool,
) -> Report:
    """Open the model at ``place``, prune it, and save it or its pipeline."""
    name, whole = str(asked["method"]), folder != place
    method = method_of(name)
    calibration: Calibration | None
    if whole and method.needs != "nothing":
        targets: Targets = "sample" if method.needs_targets else "none"
        opened, calibration = passes.recorded(folder, variant, asked["seed"], targets)
    else:
        with terminal.spinner(f"opening {place}"):
            opened = diffusers_folder.load(place, variant)
            if method.needs == "nothing":
                calibration = passes.to_count(opened.model, asked["seed"])
            else:
                calibration = passes.noise(opened.model, asked["seed"], targets=method.needs_targets)
    with terminal.spinner(f"{name} prunes {place}"):
        with _naming_failures(name, place):
            report = run(opened.model, calibration, amount, **asked)
        versions = {**report.versions, "diffusers": diffusers_package().__version__}
        report = replace(report, versions=versions)
        changes = opened.changes.then(report.kept, report.dropped, keep_shortcuts=report.keep_shortcuts)
        pruned = replace(opened, changes=changes)
        steps = (*diffusers_folder.steps_of(place), {"prune": asdict(report)})
        if whole:
            pipeline_folder.save(out, folder, pruned, steps, pack=pack)
        else:
            diffusers_folder.save(out, pruned, steps, pack=pack)
    return report


def _how_to_open(place: Path) -> str:
    """What opens a model without some of its units or blocks, in a sentence."""
    opens, name = diffusers_folder.opened_by(place), diffusers_folder.class_of(place)
    if opens.endswith(".from_pretrained"):
        return f"{opens} opens it: its configuration says the new numbers."
    return f"Open it with {opens}: the configuration of {name} cannot say what was removed."


@dataclass(frozen=True)
class Passes:
    """Forward passes that a method of diffusers models looks at."""

    kind: str
    samples: int | None
    recording: Recording

    def recorded(
        self, folder: Path, variant: str | None, seed: int, targets: Targets = "none", runs: int | None = None
    ) -> tuple[Opened, Calibration]:
        """The denoiser of a pipeline, with inputs recorded from it.

        Args:
            folder: of the pipeline.
            variant: of its weights.
            seed: of the first run.
            targets: kept with the inputs.
            runs: so many prompts of this package, or all of a file, repeated with other seeds where they are fewer;
                one run a prompt where not given.
        """
        asked = self.recording
        prompts = own_prompts() if asked.prompts is None else read_prompts(asked.prompts)
        with terminal.spinner(f"opening {folder}"):
            opened = pipeline_folder.load(folder, variant)
        if asked.prompts is None and not takes_prompts(opened.pipeline):
            prompts = ()
        if runs is not None:
            prompts = tuple(islice(cycle(prompts), max(runs, 0 if asked.prompts is None else len(prompts))))
        with terminal.bar("recording") as show, diffusers_folder.quiet():
            calls = record(
                opened.pipeline,
                prompts,
                steps=asked.steps or STEPS,
                guidance=asked.guidance,
                seed=seed,
                limit=self.samples or RECORDED,
                targets=targets,
                show=show,
            )
        own = {"prompts_file": "of this package" if asked.prompts is None else asked.prompts.name} if prompts else {}
        return opened.denoiser, replace(calls, about={**calls.about, **own})

    def noise(self, model: nn.Module, seed: int, *, tried: bool = True, targets: bool = False) -> Calibration:
        """Noise, where there is no pipeline."""
        return noise_calls(model, batches=self.samples or PASSES, n=1, seed=seed, tried=tried, targets=targets)

    def to_count(self, model: nn.Module, seed: int) -> Calibration | None:
        """Noise to count MACs with; a data-free method prunes any class without it."""
        if type(model).__name__ not in INPUTS:
            return None
        try:
            return noise_calls(model, batches=1, n=1, seed=seed)
        except ValueError:  # a configuration with inputs of its own
            return None


def _sparsity(text: str) -> float:
    try:
        sparsity = float(text)
    except ValueError:
        raise ValueError(f"sparsity {text!r} is not a number from 0 to 1") from None
    return check_sparsity(sparsity)


def unpack(folder: Path, out: Path) -> None:
    """The command `unpack`: write a packed folder with all of its zeros.

    Raises:
        WrongUse: the folder is not packed or damaged, or the new one cannot be written.
    """
    with wrong_use(), terminal.spinner(f"unpacking {folder}"):
        packed_folder.unpack(folder, out)
    terminal.say_where(out, "weights, configuration, report")

"""The command `recover`: recover a pruned model by fine-tuning or distillation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.command_line import terminal
from reference_impls.command_line.prune import Passes, Recording
from reference_impls.command_line.testbed_models import FEWEST, IMAGES, SAMPLES, measure, sample
from reference_impls.command_line.usage import wrong_use
from reference_impls.files.outputs import check_folder, check_outside
from reference_impls.methods.registry import Features, parse_features
from reference_impls.models import diffusers_folder, pipeline_folder, testbed_folder
from reference_impls.models.folder_kinds import kind_of
from reference_impls.study.recover import RATE, RATE_OF_PIPELINES, distil
from reference_impls.study.recover import recover as run
from reference_impls.testbed.data import load
from reference_impls.testbed.models import DATA_OF, pretrained

PASSES, A_RUN, HELD_OUT = 64, 4, 8
"""Forward passes that are recorded where no number is given, at most of a run; one of so many is held out."""


@dataclass(frozen=True)
class Against:
    """The dense model of diffusers, and how it is recorded; nothing of it is for the testbed."""

    dense: Path | None = None
    prompts: Path | None = None
    guidance: float | None = None
    variant: str | None = None


def recover(
    folder: Path,
    out: Path,
    steps: int,
    rate: float | None,
    teacher: bool,
    features: str,
    seed: int,
    samples: int | None,
    against: Against,
) -> None:
    """Recover a model of the testbed, or of diffusers; see the options of the command.

    Raises:
        WrongUse: an argument or one of the folders cannot be; nothing is written.
    """
    with wrong_use():
        matched = parse_features(features)
        if matched != "none" and not teacher:
            raise ValueError(f"features {features!r} need a teacher; leave --no-teacher out")
        if rate is not None and not 0 < rate < math.inf:
            raise ValueError(f"--rate {rate:g} is no learning rate; give a positive number, such as {RATE:g}")
        check_folder(out)
        if kind_of(str(folder)) != "other":
            if not teacher:
                raise ValueError(f"without a data set {folder} learns from the dense model; leave --no-teacher out")
            _distil(folder, out, steps, rate or RATE_OF_PIPELINES, matched, seed, samples or PASSES, against)
            return
        if against != Against():
            raise ValueError(
                f"{folder} is no folder of diffusers; --against, --prompts, --guidance and --variant are for one"
            )
        samples = samples or SAMPLES
        if samples < FEWEST:
            raise ValueError(f"--samples {samples} is too few for the metrics of {folder}; give {FEWEST} or more")
        opened = testbed_folder.load(folder)
    name, model = opened.name, opened.model
    dense, rate = pretrained(name) if teacher else None, rate or RATE
    before = measure(model, name, samples, "measuring the pruned model")
    model.train()
    with terminal.bar("recovering", steps) as show:
        training = load(DATA_OF[name])[0]
        run(model, training, steps=steps, teacher=dense, features=matched, rate=rate, seed=seed, show=show)
    model.eval()
    after = measure(model, name, samples, "measuring the recovered model")
    images = sample(model, IMAGES, "sampling from the recovered model")
    with wrong_use():
        how = {"steps": steps, "rate": rate, "teacher": teacher, "features": features, "seed": seed}
        testbed_folder.save(out, name, model, (*opened.steps, {"recover": how}), after, images, opened.changes)
    terminal.console.print(terminal.qualities(("pruned", "recovered"), before, after))
    terminal.say_where(out, "weights, report, samples")


def _distil(
    folder: Path, out: Path, steps: int, rate: float, features: Features, seed: int, samples: int, against: Against
) -> None:
    """Train the denoiser of a folder to predict what the dense one does, in float32; it keeps its precision on disk."""
    place, dense = _places(folder, against.dense)
    check_outside(out, folder)
    if samples < HELD_OUT:
        raise ValueError(f"--samples {samples} is too few to learn from and to measure; give {HELD_OUT} or more")
    teacher, training, held_out = _recorded(dense, samples, seed, against)
    with terminal.spinner(f"opening {place}"):
        opened = diffusers_folder.load(place, against.variant)
    model = opened.model
    whole = pipeline_folder.denoiser_folder(dense) if kind_of(str(dense)) == "pipeline" else dense
    before = _error(model, held_out)
    with terminal.bar("recovering", steps) as show:
        distil(
            model,
            training,
            steps=steps,
            teacher=teacher if features != "none" else None,
            features=features,
            dropped=diffusers_folder.lost_against(place, whole),
            rate=rate,
            seed=seed,
            show=show,
        )
    after = _error(model, held_out)
    how: dict[str, object] = {"steps": steps, "rate": rate, "features": features, "seed": seed}
    how |= {"before": before, "after": after}
    how["calibration"] = dict(training.about)
    written = (*diffusers_folder.steps_of(place), {"recover": how})
    if folder != place:
        pipeline_folder.save(out, folder, opened, written)
    else:
        diffusers_folder.save(out, opened, written)
    terminal.console.print(terminal.distilled(before, after, len(training.calls), len(held_out.calls)))
    terminal.say_where(out, f"the pipeline; its {place.name} is recovered" if folder != place else "weights, report")


def _places(folder: Path, against: Path | None) -> tuple[Path, Path]:
    """The folder of the pruned denoiser, and that of the dense pipeline or model; compared before anything is opened.

    Raises:
        ValueError: there is no dense model, or it is of another class or the pruned one itself.
    """
    if against is None:
        raise ValueError(
            f"{folder} holds a model of diffusers, which learns from the dense one; give the folder that it was pruned "
            "from: --against DENSE"
        )
    if folder.resolve() == against.resolve():
        raise ValueError(f"--against {against} is the pruned model itself; give the folder that it was pruned from")
    if kind_of(str(against)) == "other":
        raise ValueError(f"--against {against} is no folder of diffusers; give the one that {folder} was pruned from")
    place, dense = (
        pipeline_folder.denoiser_folder(one) if kind_of(str(one)) == "pipeline" else one for one in (folder, against)
    )
    one, other = diffusers_folder.class_of(place), diffusers_folder.class_of(dense)
    if one != other:
        raise ValueError(f"{folder} holds a {one}, and --against {against} a {other}; give the one that it came from")
    return place, against


def _recorded(dense: Path, samples: int, seed: int, against: Against) -> tuple[nn.Module, Calibration, Calibration]:
    """The dense denoiser, and forward passes of it with its outputs: to learn from, and held out for measuring.

    Those of the last runs are held out, or of noise, whose timesteps fall, some at all times.
    """
    recording = Recording(against.prompts, None, against.guidance)
    passes = Passes(kind_of(str(dense)), samples, recording)
    if passes.kind == "pipeline":
        opened, calls = passes.recorded(dense, against.variant, seed, "output", math.ceil(samples / A_RUN))
        cut = len(calls.calls) - max(1, len(calls.calls) // HELD_OUT)
        return opened.model, replace(calls, calls=calls.calls[:cut]), replace(calls, calls=calls.calls[cut:])
    if recording != Recording():
        raise ValueError(f"--against {dense} is one model, which takes no prompts and guidance; give its pipeline")
    with terminal.spinner(f"opening {dense}"):
        model = diffusers_folder.load(dense, against.variant).model
        calls = passes.noise(model, seed)
        with torch.no_grad():
            known = [replace(call, target=call.run(model)) for call in calls]
    held_out = known[HELD_OUT - 1 :: HELD_OUT]
    del known[HELD_OUT - 1 :: HELD_OUT]
    return model, replace(calls, calls=tuple(known)), replace(calls, calls=tuple(held_out))


@torch.no_grad()
def _error(model: nn.Module, calls: Calibration) -> float:
    """Mean squared error to the dense model's prediction."""
    return math.fsum(call.loss(model).item() for call in calls) / len(calls.calls)

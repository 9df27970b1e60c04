"""The command `eval`: measure a saved model of the testbed, or a pruned pipeline against the dense one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from reference_impls.bench.sampling import sample_both as sample_testbed
from reference_impls.calls.generate import takes_prompts
from reference_impls.calls.prompts import own_prompts, read_prompts
from reference_impls.command_line import terminal
from reference_impls.command_line.testbed_models import FEWEST, SAMPLES, measure
from reference_impls.command_line.usage import wrong_use
from reference_impls.files.outputs import check_file
from reference_impls.models import diffusers_folder, pipeline_folder, testbed_folder
from reference_impls.models.folder_kinds import Kind, kind_of
from reference_impls.pipelines.measure import GUIDANCE
from reference_impls.pipelines.parts import is_miniature
from reference_impls.pipelines.scenes import SCENES
from reference_impls.study.pipeline_samples import Asked, compare, follows, sample, sample_both, sheet

FEW, STEPS = 8, 20
"""Samples of a pipeline and steps of its sampler, where no number is given."""


@dataclass(frozen=True)
class Against:
    """What a pipeline is compared with, and how; nothing of it is for the testbed."""

    dense: Path | None = None
    prompts: Path | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    variant: str | None = None
    images: Path | None = None


def evaluate(folder: Path, samples: int | None, sparse: bool, against: Against) -> None:
    """Print the metrics of a model or a pipeline, and with ``sparse`` its time with sparse kernels.

    Raises:
        WrongUse: the folder holds nothing that can be measured, or an argument is not for it.
    """
    with wrong_use():
        kind = kind_of(str(folder))
        if kind != "other":
            _evaluate_pipeline(folder, _dense(folder, kind, against), samples, sparse, against)
            return
        if against != Against():
            raise ValueError(
                f"{folder} is no pipeline of diffusers; --against, --prompts, --steps, --guidance, --seed, --variant "
                "and --images are for one"
            )
        samples = samples or SAMPLES
        if samples < FEWEST:
            raise ValueError(f"--samples {samples} is too few for the metrics of {folder}; give {FEWEST} or more")
        opened = testbed_folder.load(folder)
    quality, sampling = measure(opened.model, opened.name, samples, "measuring"), None
    if sparse:
        with terminal.spinner("timing with and without sparse layers"):
            sampling = sample_testbed(opened.model, samples)
    terminal.console.print(terminal.measured(quality, sampling))


def _dense(folder: Path, kind: Kind, against: Against) -> Path:
    """The folder of the dense pipeline; what cannot be compared is refused before anything is opened.

    Raises:
        ValueError: the folder is a model without its pipeline, or there is no dense pipeline.
    """
    if kind == "denoiser":
        whole = folder.resolve().parent
        cure = f"give {whole}" if kind_of(str(whole)) == "pipeline" else "give a pipeline that holds it"
        raise ValueError(f"{folder} is one model, from which there is nothing to sample; {cure}")
    if against.dense is None:
        raise ValueError(
            f"{folder} is a pipeline of diffusers, whose samples are compared with the dense ones; give the pipeline "
            "that it was pruned from: --against PIPELINE"
        )
    if kind_of(str(against.dense)) != "pipeline":
        raise ValueError(f"--against {against.dense} is no pipeline of diffusers; give a folder with model_index.json")
    if against.images is not None:
        check_file(against.images)
        if against.images.suffix.lower() not in Image.registered_extensions():
            raise ValueError(f"--images {against.images}: no such kind of image; give a name such as samples.png")
    return against.dense


def _evaluate_pipeline(folder: Path, dense: Path, samples: int | None, sparse: bool, against: Against) -> None:
    """Sample from the dense and from the pruned pipeline, one after the other, and compare."""
    with wrong_use((ValueError, OSError, RuntimeError)), diffusers_folder.quiet():
        words = () if against.prompts is None else read_prompts(against.prompts)
        pipeline, sampling = _open(dense, against.variant), None
        asked = _asked(pipeline, words, samples, against)
        with terminal.bar("sampling from the dense pipeline") as show:
            expected = sample(pipeline, asked, show)
        del pipeline  # one at a time in memory
        pruned = _open(folder, against.variant)
        with terminal.bar("sampling from the pruned pipeline") as show:
            if sparse:
                made, sampling = sample_both(pruned, asked, show)
            else:
                made = sample(pruned, asked, show)
        compared = compare(expected, made)
        followed = follows(made, asked) if is_miniature(pruned) else None
        if against.images is not None:
            against.images.parent.mkdir(parents=True, exist_ok=True)
            sheet((expected, made)).save(against.images)
    terminal.console.print(terminal.samples(compared, followed, sampling))
    guidance = "the pipeline's own guidance" if asked.guidance is None else f"guidance {asked.guidance:g}"
    terminal.say(f"{asked.steps} steps, {guidance}, seeds from {asked.seed}; values from 0 to 1.")
    if against.images is not None:
        terminal.say_where(against.images, "dense samples, and below each the pruned pipeline's")


def _open(folder: Path, variant: str | None) -> Any:
    with terminal.spinner(f"opening {folder}"):
        return pipeline_folder.load(folder, variant).pipeline


def _asked(pipeline: Any, words: tuple[str, ...], samples: int | None, against: Against) -> Asked:
    """What is sampled, with what is right for the pipeline where nothing is said."""
    guidance = against.guidance
    if is_miniature(pipeline):
        guidance = GUIDANCE if guidance is None else guidance
        captions = tuple(scene.caption() for scene in SCENES)
        words, fewest = (words, FEW) if words else (captions, len(captions))
    else:
        words = words or (own_prompts() if takes_prompts(pipeline) else ())
        fewest = FEW
    return Asked(words, samples or fewest, against.steps or STEPS, guidance, against.seed or 0)

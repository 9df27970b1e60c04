"""Every method on the miniature pipeline: calibrated on recorded forward passes and on noise, recovered, run sparse.

A pruned U-Net is measured as a folder holds it, in half precision. Its samples are compared with those of the dense
pipeline from the same noise and prompts, one for each caption, and the testbed's classifier names the
digit that each shows. Recorded forward passes are of prompts that the seed chooses among those captions, with other
noise; there are as many of noise, with as many samples.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from PIL.Image import Image
from torch import nn

from reference_impls.bench.forward_pass import time_forward_pass
from reference_impls.bench.records import WholeModel
from reference_impls.calls.call import Calibration
from reference_impls.calls.noise import noise_calls
from reference_impls.calls.record import Targets, record
from reference_impls.files.packed import safetensors_bytes
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS, Method
from reference_impls.pipelines import parts
from reference_impls.pipelines.measure import GUIDANCE, followed, samples
from reference_impls.pipelines.scenes import SCENES, Scene
from reference_impls.pruning.contract import Report
from reference_impls.study.pipeline_samples import Samples, compare, sheet
from reference_impls.study.records import PipelineRow
from reference_impls.study.recover import distil

SHARE, PATTERN = 0.5, "2:4"
RECORDED, NOISE = "recorded", "noise"
KERNEL_METHOD = "magnitude"
KERNELS = (0.5, 0.7, 0.9, Pattern.parse(PATTERN))
"""Sparsity or pattern of the denoisers that are timed; which weights are zero makes no difference there."""
SEEDS = 3
"""Of everything random: the choice of a random method, the prompts and the noise of a calibration."""


@dataclass(frozen=True)
class Sizes:
    """How much is behind a row."""

    captions: int = len(SCENES)
    """Samples of a row, each of another caption."""
    steps: int = 10
    """Of the sampler."""
    prompts: int = 16
    """To record with."""
    passes: int = 32
    """Recorded forward passes, each with the two samples of guidance, or forward passes of two samples of noise."""
    recovery_steps: int = 200
    """Training steps, each on one forward pass."""
    recovery_prompts: int = 50
    recovery_passes: int = 200


@dataclass(frozen=True)
class Job:
    """One way to prune."""

    method: str
    pattern: str | None = None
    calibration: str | None = None
    """RECORDED or NOISE; None for a data-free method."""
    seed: int = 0


SHOWN = (
    Job("magnitude"),
    Job("wanda", None, RECORDED),
    Job("obs-diff", None, RECORDED),
    Job("obs-diff", PATTERN, RECORDED),
    Job("obs-diff-units", None, RECORDED),
)
"""Whose samples are shown."""
RECOVERED = (Job("wanda", None, RECORDED), Job("obs-diff-units", None, RECORDED), Job("shortgpt", None, RECORDED))
"""What is recovered, with every seed."""


def jobs(seed: int) -> Iterator[Job]:
    """All of one seed, in the order of the registry; what has nothing random in it with the first seed only."""
    for name, method in METHODS.items():
        for pattern in _patterns(method):
            if method.needs != "nothing":
                yield Job(name, pattern, RECORDED, seed)
                yield Job(name, pattern, NOISE, seed)
            elif name.startswith("random") or not seed:
                yield Job(name, pattern, None, seed)


def _patterns(method: Method) -> Sequence[str | None]:
    if method.pattern_only:
        return (PATTERN,)
    return (None, PATTERN) if method.kind == "unstructured" else (None,)


class Study:
    """The dense pipeline, its samples, and the calibrations, each made once."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.pipeline = parts.pipeline()
        self.dense: nn.Module = self.pipeline.unet
        self.scenes = SCENES[:: len(SCENES) // sizes.captions][: sizes.captions]
        self._calibrations: dict[tuple[str, int, Targets], Calibration] = {}

    @cached_property
    def expected(self) -> torch.Tensor:
        """The dense pipeline's samples, (captions, 3, 32, 32) in [-1, 1]."""
        return self.samples(self.dense, self.scenes)

    def samples(self, unet: nn.Module, scenes: Sequence[Scene]) -> torch.Tensor:
        """A sample of each scene by the pipeline with another U-Net, in the same form."""
        self.pipeline.unet = unet
        try:
            return samples(self.pipeline, [scene.caption() for scene in scenes], steps=self.sizes.steps)
        finally:
            self.pipeline.unet = self.dense

    def sheet(self) -> Image:
        """Samples of one caption for each digit: a row of the dense pipeline, then one of each in ``SHOWN``."""
        scenes = [scene for scene in SCENES if (scene.size, scene.place) == ("large", "in the middle")]
        pruned = (stored(self.prune(job)[0]) for job in SHOWN)
        return sheet([arrays(self.samples(unet, scenes)) for unet in (self.dense, *pruned)])

    def calibration(self, kind: str, seed: int, targets: Targets = "none") -> Calibration:
        """Forward passes of one kind and seed, with what the model should predict there where a method needs it.

        Those with the dense output as the target are for recovery, and are more.
        """
        key = kind, seed, targets
        if key not in self._calibrations:
            made = self._recorded(seed, targets) if kind == RECORDED else self._noise(seed, targets)
            self._calibrations[key] = made
        return self._calibrations[key]

    def _recorded(self, seed: int, targets: Targets) -> Calibration:
        sizes, recovers = self.sizes, targets == "output"
        captions = [scene.caption() for scene in SCENES]
        prompts = random.Random(seed).sample(captions, sizes.recovery_prompts if recovers else sizes.prompts)  # noqa: S311
        return record(
            self.pipeline,
            prompts,
            steps=sizes.steps,
            guidance=GUIDANCE,
            seed=1000 * (seed + 1),
            limit=sizes.recovery_passes if recovers else sizes.passes,
            targets=targets,
        )

    def _noise(self, seed: int, targets: Targets) -> Calibration:
        return noise_calls(self.dense, batches=self.sizes.passes, n=2, seed=seed, targets=targets != "none")

    def prune(self, job: Job) -> tuple[nn.Module, Report]:
        """A pruned copy of the dense U-Net.

        Raises:
            ValueError: the method refuses it.
        """
        unet = copy.deepcopy(self.dense)
        targets: Targets = "sample" if METHODS[job.method].needs_targets else "none"
        report = prune(
            unet,
            self.calibration(job.calibration or RECORDED, job.seed, targets),  # of a data-free one, to count MACs
            SHARE if job.pattern is None else None,
            method=job.method,
            pattern=None if job.pattern is None else Pattern.parse(job.pattern),
            seed=job.seed,
        )
        return unet, report

    def dense_row(self) -> PipelineRow:
        """The dense pipeline."""
        report = prune(copy.deepcopy(self.dense), self.calibration(RECORDED, 0), 0.0, method="magnitude")
        return self._row(Job(""), self.dense, report)

    def rows(self, job: Job) -> Iterator[PipelineRow]:
        """One way to prune, measured one-shot, and recovered where it is among ``RECOVERED``; raises as ``prune``."""
        unet, report = self.prune(job)
        yield self._row(job, unet, report)
        if replace(job, seed=0) not in RECOVERED:
            return
        calls = self.calibration(RECORDED, job.seed, "output")
        started = time.perf_counter()
        distil(unet, calls, steps=self.sizes.recovery_steps, seed=job.seed)
        yield self._row(job, unet, report, self.sizes.recovery_steps, time.perf_counter() - started)

    def _row(self, job: Job, unet: nn.Module, report: Report, steps: int = 0, seconds: float = 0.0) -> PipelineRow:
        dense = not job.method
        made = self.expected if dense else self.samples(stored(unet), self.scenes)
        compared = compare(arrays(self.expected), arrays(made))
        return PipelineRow(
            method=job.method or None,
            kind=None if dense else report.kind,
            sparsity=0.0 if dense else report.requested,
            pattern=job.pattern,
            calibration=job.calibration,
            seed=job.seed,
            recovery_steps=steps,
            mse=None if dense else round(compared.mse, 5),
            psnr=None if dense else round(compared.psnr, 2),
            class_accuracy=followed(made, self.scenes).class_accuracy,
            parameters=report.after.parameters,
            nonzero=report.after.nonzero,
            macs=report.after.counted()[0],
            bytes=len(safetensors_bytes(unet, zeros=True)),
            bytes_packed=len(safetensors_bytes(unet, zeros=False)),
            prune_seconds=report.seconds,
            recover_seconds=round(seconds, 2),
        )

    def timed(self) -> Iterator[WholeModel]:
        """A forward pass of pruned copies, with dense and with sparse layers."""
        run = self.calibration(RECORDED, 0).calls[0].run
        for how in KERNELS:
            unet = copy.deepcopy(self.dense)
            pattern = how if isinstance(how, Pattern) else None
            prune(unet, None, how if isinstance(how, float) else None, method=KERNEL_METHOD, pattern=pattern)
            timed = time_forward_pass(stored(unet), run)
            yield WholeModel(
                name=type(unet).__name__,
                pattern="unstructured" if pattern is None else str(pattern),
                sparsity=how if isinstance(how, float) else how.sparsity,
                dense_seconds=timed.seconds["dense"],
                sparse_seconds=timed.seconds["sparse"],
                largest_difference=timed.largest_difference,
                layers=timed.layers,
            )


def arrays(images: torch.Tensor) -> Samples:
    """Images (n, 3, height, width) in [-1, 1] as ``pipeline_samples`` has them."""
    return list(((images + 1) / 2).permute(0, 2, 3, 1).numpy())


def stored(unet: nn.Module) -> nn.Module:
    """A copy whose weights are those that a file in half precision holds."""
    return copy.deepcopy(unet).half().float()


def measured(study: Study, todo: Iterable[Job], refused: dict[str, str]) -> Iterator[PipelineRow]:
    """The rows of each job; of a method that refuses, the reason is put into ``refused``."""
    for job in todo:
        if job.method in refused:
            continue
        try:
            yield from study.rows(job)
        except ValueError as error:
            refused[job.method] = str(error)

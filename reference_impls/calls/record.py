"""Calibration with the inputs that a pipeline gives to its denoiser, recorded while it generates from prompts.

Any pipeline of diffusers is run as it is, with its own scheduler. The arguments of the denoiser are kept exactly as
they were passed; neither its class nor its inputs need to be known.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from reference_impls.calls.call import Calibration, Call, first_of
from reference_impls.calls.generate import accepted_by, arguments_of, generate
from reference_impls.calls.targets import fitted, levels_of, prediction_of, target_of

DENOISERS = ("unet", "transformer")
"""What pipelines of diffusers call the model that denoises."""
UNPROMPTED = 4
"""Runs of a pipeline that takes no prompts."""
Targets = Literal["none", "output", "sample"]
"""What a recorded forward pass knows of the right prediction: nothing, the dense model's own, or that which leads to
the sample that the run ended with; see ``targets``."""


def record(
    pipeline: Any,
    prompts: Sequence[str] = (),
    *,
    steps: int = 20,
    guidance: float | None = None,
    seed: int = 0,
    limit: int = 32,
    denoiser: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    targets: Targets = "none",
    show: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Run a pipeline and keep inputs of its denoiser, spread evenly over prompts and timesteps.

    Args:
        pipeline: of diffusers.
        prompts: one run each, as far as ``limit`` needs them; for a pipeline of classes, their numbers. None for an
            unconditional one.
        steps: of each of the pipeline's own schedulers.
        guidance: scale of classifier-free guidance; the pipeline's default where not given.
        seed: of the first run; each further one adds 1.
        limit: most forward passes that are kept.
        denoiser: name of the module, where it is neither ``unet`` nor ``transformer``.
        inputs: further arguments of the pipeline, such as ``image``, ``latents``, ``height`` and ``width``.
        targets: what the pruned model should predict, kept too.
        show: is given how many runs are done, of how many.

    Returns:
        The forward passes, in the order in which they were made. One of a pipeline with guidance holds both halves as
        its samples, so ``batch`` is two for one image, or there are two forward passes a step, as the pipeline does it.

    Raises:
        ValueError: a number is not positive, there is no such denoiser, the pipeline takes no prompts or needs them,
            does not take one of ``inputs``, fails, passes NaN to the denoiser or never calls it, or the targets are not
            known.
    """
    kind = type(pipeline).__name__
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    name, model = denoiser_of(pipeline, denoiser)
    scheduler = getattr(pipeline, f"{name}_scheduler", getattr(pipeline, "scheduler", None))
    prediction = prediction_of(scheduler) if targets == "sample" else None
    given = arguments_of(pipeline, prompts, steps=steps, guidance=guidance, inputs=inputs)
    if "output_type" in accepted_by(pipeline) and hasattr(pipeline, "vae"):
        given.setdefault("output_type", "latent")  # images are not needed
    runs = len(prompts) or min(limit, UNPROMPTED)
    wanted = _spread(limit, runs)
    kept: list[Call] = []
    for done, (index, quota) in enumerate(wanted.items()):
        if show is not None:
            show(done, len(wanted))
        run = _Run(targets != "none", prediction)
        with run.listening(model, scheduler):
            generate(pipeline, prompts[index] if prompts else None, given, seed + index)
        chosen = run.spread(quota, (index + 0.5) / runs)
        for call in chosen:
            _refuse_nan(kind, name, call)
        kept += chosen
    if not kept:
        raise ValueError(f"{kind} never called its {name}; name the denoiser that it uses")
    about = {
        "source": "recorded",
        "pipeline": kind,
        "denoiser": name,
        "scheduler": type(scheduler).__name__,
        "prompts": len(wanted) if prompts else 0,
        "prompts_sha256": fingerprint(prompts),
        "steps": steps,
        "guidance": guidance,
        "seed": seed,
        "forward passes": len(kept),
        **({} if targets == "none" else {"targets": targets}),
    }
    return Calibration(tuple(kept), about)


def _refuse_nan(pipeline: str, denoiser: str, call: Call) -> None:
    """Masks may hold infinite values, so these are left to the methods."""
    given = {f"input {number}": value for number, value in enumerate(call.positional, start=1)}
    for where, value in {**given, **call.arguments}.items():
        if any(bool(part.isnan().any()) for part in tree_leaves(value) if isinstance(part, torch.Tensor)):
            raise ValueError(
                f"{pipeline} passes NaN to its {denoiser} ({where} at step {call.step}); one of its parts is damaged"
            )


def fingerprint(prompts: Sequence[str]) -> str:
    """SHA-256 of the prompts, one a line."""
    return hashlib.sha256("\n".join(map(str, prompts)).encode()).hexdigest()


def denoiser_of(pipeline: Any, name: str | None = None) -> tuple[str, nn.Module]:
    """Name and module of a pipeline's denoiser.

    Raises:
        ValueError: there is none of that name; the message lists the modules.
    """
    modules = {key: part for key, part in pipeline.components.items() if isinstance(part, nn.Module)}
    for one in DENOISERS if name is None else (name,):
        if one in modules:
            return one, modules[one]
    what = " or ".join(DENOISERS) if name is None else repr(name)
    raise ValueError(f"{type(pipeline).__name__} has no {what}; its modules are {', '.join(modules) or 'none'}")


def _spread(limit: int, runs: int) -> dict[int, int]:
    """How many forward passes are kept of each run; runs of which none would be are left out."""
    quotas = {run: limit * (run + 1) // runs - limit * run // runs for run in range(runs)}
    return {run: quota for run, quota in quotas.items() if quota}


@dataclass(frozen=True)
class _Step:
    """What a step of the scheduler was given."""

    sample: torch.Tensor
    output: torch.Tensor
    levels: tuple[float, float]


@dataclass
class _Run:
    """What one run of a pipeline gives to its denoiser."""

    outputs: bool = False
    """Whether what the denoiser gives back is kept."""
    prediction: str | None = None
    """What it predicts, where that is to be corrected to lead to the sample of the run."""
    calls: list[Call] = field(default_factory=list)
    step: int = 0
    """Steps of the scheduler so far."""
    steps: list[_Step] = field(default_factory=list)
    sample: torch.Tensor | None = None
    """What the last step gave."""
    copies: dict[int, tuple[torch.Tensor, int, torch.Tensor]] = field(default_factory=dict)
    """Each tensor that was passed, by its id, with the version that was copied: prompts are passed at every step."""
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    @contextmanager
    def listening(self, model: nn.Module, scheduler: Any) -> Iterator[None]:
        """Inside, the denoiser's arguments are kept, and the steps of the scheduler are counted."""
        handles = [
            model.register_forward_pre_hook(self._before, with_kwargs=True),
            model.register_forward_hook(self._after),
        ]
        step = getattr(scheduler, "step", None)
        if step is not None:

            @functools.wraps(step)
            def counted(*arguments: Any, **keywords: Any) -> Any:
                if self.prediction is not None:
                    given = inspect.signature(step).bind(*arguments, **keywords).arguments
                    levels = levels_of(scheduler, given["timestep"])
                    self.steps.append(_Step(self.copy(given["sample"]), self.copy(given["model_output"]), levels))
                self.step += 1
                done = step(*arguments, **keywords)
                if self.prediction is not None:
                    self.sample = self.copy(done[0])
                return done

            scheduler.step = counted
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            if step is not None:
                del scheduler.step

    def _before(self, _model: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.arguments = self.copy(arguments), self.copy(keywords)

    def _after(self, _model: nn.Module, _inputs: object, output: Any) -> None:
        if self.arguments is None:
            return
        positional, keywords = self.arguments
        first = first_of(output)
        target = first.detach().clone() if self.outputs else None
        self.calls.append(Call(keywords, self.step, 1, target, positional=positional, batch=len(first)))

    def copy(self, value: Any) -> Any:
        """The value with copies of all its tensors; one that is passed again, unchanged, is copied once."""
        if isinstance(value, torch.Tensor):
            version = -1 if value.is_inference() else value._version
            known = self.copies.get(id(value))
            if known is None or known[1] != version or version < 0:
                known = self.copies[id(value)] = (value, version, value.detach().clone())
            return known[2]
        if isinstance(value, Mapping):
            return {name: self.copy(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            parts = [self.copy(part) for part in value]
            return parts if isinstance(value, list) else tuple(parts)
        return value

    def spread(self, quota: int, phase: float) -> list[Call]:
        """So many of the calls, evenly spaced; ``phase``, from 0 to 1, is where between two of them it begins."""
        count = min(quota, len(self.calls))
        steps = max((call.step for call in self.calls), default=0) + 1
        chosen = [self.calls[int((index + phase) * len(self.calls) / count)] for index in range(count)]
        return [self._corrected(replace(call, steps=steps)) for call in chosen]

    def _corrected(self, call: Call) -> Call:
        """The call with the target that leads to the sample of this run, if that is wanted."""
        if self.prediction is None or call.target is None:
            return call
        if self.sample is None or call.step >= len(self.steps):
            raise ValueError("the scheduler made no step after a forward pass; choose a method without gradients")
        step = self.steps[call.step]
        target, scale = target_of(self.prediction, step.sample, self.sample, step.levels)
        whole, output = fitted(target, call.target), fitted(step.output[:, : target.shape[1]], call.target)
        if float((output * call.target[:, : output.shape[1]]).sum()) < 0:  # Lumina 2 gives the negated prediction on
            whole = -whole
        return replace(call, target=whole, noise_scale=torch.tensor(scale))

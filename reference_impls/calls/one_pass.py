"""One forward pass to time a denoiser with: as its pipeline makes it, or with noise where that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from reference_impls.calls.call import Call
from reference_impls.calls.generate import accepted_by, takes_prompts
from reference_impls.calls.noise import INPUTS, RECORD, noise_calls
from reference_impls.calls.prompts import own_prompts
from reference_impls.calls.record import denoiser_of, record

A_CLASS = "0"
"""The prompt of a pipeline of classes, where none is given."""


def pass_of_pipeline(pipeline: Any, prompts: Sequence[str] = ()) -> Call:
    """The inputs that a pipeline gives to its denoiser for the first prompt, in one step, at its own size and guidance.

    Args:
        pipeline: of diffusers.
        prompts: one of this package where there are none, and the pipeline needs some.

    Raises:
        ValueError: the pipeline fails, as one does that starts from an image, and no inputs of its denoiser are known.
    """
    if not prompts:
        prompts = own_prompts() if takes_prompts(pipeline) else (A_CLASS,) * ("class_labels" in accepted_by(pipeline))
    try:
        return record(pipeline, prompts[:1], steps=1, limit=1).calls[0]
    except ValueError as error:
        name, model = denoiser_of(pipeline)
        if type(model).__name__ in INPUTS:
            return pass_of_noise(model)
        raise ValueError(
            f"{error}; in Python, give record the inputs that it needs, and sparsify(pipeline.{name}, "
            "calls.calls[0].run) a forward pass"
        ) from error


def pass_of_noise(model: nn.Module) -> Call:
    """Noise for one sample.

    Raises:
        ValueError: no inputs are known for the class, or they do not fit.
    """
    kind = type(model).__name__
    if kind not in INPUTS:
        raise ValueError(f"no inputs are known for {kind}; {RECORD}")
    return noise_calls(model, batches=1, n=1).calls[0]

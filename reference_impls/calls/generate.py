"""Run any pipeline of diffusers on one prompt, as it is, with its own scheduler; its class need not be known."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch


def arguments_of(
    pipeline: Any,
    prompts: Sequence[str] = (),
    *,
    steps: int = 20,
    guidance: float | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a pipeline is given in every run, whatever the prompt.

    Args:
        pipeline: of diffusers.
        prompts: of all runs; for a pipeline of classes, their numbers. None for an unconditional one.
        steps: of each of the pipeline's own schedulers.
        guidance: scale of classifier-free guidance; the pipeline's default where not given.
        inputs: further arguments of the pipeline, such as ``image``, ``latents``, ``height`` and ``width``.

    Raises:
        ValueError: ``steps`` is not positive, or the pipeline takes no prompts or needs them, has no guidance, or does
            not take one of ``inputs``.
    """
    kind = type(pipeline).__name__
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    given = dict(inputs or {})
    accepted = accepted_by(pipeline)
    _check_inputs(kind, accepted, prompts, given)
    if guidance is not None:
        if "guidance_scale" not in accepted:
            raise ValueError(f"{kind} has no guidance; leave it out")
        given["guidance_scale"] = guidance
    given |= {name: steps for name in accepted if name.endswith("num_inference_steps")}  # unCLIP has three of them
    return given


def generate(pipeline: Any, prompt: str | None, arguments: Mapping[str, Any], seed: int) -> Any:
    """What a pipeline returns for one prompt.

    Args:
        pipeline: of diffusers.
        prompt: None for an unconditional one.
        arguments: see ``arguments_of``.
        seed: of all noise.

    Raises:
        ValueError: the pipeline fails, or the prompt is not a class that it takes.
    """
    kind, accepted = type(pipeline).__name__, accepted_by(pipeline)
    words = {**_prompted(kind, accepted, prompt), **arguments}
    if "generator" in accepted:
        words["generator"] = torch.Generator().manual_seed(seed)
    try:
        with _quiet(pipeline), torch.no_grad():
            return pipeline(**words)
    except Exception as error:  # each pipeline fails in its own way
        what = str(error).partition("\n")[0] or type(error).__name__
        where = "" if prompt is None else f" for prompt {prompt!r}"
        raise ValueError(f"{kind} fails{where}: {what}") from error


def takes_prompts(pipeline: Any) -> bool:
    """Whether a pipeline is prompted with text."""
    return "prompt" in accepted_by(pipeline)


def accepted_by(pipeline: Any) -> Mapping[str, Any]:
    """The arguments of a pipeline."""
    return inspect.signature(pipeline.__call__).parameters


def _check_inputs(kind: str, accepted: Mapping[str, Any], prompts: Sequence[str], given: Mapping[str, Any]) -> None:
    if strange := [name for name in given if name not in accepted]:
        raise ValueError(f"{kind} takes no {strange[0]!r}; it takes {', '.join(accepted)}")
    asks = "prompt" if "prompt" in accepted else "class_labels" if "class_labels" in accepted else None
    if not prompts and asks and asks not in given and "prompt_embeds" not in given:
        raise ValueError(f"{kind} needs {'prompts' if asks == 'prompt' else 'class numbers as prompts'}; give some")
    if prompts and asks is None:
        raise ValueError(f"{kind} takes no prompts; leave them out")


def _prompted(kind: str, accepted: Mapping[str, Any], prompt: str | None) -> dict[str, Any]:
    """The prompt as the pipeline takes it."""
    if prompt is None:
        return {}
    if "prompt" in accepted:
        return {"prompt": prompt}
    try:
        return {"class_labels": [int(prompt)]}
    except ValueError:
        raise ValueError(f"{kind} takes numbers of classes as prompts, not {prompt!r}") from None


@contextmanager
def _quiet(pipeline: Any) -> Iterator[None]:
    """Inside, a pipeline has no progress bar."""
    before = vars(pipeline).get("_progress_bar_config")
    pipeline.set_progress_bar_config(disable=True)
    try:
        yield
    finally:
        if before is None:
            del pipeline._progress_bar_config
        else:
            pipeline._progress_bar_config = before

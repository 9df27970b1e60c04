"""A model has the facts of one model and a group none; counts that the repository recomputes are not written twice."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.checks.shape import nearest
from generator.entries.problem import Code, Problem
from reference_impls.architectures.registry import ARCHITECTURES

CODES = (
    Code(
        "E260",
        "counts is a key of reference_impls/architectures.",
        "counts: sdxl-unet",
        "counts: sdxl",
        kind="models",
    ),
    Code(
        "E261",
        "With counts, the parameters of the denoiser follow from it and are not written.",
        "parameters: {denoiser: 2567, source: paper}\ncounts: sdxl",
        "parameters: {text_encoders: 817, source: paper}\ncounts: sdxl",
        kind="models",
    ),
    Code(
        "E262",
        "Parameters name their source.",
        "parameters: {denoiser: 2567}",
        "parameters: {denoiser: 2567, source: paper}",
        kind="models",
    ),
    Code(
        "E263",
        "An unspecific entry is a group: it has no facts of one model.",
        "unspecific: true\noutput: image\nsteps: 50",
        "unspecific: true\noutput: image",
        kind="models",
    ),
)

_FACTS = ("weights", "licence", "parameters", "counts", "resolution", "steps", "calls_per_step")


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Problems of a model by itself."""
    if draft.kind != "models":
        return
    counts = draft.text("counts")
    if counts is not None and counts not in ARCHITECTURES:
        near = nearest(counts, list(ARCHITECTURES), limit=3)
        fix = f"did you mean {', '.join(near)}?" if near else "python -m reference_impls arch lists the keys"
        yield draft.problem("E260", ("counts",), f"there is no architecture {counts!r}", fix)
    parameters = draft.data.get("parameters")
    if isinstance(parameters, dict) and parameters:
        if counts is not None and "denoiser" in parameters:
            message = f"denoiser and counts: {counts} say the same"
            yield draft.problem("E261", ("parameters", "denoiser"), message, "delete denoiser", key=True)
        if "source" not in parameters:
            yield draft.problem("E262", ("parameters",), "parameters without source", "source: page and place")
    if draft.data.get("unspecific") == "true":
        for key in _FACTS:
            if key in draft.data:
                fix = "delete it, or delete unspecific"
                yield draft.problem("E263", (key,), f"{key} of a group of models", fix, key=True)

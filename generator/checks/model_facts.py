"""A model has the facts of one model and a group none; counts that the repository recomputes are not written twice."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.checks.shape import suggestion
from generator.entries.problem import Code, Problem
from reference_impls.architectures.registry import ARCHITECTURES

CODES = (
    Code(
        "E260",
        "`counts` is a key of reference_impls/architectures.",
        "counts: sdxl-unet",
        "counts: sdxl",
        kind="models",
    ),
    Code(
        "E261",
        "With `counts`, the parameters of the denoiser are computed and not given.",
        "parameters: {denoiser: 2567, source: paper}\ncounts: sdxl",
        "parameters: {text_encoders: 817, source: paper}\ncounts: sdxl",
        kind="models",
    ),
    Code(
        "E262",
        "Parameters have a source.",
        "parameters: {denoiser: 2567}",
        "parameters: {denoiser: 2567, source: paper}",
        kind="models",
    ),
    Code(
        "E263",
        "An unspecific entry is a group of models and has no facts of one model.",
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
        fix = suggestion(counts, ARCHITECTURES, "`python -m reference_impls arch`")
        yield draft.problem("E260", ("counts",), f"unknown architecture {counts!r}", fix)
    parameters = draft.data.get("parameters")
    if isinstance(parameters, dict) and parameters:
        if counts is not None and "denoiser" in parameters:
            message = f"denoiser is given, and counts: {counts} computes it"
            yield draft.problem("E261", ("parameters", "denoiser"), message, "delete denoiser", key=True)
        if "source" not in parameters:
            yield draft.problem(
                "E262",
                ("parameters",),
                "parameters have no source",
                "add source: the address, and the place on that page",
            )
    if draft.data.get("unspecific") == "true":
        for key in _FACTS:
            if key in draft.data:
                fix = f"delete {key}, or delete unspecific"
                yield draft.problem("E263", (key,), f"{key} is given for a group of models", fix, key=True)

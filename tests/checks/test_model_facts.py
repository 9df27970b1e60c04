"""The facts of a model: what only one model can have, and what the repository recomputes."""

from __future__ import annotations

import pytest

from generator.checks import model_facts
from tests.conftest import Checker

PATH = "data/models/x.yaml"


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        (
            "counts: sdxl-unet",
            "error[E260]: unknown architecture 'sdxl-unet'. fix: did you mean sdxl",
        ),
        (
            "counts: zzzzzzzz",
            "error[E260]: unknown architecture 'zzzzzzzz'. fix: use one that `python -m reference_impls arch` lists",
        ),
        (
            "parameters: {denoiser: 2567, source: paper}\ncounts: sdxl",
            "error[E261]: denoiser is given, and counts: sdxl computes it. fix: delete denoiser",
        ),
        (
            "parameters: {denoiser: 2567}",
            "error[E262]: parameters have no source. fix: add source: the address, and the place on that page",
        ),
        (
            "unspecific: true\noutput: image\nsteps: 50",
            "error[E263]: steps is given for a group of models. fix: delete steps, or delete unspecific",
        ),
    ],
)
def test_message(checker: Checker, fragment: str, message: str) -> None:
    (found,) = checker.messages(model_facts, fragment, "models")
    assert message in found
    assert found.startswith(f"{PATH}:")


@pytest.mark.parametrize(
    "fragment",
    [
        "counts: sdxl",
        "parameters: {text_encoders: 817, source: paper}\ncounts: sdxl",
        "unspecific: true\noutput: image",
        "parameters: none",
    ],
)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(model_facts, fragment, "models") == []

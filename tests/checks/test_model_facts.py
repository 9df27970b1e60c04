"""The facts of a model, and the architectures that follow from it."""

from __future__ import annotations

import pytest

from generator.checks import architectures, model_facts
from tests.conftest import Checker

PATH = "data/models/x.yaml"


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        (
            "counts: sdxl-unet",
            "error[E260]: there is no architecture 'sdxl-unet'. fix: did you mean sdxl",
        ),
        (
            "counts: zzzzzzzz",
            "error[E260]: there is no architecture 'zzzzzzzz'. fix: python -m reference_impls arch lists the keys",
        ),
        (
            "parameters: {denoiser: 2567, source: paper}\ncounts: sdxl",
            "error[E261]: denoiser and counts: sdxl say the same. fix: delete denoiser",
        ),
        (
            "parameters: {denoiser: 2567}",
            "error[E262]: parameters without source. fix: source: page and place",
        ),
        (
            "unspecific: true\noutput: image\nsteps: 50",
            "error[E263]: steps of a group of models. fix: delete it, or delete unspecific",
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


@pytest.mark.parametrize(
    ("paper", "place", "message"),
    [
        (
            "architectures: [dit]\nmodels: [m]",
            "4:1",
            "architectures beside models that have one: m is unet. fix: delete architectures",
        ),
        (
            "architectures: [dit, unet]\nmodels: [group, m]",
            "4:22",
            "unet follows from the model m. fix: delete it",
        ),
    ],
)
def test_architectures_beside_a_model_that_has_one(checker: Checker, paper: str, place: str, message: str) -> None:
    entries = {"models/m.yaml": "architecture: unet", "models/group.yaml": "", "papers/2023/a.yaml": paper}
    assert checker.messages_of_all(architectures, entries) == [
        f"data/papers/2023/a.yaml:{place}: error[E222]: {message}"
    ]


@pytest.mark.parametrize(
    "paper",
    [
        "architectures: [dit]",
        "architectures: [dit]\nmodels: [group]",
        "architectures: [dit]\nmodels: [group, m]",
        "models: [m]",
    ],
)
def test_architectures_where_a_model_has_none(checker: Checker, paper: str) -> None:
    entries = {"models/m.yaml": "architecture: unet", "models/group.yaml": "", "papers/2023/a.yaml": paper}
    assert checker.messages_of_all(architectures, entries) == []

"""Architectures that a paper writes beside its models."""

from __future__ import annotations

import pytest

from generator.checks import architectures
from tests.conftest import Checker


@pytest.mark.parametrize(
    ("paper", "place", "message"),
    [
        (
            "architectures: [dit]\nmodels: [m]",
            "4:1",
            "architectures repeats what the models give: m is unet. fix: delete architectures",
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
        f"data/papers/2023/a.yaml:{place}: error[E226]: {message}"
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

"""The first key that comes too late."""

from __future__ import annotations

import pytest

from generator.checks import key_order
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        "topics: [depth]\ncriterion: magnitude",
        "5:1: error[E250]: 'criterion' should come before 'topics'",
        "run make format, which puts all keys in order",
    ),
    (
        "topics: [depth]\nmodels: [M]\nshort: PW",
        "5:1: error[E250]: 'models' should come before 'topics'",
        "run make format, which puts all keys in order",
    ),
]
GOOD = [
    "criterion: magnitude\ntopics: [depth]",
    "unheard: of",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(key_order, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(key_order, fragment) == []

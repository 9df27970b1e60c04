"""Topics that name a family, and the families of their papers."""

from __future__ import annotations

import pytest

from generator.checks import implied
from generator.entries.model import Taxonomy
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"


@pytest.mark.parametrize(("topic", "family"), implied.IMPLIED.items())
def test_message(checker: Checker, topic: str, family: str) -> None:
    assert checker.messages(implied, f"combines: [caching]\ntopics: [depth, {topic}]") == [
        (
            f"{PATH}:5:17: error[E249]: {topic}, but neither family nor combines is {family}. "
            f"fix: add {family} to combines, or delete the topic"
        )
    ]


@pytest.mark.parametrize(("topic", "family"), implied.IMPLIED.items())
def test_no_message(checker: Checker, topic: str, family: str) -> None:
    assert checker.messages(implied, f"combines: [caching, {family}]\ntopics: [{topic}]") == []
    assert checker.messages(implied, f"family: {family}\ntopics: [{topic}]") == []
    assert checker.messages(implied, "topics: [distillation, quantization, depth]") == []


def test_both_sides_are_terms(taxonomy: Taxonomy) -> None:
    assert set(implied.IMPLIED) <= set(taxonomy.topics)
    assert set(implied.IMPLIED.values()) <= set(taxonomy.families)

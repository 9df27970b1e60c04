"""Closed vocabularies and repeated items."""

from __future__ import annotations

import pytest

from generator.checks import terms
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    ("family: prunning", "3:9: error[E220]: 'prunning' is not a term of families", "did you mean pruning?"),
    ("family: Pruning", "3:9: error[E220]: 'Pruning' is not a term of families", "did you mean pruning?"),
    ("topics: [depth, depth]", "4:17: error[E221]: 'depth' stands in topics twice", "keep one"),
    ("models: [SDXL, sdxl]", "4:16: error[E221]: 'sdxl' stands in models twice", "keep one"),
    (
        "results:\n  - {model: m, setting: s, where: abstract, before: {fdi: 3}, after: {fid: 2}}",
        "6:59: error[E220]: 'fdi' is not a term of metrics",
        "did you mean fid, fvd?",
    ),
    (
        "family: zzzzzz",
        "3:9: error[E220]: 'zzzzzz' is not a term of families",
        "see `families` in data/taxonomy.yaml",
    ),
    (
        "combines: [quantisation]",
        "4:12: error[E220]: 'quantisation' is not a term of families",
        "did you mean quantization?",
    ),
]
GOOD = [
    "family: caching\ncombines: [pruning]",
    "topics: [depth, width]",
    "results:\n  - {model: M, metric: fid, after: 2, setting: s, where: abstract}",
    "authors: [A B, A C]",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(terms, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(terms, fragment) == []


def test_wrong_case_twice(checker: Checker) -> None:
    assert checker.messages(terms, "topics: [depth, Depth]") == [
        (
            f"{PATH}:4:17: error[E220]: 'Depth' is not a term of topics. "
            "fix: did you mean depth, dependency-graph, deployment?"
        ),
        f"{PATH}:4:17: error[E221]: 'Depth' stands in topics twice. fix: keep one",
    ]


@pytest.mark.parametrize("kind", ["tools", "articles"])
def test_other_kinds_have_their_own_vocabularies(checker: Checker, kind: str) -> None:
    assert len(checker.messages(terms, "category: no-such-thing", kind)) == 1
    assert checker.messages(terms, "status: active", kind) == []

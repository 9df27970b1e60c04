"""Closed vocabularies and duplicate items."""

from __future__ import annotations

import pytest

from generator.checks import terms
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
FAMILIES = "`families` in data/taxonomy.yaml lists all"
BAD = [
    ("family: prunning", "3:9: error[E220]: unknown family 'prunning'", f"did you mean pruning? {FAMILIES}"),
    ("family: Pruning", "3:9: error[E220]: unknown family 'Pruning'", f"did you mean pruning? {FAMILIES}"),
    ("topics: [depth, depth]", "4:17: error[E221]: duplicate item 'depth' in topics", "keep one"),
    ("models: [SDXL, sdxl]", "4:16: error[E221]: duplicate item 'sdxl' in models", "keep one"),
    (
        "results:\n  - {model: m, setting: s, where: abstract, before: {fdi: 3}, after: {fid: 2}}",
        "6:59: error[E220]: unknown metric 'fdi'",
        "did you mean fid, fvd? `metrics` in data/taxonomy.yaml lists all",
    ),
    (
        "family: zzzzzz",
        "3:9: error[E220]: unknown family 'zzzzzz'",
        (
            "use one of pruning, sparse-attention, token-reduction, dynamic-inference, quantization, distillation, "
            "fast-samplers, efficient-architectures, caching, parallel-inference, deployment, foundations, "
            "surveys"
        ),
    ),
    (
        "topics: [zzzzzz]",
        "4:10: error[E220]: unknown topic 'zzzzzz'",
        "use one that `topics` in data/taxonomy.yaml lists",
    ),
    (
        "combines: [quantisation]",
        "4:12: error[E220]: unknown family 'quantisation'",
        f"did you mean quantization? {FAMILIES}",
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


def test_wrong_case_and_duplicate(checker: Checker) -> None:
    assert checker.messages(terms, "topics: [depth, Depth]") == [
        (
            f"{PATH}:4:17: error[E220]: unknown topic 'Depth'. "
            "fix: did you mean depth, dependency-graph, deployment? `topics` in data/taxonomy.yaml lists all"
        ),
        f"{PATH}:4:17: error[E221]: duplicate item 'Depth' in topics. fix: keep one",
    ]


@pytest.mark.parametrize("kind", ["tools", "articles"])
def test_other_kinds_have_their_own_vocabularies(checker: Checker, kind: str) -> None:
    assert len(checker.messages(terms, "category: no-such-thing", kind)) == 1
    assert checker.messages(terms, "status: active", kind) == []

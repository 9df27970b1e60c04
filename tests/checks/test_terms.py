"""Closed vocabularies and duplicate items."""

from __future__ import annotations

import pytest

from generator.checks import shape, terms
from generator.entries.model import KINDS, TERM_NAMES, VOCABULARIES
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
FAMILIES = "Allowed: {families} (`families` in data/taxonomy.yaml)"
BAD = [
    ("family: prunning", "3:9: error[E220]: unknown family 'prunning'", "did you mean pruning? " + FAMILIES),
    ("family: Pruning", "3:9: error[E220]: unknown family 'Pruning'", "did you mean pruning? " + FAMILIES),
    ("topics: [depth, depth]", "4:17: error[E221]: duplicate item 'depth' in topics", "keep one"),
    ("combines: [pruning]", "4:12: error[E228]: pruning is the family itself", "delete it from combines"),
    ("models: [SDXL, sdxl]", "4:16: error[E221]: duplicate item 'sdxl' in models", "keep one"),
    (
        "results:\n  - {model: m, setting: s, where: abstract, before: {fdi: 3}, after: {fid: 2}}",
        "6:59: error[E220]: unknown metric 'fdi'",
        "did you mean fid, fvd? `metrics` in data/taxonomy.yaml lists all",
    ),
    (
        "family: zzzzzz",
        "3:9: error[E220]: unknown family 'zzzzzz'",
        "use one of {families} (`families` in data/taxonomy.yaml)",
    ),
    (
        "topics: [zzzzzz]",
        "4:10: error[E220]: unknown topic 'zzzzzz'",
        "use one that `topics` in data/taxonomy.yaml lists",
    ),
    (
        "combines: [quantisation]",
        "4:12: error[E220]: unknown family 'quantisation'",
        "did you mean quantization? " + FAMILIES,
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
    fix = fix.replace("{families}", ", ".join(checker.context.taxonomy.families))
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


CLOSED = [(kind, field, vocabulary) for kind in KINDS for field, vocabulary in VOCABULARIES[kind].items()]


@pytest.mark.parametrize(("kind", "field", "vocabulary"), CLOSED)
@pytest.mark.parametrize("near", [False, True])
def test_every_vocabulary_names_its_words_and_its_place(
    checker: Checker, kind: str, field: str, vocabulary: str, near: bool
) -> None:
    known = list(checker.context.taxonomy.vocabulary(vocabulary))
    word = f"{known[0]}x" if near else "zzzz"
    listed = "tuple" in str(KINDS[kind].model_fields[field].annotation)
    (message,) = checker.messages(terms, f"{field}: {f'[{word}]' if listed else word}", kind)
    assert f"unknown {TERM_NAMES[vocabulary]} {word!r}. fix: " in message
    assert f"`{vocabulary}` in data/taxonomy.yaml" in message
    assert (f"did you mean {known[0]}" in message) == near
    assert (", ".join(known) in message) == (len(known) <= shape.WRITTEN_OUT)


@pytest.mark.parametrize(
    ("kind", "field", "vocabulary"),
    [one for one in CLOSED if KINDS[one[0]].model_fields[one[1]].is_required()],
)
def test_a_required_field_names_every_word(checker: Checker, kind: str, field: str, vocabulary: str) -> None:
    words = ", ".join(checker.context.taxonomy.vocabulary(vocabulary))
    text = "".join(line for line in checker.entry(kind=kind).splitlines(True) if not line.startswith(f"{field}:"))
    draft = checker.readable_draft(text, kind)
    (missing,) = shape.check(draft, checker.context)
    (empty,) = checker.messages(shape, f'{field}: ""', kind)
    assert f"fix: write {field}: one of {words} (" in missing.text()
    assert f"fix: write {field}: one of {words} (" in empty

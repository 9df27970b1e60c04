"""Missing, unknown, empty and misshapen fields."""

from __future__ import annotations

import pytest

from generator.checks import shape
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        "checked:",
        "5:9: error[E210]: checked is empty and required",
        "write checked: … (What the summary was checked against)",
    ),
    (
        'checked: ""',
        "5:10: error[E210]: checked is empty and required",
        "write checked: … (What the summary was checked against)",
    ),
    (
        "family: []",
        "3:9: error[E210]: family is empty and required",
        "write family: … (The one family it belongs to; the main axis of the site)",
    ),
    ("titel: Prune Well", "7:1: error[E211]: unknown key 'titel'", "did you mean title?"),
    ("topics: one-shot", "4:9: error[E212]: topics is 'one-shot', not a list", "topics: [one-shot]"),
    ("title: [a]", "1:8: error[E212]: title is a list, not text", "one text as title"),
    ("title: {a: b}", "1:8: error[E212]: title is a mapping, not text", "one text as title"),
    ('short: ""', "2:1: error[E213]: short is empty", "fill it in or delete the line"),
    ("topics: []", "4:1: error[E213]: topics is empty", "fill it in or delete the line"),
    ("results: [a]", "5:11: error[E212]: results[1] is 'a', not a mapping", "{model: …, metric: …, …}"),
    ("results: a", "5:10: error[E212]: results is 'a', not a list", "results: [a]"),
    (
        "results:\n  - {model: M, metric: fid, after: many, setting: s, where: abstract}",
        "6:36: error[E212]: results[1].after is 'many', not a number",
        "a plain decimal number in the unit of the metric, such as 3.4",
    ),
    (
        "results:\n  - {model: M, metric: fid, after: [1], setting: s, where: abstract}",
        "6:36: error[E212]: results[1].after is a list, not a number",
        "a plain decimal number in the unit of the metric, such as 3.4",
    ),
    (
        "results:\n  - {model: M, metric: fid, setting: s, where: abstract}",
        "6:5: error[E210]: results[1].after is required and missing",
        "write after: … (Value with the method, in the unit of the metric)",
    ),
    (
        ("results:\n  - {model: M, metric: fid, after: 2, qualifier: roughly, setting: s, where: abstract}"),
        "6:50: error[E212]: results[1].qualifier is 'roughly'",
        "up to, about, at least, more than, less than, or nothing",
    ),
    (
        ("results:\n  - {model: M, metric: fid, after: 2, units: x, setting: s, where: abstract}"),
        "6:39: error[E211]: unknown key 'results[1].units'",
        ("the fields are model, dataset, metric, before, after, qualifier, setting, hardware, reported_by, where, via"),
    ),
    ("topics: [[a]]", "4:10: error[E212]: topics[1] is a list, not text", "one text as topics[1]"),
    ("topics: [depth, '']", "4:17: error[E213]: topics[2] is empty", "fill it in or delete the line"),
    (
        "results:\n  - {model: M, metric: fid, after: 1_0, setting: s, where: abstract}",
        "6:36: error[E212]: results[1].after is '1_0', not a number",
        "a plain decimal number in the unit of the metric, such as 3.4",
    ),
    ("results: {a: b}", "5:10: error[E212]: results is a mapping, not a list", "results: […]"),
]
GOOD = [
    "short: PW",
    "topics: [one-shot]",
    ("results:\n  - {model: M, metric: fid, before: 3, after: 2, qualifier: about, setting: s, where: abstract}"),
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(shape, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(shape, fragment) == []


def test_every_missing_field_of_a_result_is_told(checker: Checker) -> None:
    messages = checker.messages(shape, "results:\n  - {model: M, after: 2}")
    assert messages == [
        (
            f"{PATH}:6:5: error[E210]: results[1].metric is required and missing. "
            "fix: write metric: … (A term of `metrics`; it fixes the unit and which direction is better)"
        ),
        (
            f"{PATH}:6:5: error[E210]: results[1].setting is required and missing. fix: write setting: … "
            "(Under which setting it holds: ratio, steps, resolution, training, what it is compared with)"
        ),
        (
            f"{PATH}:6:5: error[E210]: results[1].where is required and missing. "
            "fix: write where: … (Where it stands in the source: abstract, Table 1, repository README)"
        ),
    ]


def test_a_paper_without_arxiv_needs_three_other_fields(checker: Checker) -> None:
    draft = checker.readable_draft(checker.entry().replace('arxiv: "2305.10924"\n', "url: https://example.org/x\n"))
    assert [problem.text() for problem in sorted(shape.check(draft, checker.context))] == [
        f"{PATH}:1:1: error[E210]: {key} is missing; a paper without arxiv needs url, authors and date. "
        "fix: add arxiv, or url, authors and date"
        for key in ("authors", "date")
    ]


def test_missing_fields_of_each_kind(checker: Checker) -> None:
    for kind, required in {"papers": 4, "tools": 5, "articles": 5}.items():
        draft = checker.readable_draft(
            "topics: [image]\n" + ('arxiv: "2305.10924"\n' if kind == "papers" else ""), kind
        )
        problems = list(shape.check(draft, checker.context))
        assert {problem.code for problem in problems} == {"E210"}
        assert len(problems) == required + (kind == "papers")


@pytest.mark.parametrize(
    ("word", "best"),
    [("Neurips", "NeurIPS"), ("neurips", "NeurIPS"), ("ICLM", "ICML"), ("zzzz", None), ("", None)],
)
def test_nearest(word: str, best: str | None) -> None:
    assert shape.nearest(word, ["ICML", "CVPR", "NeurIPS"]) == ([best] if best else [])

"""Missing, unknown, empty and fields of the wrong type."""

from __future__ import annotations

import pytest

from generator.checks import shape
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
VALUE = (
    "write a number in the unit of the metric, such as 3.4, alone or after about, up to, at least, more than, less than"
)
BAD = [
    (
        "checked:",
        "5:9: error[E210]: checked is required and empty",
        "write checked: one of paper, abstract, secondary (`checked` in data/taxonomy.yaml)",
    ),
    (
        'checked: ""',
        "5:10: error[E210]: checked is required and empty",
        "write checked: one of paper, abstract, secondary (`checked` in data/taxonomy.yaml)",
    ),
    (
        "family: []",
        "3:9: error[E210]: family is required and empty",
        "write family: one of {families} (`families` in data/taxonomy.yaml)",
    ),
    ("titel: Prune Well", "7:1: error[E211]: unknown key 'titel'", "did you mean title?"),
    ("topics: one-shot", "4:9: error[E212]: topics is 'one-shot', not a list", "write topics: [one-shot]"),
    ("title: [a]", "1:8: error[E212]: title is a list, not text", "write one text as title"),
    ("title: {a: b}", "1:8: error[E212]: title is a mapping, not text", "write one text as title"),
    ('short: ""', "2:1: error[E213]: short is empty", "fill it in, or delete the line"),
    ("topics: []", "4:1: error[E213]: topics is empty", "fill it in, or delete the line"),
    (
        "results: [a]",
        "5:11: error[E212]: results[1] is 'a', not a mapping",
        "write {model: …, setting: …, where: …, after: …}",
    ),
    ("results: a", "5:10: error[E212]: results is 'a', not a list", "write results: [a]"),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: {fid: many}}",
        "6:58: error[E212]: results[1].after.fid is 'many', not a number",
        VALUE,
    ),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: {fid: roughly 3}}",
        "6:58: error[E212]: results[1].after.fid is 'roughly 3', not a number",
        VALUE,
    ),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: {fid: [1]}}",
        "6:58: error[E212]: results[1].after.fid is a list, not a number",
        VALUE,
    ),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: 3}",
        "6:52: error[E212]: results[1].after is '3', not a mapping",
        "write after: {metric: value}, such as {fid: 3.4, speed-up: up to 2}",
    ),
    (
        "results:\n  - {model: m, setting: s, where: abstract}",
        "6:5: error[E210]: results[1].after is required and missing",
        "write after: … (Metric and value with the method; each metric fixes its unit)",
    ),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: {fid: 2}, units: x}",
        "6:62: error[E211]: unknown key 'results[1].units'",
        "use one of model, dataset, setting, hardware, where, reported_by, via, before, after",
    ),
    ("topics: [[a]]", "4:10: error[E212]: topics[1] is a list, not text", "write one text as topics[1]"),
    ("topics: [depth, '']", "4:17: error[E213]: topics[2] is empty", "fill it in, or delete the line"),
    (
        "results:\n  - {model: m, setting: s, where: abstract, after: {fid: 1_0}}",
        "6:58: error[E212]: results[1].after.fid is '1_0', not a number",
        VALUE,
    ),
    (
        "results:\n  - {model: {a: b}, setting: s, where: abstract, after: {fid: 1}}",
        "6:13: error[E212]: results[1].model is a mapping, not a list",
        "write model: […]",
    ),
    ("results: {a: b}", "5:10: error[E212]: results is a mapping, not a list", "write results: […]"),
]
GOOD = [
    "short: PW",
    "topics: [one-shot]",
    "results:\n  - {model: [m, n], dataset: d, setting: s, where: abstract, before: {fid: 3}, after: {fid: about 2}}",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    fix = fix.replace("{families}", ", ".join(checker.context.taxonomy.families))
    assert checker.messages(shape, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(shape, fragment) == []


def test_every_missing_field_of_a_result_is_named(checker: Checker) -> None:
    assert checker.messages(shape, "results:\n  - {model: m, after: {fid: 2}}") == [
        f"{PATH}:6:5: error[E210]: results[1].{field} is required and missing. fix: write {field}: … ({text})"
        for field, text in (
            (
                "setting",
                "Setting of the numbers: sparsity, steps, resolution, training, what they are compared with",
            ),
            ("where", "Place in the source: abstract, Table 1, README"),
        )
    ]


@pytest.mark.parametrize(
    ("fragment", "what"),
    [
        ("parameters: many", "error[E212]: parameters is 'many', not a mapping. fix: write {denoiser: …, source: …}"),
        ("parameters: {denoiser: many}", "error[E212]: parameters.denoiser is 'many', not a number"),
        ("parameters: {heads: 3}", "error[E211]: unknown key 'parameters.heads'. fix: use one of denoiser"),
        ("unspecific: perhaps", "error[E212]: unspecific is 'perhaps'. fix: write true, or delete the line"),
    ],
)
def test_fields_of_a_model_of_the_wrong_type(checker: Checker, fragment: str, what: str) -> None:
    (message,) = checker.messages(shape, fragment, "models")
    assert what in message


def test_a_paper_without_arxiv_needs_three_other_fields(checker: Checker) -> None:
    draft = checker.readable_draft(checker.entry().replace('arxiv: "2305.10924"\n', "url: https://example.org/x\n"))
    assert [problem.text() for problem in sorted(shape.check(draft, checker.context))] == [
        f"{PATH}:1:1: error[E210]: {key} is missing; a paper without arxiv needs url, authors and date. "
        "fix: add arxiv, or url, authors and date"
        for key in ("authors", "date")
    ]


def test_missing_fields_of_each_kind(checker: Checker) -> None:
    for kind, required in {"papers": 4, "tools": 5, "articles": 5, "models": 4}.items():
        draft = checker.readable_draft(
            {"papers": 'topics: [image]\narxiv: "2305.10924"\n', "models": "developer: A\n"}.get(
                kind, "topics: [image]\n"
            ),
            kind,
        )
        problems = list(shape.check(draft, checker.context))
        assert {problem.code for problem in problems} == {"E210"}
        assert len(problems) == required + (kind == "papers")


@pytest.mark.parametrize(
    ("word", "known", "where", "fix"),
    [
        ("ICLM", ["ICML", "CVPR"], "", "did you mean ICML? Allowed: ICML, CVPR"),
        ("ICLM", ["ICML", "CVPR"], "`venues`", "did you mean ICML? Allowed: ICML, CVPR (`venues`)"),
        ("zzzz", ["ICML", "CVPR"], "`venues`", "use one of ICML, CVPR (`venues`)"),
        ("zzzz", [f"term{i}" for i in range(21)], "`terms`", "use one that `terms` lists"),
        ("term", ["terms", *(f"t{i}" for i in range(20))], "`terms`", "did you mean terms? `terms` lists all"),
        ("zzzz", [f"term{i}" for i in range(21)], "", f"use one of {', '.join(f'term{i}' for i in range(21))}"),
    ],
)
def test_suggestion(word: str, known: list[str], where: str, fix: str) -> None:
    assert shape.suggestion(word, known, where) == fix

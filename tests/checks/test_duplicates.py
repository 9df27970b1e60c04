"""Two files for one thing, in every spelling."""

from __future__ import annotations

import pytest

from generator.checks import duplicates
from tests.conftest import Checker

A, B = "papers/2023/a.yaml", "papers/2023/b.yaml"
OTHER = 'arxiv: "2305.00002"'
KEEP = "fix: keep one entry and delete the other file"


def test_arxiv_id(checker: Checker) -> None:
    assert checker.messages_of_all(duplicates, {A: "", B: ""}) == [
        f"data/{B}:2:8: error[E501]: arxiv 2305.10924 is already at data/{A}:2. {KEEP}"
    ]


def test_doi_in_another_case(checker: Checker) -> None:
    assert checker.messages_of_all(duplicates, {A: "doi: 10.1000/X", B: f"{OTHER}\ndoi: 10.1000/x"}) == [
        f"data/{B}:3:6: error[E501]: doi 10.1000/x is already at data/{A}:3. {KEEP}"
    ]


def test_address_in_another_spelling(checker: Checker) -> None:
    tools = {"tools/a.yaml": "url: https://www.Example.org/p/", "tools/b.yaml": "url: https://example.org/p.git"}
    message = "url https://example.org/p.git is already at data/tools/a.yaml:2"
    assert checker.messages_of_all(duplicates, tools) == [f"data/tools/b.yaml:2:6: error[E501]: {message}. {KEEP}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://playground.example.org/#58I88I#186", "https://playground.example.org/#947JF6#0"),
        ("https://example.org/book/index.html#pruning", "https://example.org/book/index.html#quantization"),
        ("https://example.org/#/lesson/7", "https://example.org/#/lesson/9"),
        ("https://example.org/#aB", "https://example.org/#Ab"),
        ("https://example.org/book", "https://example.org/book#pruning"),
    ],
)
def test_a_fragment_is_part_of_an_address(checker: Checker, one: str, other: str) -> None:
    tools = {"tools/a.yaml": f"url: {one}", "tools/b.yaml": f"url: {other}"}
    assert checker.messages_of_all(duplicates, tools) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/a/b", "https://github.com/a/b#readme"),
        ("https://example.org/p", "https://example.org/p#"),
        ("https://example.org/p", "https://example.org/p#:~:text=pruning"),
        ("https://example.org/#/p", "https://example.org#/p/"),
    ],
)
def test_a_fragment_that_names_no_part_is_none(checker: Checker, one: str, other: str) -> None:
    tools = {"tools/a.yaml": f"url: {one}", "tools/b.yaml": f"url: {other}"}
    assert len(checker.messages_of_all(duplicates, tools)) == 1


def test_three_of_one_all_name_the_first(checker: Checker) -> None:
    messages = checker.messages_of_all(duplicates, {A: "", B: "", "papers/2023/c.yaml": ""})
    assert [f"data/{A}:2" in line for line in messages] == [True, True]


def test_repository_is_only_a_note(checker: Checker) -> None:
    papers = {A: "code: https://github.com/a/b", B: f"{OTHER}\ncode: https://github.com/A/B.git"}
    assert checker.messages_of_all(duplicates, papers) == [
        (
            f"data/{B}:3:7: note[E503]: code https://github.com/A/B.git is also listed by data/{A}. "
            f"fix: check that both papers name this repository"
        )
    ]


@pytest.mark.parametrize("name", ["A", "a"])
def test_file_name_over_all_years(checker: Checker, name: str) -> None:
    assert checker.messages_of_all(duplicates, {A: "", f"papers/2024/{name}.yaml": OTHER}) == [
        (
            f"data/papers/2024/{name}.yaml:1:1: error[E412]: the name {name} is taken by data/{A}. "
            "fix: give one of them a longer name"
        )
    ]


@pytest.mark.parametrize(
    "entries",
    [
        {A: "", B: OTHER},
        {"tools/a.yaml": "", "articles/a.yaml": "url: https://example.org/p"},
        {"tools/a.yaml": "", A: ""},
        {A: "doi: ''", B: f"{OTHER}\ndoi: ''"},
        {A: "doi: [x]", B: f"{OTHER}\ndoi: [x]"},
    ],
)
def test_different_things(checker: Checker, entries: dict[str, str]) -> None:
    assert checker.messages_of_all(duplicates, entries) == []


def test_an_address_that_is_none_and_a_line_break_in_it(checker: Checker) -> None:
    broken = r'url: "https://[a\n::error::x"'
    assert checker.messages_of_all(duplicates, {A: broken, B: f"{OTHER}\n{broken}"}) == [
        rf"data/{B}:3:6: error[E501]: url https://[a\n::error::x is already at data/{A}:3. {KEEP}"
    ]

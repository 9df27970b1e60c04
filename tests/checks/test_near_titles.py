"""One work under two similar titles, and two works whose titles differ in an essential part."""

from __future__ import annotations

import pytest

from generator.checks import near_titles
from tests.conftest import Checker

A, B = "papers/2023/a.yaml", "papers/2023/b.yaml"
LONG = "Structured Pruning of Diffusion Transformers with Learned Masks"


def messages(checker: Checker, one: str, other: str) -> list[str]:
    return checker.messages_of_all(near_titles, {A: f'title: "{one}"', B: f'title: "{other}"'})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, LONG),
        (LONG, LONG.upper()),
        (LONG, f"{LONG}."),
        (LONG, f"{LONG}s"),
        (LONG, LONG.replace("Learned", "Leamed")),
        (f"{LONG} v2", f"{LONG}s v2"),
        ("Wanda", "W\\u0430nd\\u0430"),
        ("scope", "\\u0455\\u0441\\u043e\\u0440\\u0435"),
        ("Prune Well", "\\uff30rune-Well"),
        ("Résumé of Pruning", "Resume of pruning"),
        ("剪枝", "剪枝"),
    ],
)
def test_copies(checker: Checker, one: str, other: str) -> None:
    shown = other.encode().decode("unicode_escape") if other.startswith(("W\\", "\\")) else other
    assert messages(checker, one, other) == [
        (
            f"data/{B}:1:8: error[E502]: title {shown!r} equals, or nearly equals, that of data/{A}. "
            "fix: keep one entry; a new version goes into aliases or superseded_by"
        )
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{LONG} Part 1", f"{LONG} Part 2"),
        (f"{LONG} Part I", f"{LONG} Part II"),
        (LONG, f"{LONG} v2"),
        (f"{LONG} v1", f"{LONG} v2"),
        (LONG, f"{LONG} 2"),
        (LONG, f"{LONG}++"),
        (LONG, f"{LONG} for Video"),
        (LONG.replace("Transformers", "SD2"), LONG.replace("Transformers", "SD3")),
        ("Wanda", "Wanda++"),
        ("?", "!"),
        ("剪枝", "量化"),
    ],
)
def test_different_works(checker: Checker, one: str, other: str) -> None:
    assert messages(checker, one, other) == []


def test_a_tool_may_have_the_name_of_a_paper(checker: Checker) -> None:
    assert checker.messages_of_all(near_titles, {A: "title: Wanda", "tools/a.yaml": "name: Wanda"}) == []


def test_names_of_tools_are_compared(checker: Checker) -> None:
    assert checker.messages_of_all(near_titles, {"tools/a.yaml": "name: Wanda", "tools/b.yaml": "name: wanda"}) == [
        (
            "data/tools/b.yaml:1:7: error[E502]: name 'wanda' equals, or nearly equals, that of data/tools/a.yaml. "
            "fix: keep one entry; a new version goes into aliases or superseded_by"
        )
    ]

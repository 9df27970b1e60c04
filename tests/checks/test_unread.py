"""Drafts of `discover`: one clear error until a person has completed them, and what is checked all the same."""

from __future__ import annotations

import pytest

from generator.entries.format_yaml import format_entry
from tests.conftest import Checker

MESSAGE = "nobody has read this paper: discover wrote the file. fix: read the abstract, correct the fields, write the"


def texts(checker: Checker, fragment: str) -> list[str]:
    return [
        problem.text().removeprefix("data/papers/2023/x.yaml:")
        for problem in checker.all_problems(checker.entry(fragment))
    ]


@pytest.mark.parametrize("no", ["no", '"no"'])
@pytest.mark.parametrize("summary", ['summary: ""', "summary: Prunes the channels of a U-Net and fine-tunes it."])
def test_a_draft_gets_one_error(checker: Checker, no: str, summary: str) -> None:
    (problem,) = texts(checker, f"{summary}\nchecked: {no}")
    assert problem.startswith(f"5:10: error[E242]: {MESSAGE}")


def test_what_else_is_wrong_is_said(checker: Checker) -> None:
    problems = texts(checker, 'family: prunning\nsummary: ""\nchecked: no')
    assert [problem.split(": ")[1] for problem in problems] == ["error[E220]", "error[E242]"]


def test_other_words_are_no_drafts(checker: Checker) -> None:
    problems = texts(checker, "checked: false")
    assert [problem.split(": ")[1] for problem in problems] == ["error[E110]", "error[E220]"]
    problems = texts(checker, 'summary: ""\nchecked: abstract')
    assert [problem.split(": ")[1] for problem in problems] == ["error[E210]"]


def test_format_takes_no_for_text(checker: Checker) -> None:
    raw = checker.entry('summary: ""\nchecked: no').encode()
    written = format_entry(raw, "papers", "x")
    assert b'checked: "no"\n' in written
    assert format_entry(written, "papers", "x") == written

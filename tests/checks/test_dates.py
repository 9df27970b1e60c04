"""The calendar, leap days, and the day of the entry."""

from __future__ import annotations

import pytest

from generator.checks import dates
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    ("added: 22.11.2026", "6:8: error[E203]: '22.11.2026' is not a full date", "write added: YYYY-MM-DD"),
    ("checked_on: 2026-11", "6:13: error[E203]: '2026-11' is not a full date", "write checked_on: YYYY-MM-DD"),
    ("added: 2026-11", "6:8: error[E203]: '2026-11' is not a full date", "write added: YYYY-MM-DD"),
    ('added: "2026-1-5"', "6:8: error[E203]: '2026-1-5' is not a full date", "write added: YYYY-MM-DD"),
    (
        "added: 2026-02-30",
        "6:8: error[E204]: 2026-02-30 is not in the calendar",
        "write a date that exists",
    ),
    (
        "added: 2025-02-29",
        "6:8: error[E204]: 2025-02-29 is not in the calendar",
        "write a date that exists",
    ),
    (
        "added: 2026-13-01",
        "6:8: error[E204]: 2026-13-01 is not in the calendar",
        "write a date that exists",
    ),
    ("date: May 2023", "3:7: error[E203]: 'May 2023' is not a date", "write date: YYYY, YYYY-MM or YYYY-MM-DD"),
    ("date: 2023-5", "3:7: error[E203]: '2023-5' is not a date", "write date: YYYY, YYYY-MM or YYYY-MM-DD"),
    (
        "date: 2027-01",
        "3:7: error[E204]: date 2027-01 is later than added: 2026-11-22",
        "correct one of the two dates",
    ),
    ('date: "1949"', "3:7: error[E204]: 1949 is not in the calendar", "write a date that exists"),
    (
        'added: "\u0662\u0660\u0662\u0666-11-22"',
        "6:8: error[E203]: '\u0662\u0660\u0662\u0666-11-22' is not a full date",
        "write added: YYYY-MM-DD",
    ),
]
GOOD = [
    "added: 2028-02-29",
    "date: 2024-02-29",
    'date: "2023"',
    "date: 2023-05",
    "date: 2023-05-18",
    "date: 2026-11-22",
    'date: "1950"',
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(dates, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(dates, fragment) == []


def test_since_of_a_tool(checker: Checker) -> None:
    assert checker.messages(dates, "since: 2027-01", "tools") == [
        (
            "data/tools/x.yaml:3:8: error[E204]: since 2027-01 is later than added: 2026-11-22. "
            "fix: correct one of the two dates"
        )
    ]


def test_a_date_is_not_measured_by_an_added_that_is_none(checker: Checker) -> None:
    assert checker.messages(dates, "date: 2023-05\nadded: soon") == [
        f"{PATH}:4:8: error[E203]: 'soon' is not a full date. fix: write added: YYYY-MM-DD"
    ]

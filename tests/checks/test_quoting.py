"""What another YAML reader would not take for text."""

from __future__ import annotations

import pytest

from generator.checks import quoting
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    ("short: 1e3", "2:8: error[E110]: 1e3 is not quoted, so YAML reads the number 1000", 'write short: "1e3"'),
    (
        "arxiv: 2305.10920",
        "2:8: error[E110]: 2305.10920 is not quoted, so YAML reads the number 2305.1092",
        'write arxiv: "2305.10920"',
    ),
    (
        "arxiv: 0704.0001",
        "2:8: error[E110]: 0704.0001 is not quoted, so YAML reads the number 704.0001",
        'write arxiv: "0704.0001"',
    ),
    ("venue: NO", "3:8: error[E110]: NO is not quoted, so YAML reads a boolean", 'write venue: "NO"'),
    ("title: Null", "1:8: error[E110]: Null is not quoted, so YAML reads null", 'write title: "Null"'),
    ("title: 12:30", "1:8: error[E110]: 12:30 is not quoted, so YAML reads a number", 'write title: "12:30"'),
    (
        "title: 2023-05-18",
        "1:8: error[E110]: 2023-05-18 is not quoted, so YAML reads the date 2023-05-18",
        'write title: "2023-05-18"',
    ),
    ("short: ~", "2:8: error[E110]: ~ is not quoted, so YAML reads null", 'write short: "~"'),
    ("short: 0x1F", "2:8: error[E110]: 0x1F is not quoted, so YAML reads a number", 'write short: "0x1F"'),
    (
        "short: 1_000",
        "2:8: error[E110]: 1_000 is not quoted, so YAML reads the number 1000",
        'write short: "1_000"',
    ),
    ("short: 0123", "2:8: error[E110]: 0123 is not quoted, so YAML reads the number 123", 'write short: "0123"'),
    (
        "models: [DDPM, 2.1]",
        "4:16: error[E110]: 2.1 is not quoted, so YAML reads the number 2.1",
        'write "2.1"',
    ),
    ("short: .inf", "2:8: error[E110]: .inf is not quoted, so YAML reads a number", 'write short: ".inf"'),
    ("short: =", "2:8: error[E110]: = is not quoted, so YAML reads an operator", 'write short: "="'),
    (
        "results:\n  - {model: m, setting: 50, where: abstract, after: {fid: 2}}",
        "6:25: error[E110]: 50 is not quoted, so YAML reads the number 50",
        'write setting: "50"',
    ),
    ("short: 1e999", "2:8: error[E110]: 1e999 is not quoted, so YAML reads the number inf", 'write short: "1e999"'),
    ("short: 0o17", "2:8: error[E110]: 0o17 is not quoted, so YAML reads a number", 'write short: "0o17"'),
    ("short: off", "2:8: error[E110]: off is not quoted, so YAML reads a boolean", 'write short: "off"'),
    ("short: -.5", "2:8: error[E110]: -.5 is not quoted, so YAML reads the number -0.5", 'write short: "-.5"'),
]
GOOD = [
    'write short: "1e3"',
    "short: 1e",
    "short: 2.1b",
    "short: No way",
    "short: 10.1000/x",
    "short: 1.2.3",
    "short: 2024-05",
    "date: 2023-05-18",
    "results:\n  - {model: m, setting: s, where: abstract, before: {fid: 3}, after: {fid: 2.5}}",
    "short: nulls",
    "short: 0x",
    "models: [SD3]",
    "short: 12:3a",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(quoting, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(quoting, fragment) == []

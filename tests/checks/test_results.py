"""Ranges, comparisons, hardware, repetition."""

from __future__ import annotations

import pytest

from generator.checks import results
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        ("results:\n  - {model: M, metric: speed-up, before: 1, after: 2, setting: s, where: abstract}"),
        "6:34: error[E231]: speed-up compares with the unchanged model and has before: 1",
        "leave before out",
    ),
    (
        ("results:\n  - {model: M, metric: parameter-reduction, after: 130, setting: s, where: abstract}"),
        "6:52: error[E232]: parameter-reduction of 130 %",
        "a share is between 0 and 100",
    ),
    (
        ("results:\n  - {model: M, metric: parameter-reduction, after: -1, setting: s, where: abstract}"),
        "6:52: error[E232]: parameter-reduction of -1 %",
        "a share is between 0 and 100",
    ),
    (
        "results:\n  - {model: M, metric: speed-up, after: 0, setting: s, where: abstract}",
        "6:41: error[E232]: speed-up of 0 ×",
        "a value above 0",
    ),
    (
        "results:\n  - {model: M, metric: latency, after: 2, setting: s, where: abstract}",
        "6:5: note[E233]: latency without hardware",
        "hardware: the device, as the source names it",
    ),
    (
        ("results:\n  - {model: M, metric: latency, before: 0, after: 2, hardware: A100, setting: s, where: abstract}"),
        "6:41: error[E232]: latency of 0 s",
        "a value above 0",
    ),
    (
        (
            "results:\n  - {model: M, metric: fid, after: 2, setting: s, where: abstract}\n  - "
            "{model: M, metric: fid, after: 2, setting: s, where: Table 1}"
        ),
        "7:5: error[E234]: the same fid of M stands here twice",
        "keep one",
    ),
]
GOOD = [
    "results:\n  - {model: M, metric: speed-up, after: 2, setting: s, where: abstract}",
    ("results:\n  - {model: M, metric: parameter-reduction, after: 0, setting: s, where: abstract}"),
    ("results:\n  - {model: M, metric: parameter-reduction, after: 100, setting: s, where: abstract}"),
    ("results:\n  - {model: M, metric: latency, before: 3, after: 2, hardware: A100, setting: s, where: abstract}"),
    ("results:\n  - {model: M, metric: fid, before: 3, after: 0, setting: s, where: abstract}"),
    "results:\n  - {model: M, metric: fid, after: many, setting: s, where: abstract}",
    ("results:\n  - {model: M, metric: unheard, before: -1, after: -1, setting: s, where: abstract}"),
    "results: [a, [b]]",
    "results: none",
    (
        "results:\n  - {model: M, metric: fid, after: 2, setting: s, where: a}\n  - "
        "{model: M, metric: fid, after: 2, setting: other, where: a}"
    ),
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(results, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(results, fragment) == []


def test_a_number_that_no_float_holds(checker: Checker) -> None:
    digits = "9" * 400
    fragment = f"results:\n  - {{model: M, metric: fid, after: {digits}, setting: s, where: abstract}}"
    message = "error[E232]: fid has 400 digits. fix: the number as the source states it"
    assert checker.messages(results, fragment) == [f"{PATH}:6:36: {message}"]


@pytest.mark.parametrize("value", ["nan", "inf", "1_000", "'-'", "[1]", "{a: 1}", "0x10"])
def test_what_is_no_number_is_left_to_shape(checker: Checker, value: str) -> None:
    fragment = f"results:\n  - {{model: M, metric: accuracy, after: {value}, setting: s, where: abstract}}"
    assert checker.messages(results, fragment) == []

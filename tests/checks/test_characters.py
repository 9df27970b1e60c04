"""One script a word, one space between words."""

from __future__ import annotations

import pytest

from generator.checks import characters
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        "short: W\u0430nda",
        "2:8: error[E303]: 'W\\u0430nda' mixes Cyrillic and Latin letters",
        "retype the word",
    ),
    (
        'short: "Diff  Pruning"',
        "2:8: error[E304]: stray spaces in 'Diff  Pruning'",
        "write one space between words; use >- for long text",
    ),
    (
        'short: " Diff"',
        "2:8: error[E304]: stray spaces in ' Diff'",
        "write one space between words; use >- for long text",
    ),
    (
        'short: "a\\nb"',
        "2:8: error[E304]: a line break in 'a\\nb'",
        "write one space between words; use >- for long text",
    ),
    (
        'short: "a\\tb"',
        "2:8: error[E304]: stray spaces in 'a\\tb'",
        "write one space between words; use >- for long text",
    ),
    (
        "summary: |\n  One line.\n  Two lines.\n",
        "4:10: error[E304]: a line break in 'One line.\\nTwo lines.\\n'",
        "write one space between words; use >- for long text",
    ),
    (
        "short: \uff37anda",
        "2:8: error[E303]: '\\uff37anda' mixes Fullwidth and Latin letters",
        "retype the word",
    ),
    (
        "short: \u0391\u043b\u044c\u0444\u0430",
        ("2:8: error[E303]: '\\u0391\\u043b\\u044c\\u0444\\u0430' mixes Cyrillic and Greek letters"),
        "retype the word",
    ),
]
GOOD = [
    "short: Diff-Pruning",
    "short: \u03b2-VAE",
    "short: \u03b5-pruning",
    "short: DiT模型",
    "short: Résumé",
    "short: \u0412\u0430\u043d\u0434\u0430",
    "short: 剪枝",
    "short: Ångström",
    "short: µP",
    "models: [\u03b2-VAE, SDXL]",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(characters, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(characters, fragment) == []


@pytest.mark.parametrize(
    ("fragment", "place", "said", "wanted"),
    [
        ("title: D$^{3}$ToM", "1:8", "'D$^{3}$ToM' as 'D³ToM'", "D³ToM"),
        ("short: Top-$k$", "2:8", "'Top-$k$' as 'Top-k'", "Top-k"),
        ("title: Eﬃcient U\u2011Net", "1:8", "'Eﬃcient U\u2011Net' as 'Efficient U-Net'", "Efficient U-Net"),
        ("aliases: [∆-DiT]", "2:11", "'∆-DiT' as 'Δ-DiT'", "Δ-DiT"),
    ],
)
def test_a_title_in_another_form(checker: Checker, fragment: str, place: str, said: str, wanted: str) -> None:
    assert checker.messages(characters, fragment) == [
        f"{PATH}:{place}: note[E305]: the site shows {said}. fix: write {wanted}, or run make format"
    ]


def test_a_title_that_format_leaves(checker: Checker) -> None:
    (message,) = checker.messages(characters, r"title: '\$x_1\$'")
    assert message.endswith("fix: write $x_1$")

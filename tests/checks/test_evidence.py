"""The day of a check against the paper, numbers of other texts, and training that the summary contradicts."""

from __future__ import annotations

import pytest

from generator.checks import evidence
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
VIA = "results:\n  - {model: m, setting: s, where: Table 1, via: notes, after: {fid: 2}}"
BAD = [
    (
        "checked: paper",
        "5:10: error[E243]: checked: paper without checked_on. fix: add checked_on: YYYY-MM-DD",
    ),
    (
        f"{VIA}\nchecked: paper\nchecked_on: 2026-11-22",
        (
            "6:49: error[E244]: checked: paper, but via: notes. "
            "fix: write checked: abstract, or the place that the paper itself has"
        ),
    ),
    (
        (
            "code: https://github.com/a/b\nresults:\n"
            "  - {model: m, setting: s, where: README, via: https://github.com/a/b/tree/main, after: {fid: 2}}"
        ),
        (
            "5:48: error[E246]: via is a page of the authors, https://github.com/a/b/tree/main. "
            "fix: delete via, and write where: README or project page"
        ),
    ),
    *(
        (
            (
                f"{key}: https://example.org/a/b\nresults:\n"
                f"  - {{model: m, setting: s, where: README, via: {via!r}, after: {{fid: 2}}}}"
            ),
            (
                f"5:48: error[E246]: via is a page of the authors, {via}. "
                "fix: delete via, and write where: README or project page"
            ),
        )
        for key in ("code", "project", "weights")
        for via in ("https://example.org/a/b", "https://EXAMPLE.org/a/b/", "https://example.org/a/b/c?d=e#f")
    ),
    *(
        (
            f"training: training-free\nsummary: Removes the blocks of a network and {words} for a day.",
            f"4:11: note[E245]: training-free, but the summary says {found!r}. fix: correct one of the two",
        )
        for words, found in (
            ("is then fine-tuned", "is then fine-tuned"),
            ("trains a small router", "trains a small router"),
            ("recovers by short distillation", "by short distillation"),
        )
    ),
]
GOOD = [
    (
        "code: https://github.com/a/b\nresults:\n"
        "  - {model: m, setting: s, where: README, via: https://github.com/c/d, after: {fid: 2}}"
    ),
    *(
        "code: https://github.com/a/b\nresults:\n"
        f"  - {{model: m, setting: s, where: README, via: {via!r}, after: {{fid: 2}}}}"
        for via in (
            "https://github.com/a/bc",
            "https://github.com/a",
            "https://github.com/A",
            "https://github.org/a/b",
            "https://[a/b",
            "/a/b",
        )
    ),
    "checked: paper\nchecked_on: 2026-11-22",
    "checked: abstract\nresults:\n  - {model: m, setting: s, where: Table 1, via: notes, after: {fid: 2}}",
    "training: training-free\nsummary: Removes the blocks of a network and is not retrained, without fine-tuning.",
    "training: auxiliary\nsummary: Keeps the network frozen and trains a small router of its blocks.",
]


@pytest.mark.parametrize(("fragment", "message"), BAD)
def test_message(checker: Checker, fragment: str, message: str) -> None:
    assert checker.messages(evidence, fragment) == [f"{PATH}:{message}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_no_message(checker: Checker, fragment: str) -> None:
    assert checker.messages(evidence, fragment) == []

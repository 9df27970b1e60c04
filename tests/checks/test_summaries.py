"""Length, markup, praise, full stop."""

from __future__ import annotations

import pytest

from generator.checks import summaries
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    ("summary: Prunes a model.", "4:10: error[E240]: summary of 15 characters", "write 40 to 450 characters"),
    (
        (
            "summary: Prunes channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels channels "
            "channels channels channels channels channels channels channels channels of a "
            "U-Net."
        ),
        "4:10: error[E240]: summary of 558 characters",
        "write 40 to 450 characters",
    ),
    (
        "summary: Prunes the channels of a U-Net whose score $s$ is low.",
        "4:10: error[E241]: markup '$' in the summary",
        "write plain text",
    ),
    (
        "summary: Prunes the channels of a U-Net that matter least!",
        "4:10: error[E241]: the summary ends with 'atter least!'",
        "end it with a full stop",
    ),
    (
        "summary: '[x](javascript:alert(1)) Prunes the channels of a U-Net.'",
        "4:10: error[E241]: markup '](' in the summary",
        "write plain text",
    ),
    (
        "summary: Prunes the channels of a U-Net by $5$ scores of its layers.",
        "4:10: error[E241]: markup '$' in the summary",
        "write plain text",
    ),
    (
        "summary: Prunes the <b>channels</b> of a U-Net that matter least.",
        "4:10: error[E241]: markup '<b>' in the summary",
        "write plain text",
    ),
    (
        "summary: Prunes a U-Net by a novel view of the scores of its channels and novel ideas.",
        "4:10: error[E241]: 'novel' in the summary",
        "say what the method does, without praise",
    ),
    (
        "summary: Prunes a U-Net with a State-of-the-Art criterion for its channels.",
        "4:10: error[E241]: 'State-of-the-Art' in the summary",
        "say what the method does, without praise",
    ),
]
GOOD = [
    "summary: Prunes a diffusion model for novel view synthesis and then fine-tunes it.",
    "summary: Prunes a model for novel-view synthesis of novel objects, then fine-tunes it.",
    "summary: Generates a sample for $0.01 instead of $0.10 after the pruning of a U-Net.",
    "summary: Generates 100 samples for $5, $6 or $1,000.50 after the pruning of a U-Net.",
    "summary: Prunes every channel whose score is <x, where x follows the timestep.",
    "summary: Prunes the channels of a U-Net. (Details are in the appendix.)",
    "summary: Prunes the channels of a U-Net, «as its authors say.»",
    "summary: Prunes the channels of a U-Net that matter least and then fine-tunes it.",
    "summary: Prunes 2:4 groups at 50 %, then tunes the rest (30 steps).",
    "summary: >-\n  Prunes a model in two lines, the second of which is\n  this one.",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(summaries, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(summaries, fragment) == []


def test_each_fault_is_reported(checker: Checker) -> None:
    messages = checker.messages(summaries, "summary: A **novel** method that prunes the channels of a U-Net")
    assert messages == [
        f"{PATH}:4:10: error[E241]: 'novel' in the summary. fix: say what the method does, without praise",
        f"{PATH}:4:10: error[E241]: markup '**' in the summary. fix: write plain text",
        f"{PATH}:4:10: error[E241]: the summary ends with 's of a U-Net'. fix: end it with a full stop",
    ]


@pytest.mark.parametrize(("length", "problems"), [(39, 1), (40, 0), (450, 0), (451, 1)])
def test_length_limits(checker: Checker, length: int, problems: int) -> None:
    assert len(checker.messages(summaries, f"summary: {'x' * (length - 1)}.")) == problems


NO_DIGIT = "summary: Prunes half of the channels of a U-Net and then fine-tunes it."


def with_result(where: str, also: str = "") -> str:
    return f"results:\n  - {{model: m, setting: s, where: {where}{also}, after: {{fid: 2}}}}\n{NO_DIGIT}"


@pytest.mark.parametrize("where", ["abstract", "abstract of version 1"])
def test_a_result_of_the_abstract_asks_for_a_number(checker: Checker, where: str) -> None:
    assert checker.messages(summaries, with_result(where)) == [
        (
            f"{PATH}:6:10: error[E248]: results from the abstract, but no number in the summary. "
            "fix: write the main number, and what it is compared with"
        )
    ]


def test_other_results_ask_for_none(checker: Checker) -> None:
    assert checker.messages(summaries, with_result("Table 1")) == []
    assert checker.messages(summaries, with_result("abstract", ", reported_by: other")) == []
    assert checker.messages(summaries, with_result("abstract").replace("half", "50%")) == []
    assert checker.messages(summaries, NO_DIGIT) == []

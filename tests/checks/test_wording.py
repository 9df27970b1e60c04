"""«over» before an amount, in summaries and settings."""

from __future__ import annotations

import pytest

from generator.checks import wording
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
AMOUNTS = {
    "over 40% faster": "over 40%",
    "Over 1.5× faster": "Over 1.5×",
    "more, over 100 times": "over 100 times",
    "over 0.2 s less": "over 0.2 s",
    "over 1,000 MB less": "over 1,000 MB",
}
"""What may be read as a comparison, and what the message quotes."""
COMPARISONS = [
    "more than 40% faster",
    "2.1× over DDIM",
    "1.4× over the baseline",
    "the average over 9 models",
    "over 30,000 prompts",
    "over 50 steps",
    "moreover 40% faster",
    "4K images, over 4K tokens",
]


@pytest.mark.parametrize(("words", "quoted"), AMOUNTS.items())
def test_an_amount(checker: Checker, words: str, quoted: str) -> None:
    """The place is that of the summary, or of the setting."""
    summary = f'summary: "Prunes the channels of a U-Net, {words} than before."'
    setting = f'results:\n  - {{model: m, setting: "{words}", where: Table 1, after: {{fid: 2}}}}'
    for fragment, place in ((summary, "4:10"), (setting, "6:25")):
        assert checker.messages(wording, fragment) == [
            f"{PATH}:{place}: error[E247]: {quoted!r} may be read as a comparison. fix: write more than"
        ]


@pytest.mark.parametrize("words", COMPARISONS)
def test_a_comparison(checker: Checker, words: str) -> None:
    assert checker.messages(wording, f'summary: "Prunes the channels of a U-Net, {words}, than before."') == []
    setting = f'results:\n  - {{model: m, setting: "{words}", where: Table 1, after: {{fid: 2}}}}'
    assert checker.messages(wording, setting) == []


@pytest.mark.parametrize("kind", ["tools", "articles", "models"])
def test_other_kinds_have_summaries_too(checker: Checker, kind: str) -> None:
    text = checker.entry("summary: Makes pruned diffusion models over 40% faster.", kind)
    assert [problem.code for problem in checker.all_problems(text, kind)] == ["E247"]

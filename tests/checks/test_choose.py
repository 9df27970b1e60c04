"""The rules of the page Choose: what is refused, and that the shipped ones fit the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checks.choose import read_rules
from generator.checks.drafts import read_taxonomy
from generator.entries.model import Rules, Taxonomy
from generator.entries.problem import Problem

GOOD = """\
needs:
  seconds:
    name: Seconds
    text: One output takes too long.
    metrics: [speed-up, latency]
budgets:
  none:
    name: Not at all
    text: Without training.
    training: [training-free]
other_aims: [unlearning]
rules:
  seconds:
    none:
      - family: caching
        why: Features are reused.
"""


@pytest.fixture(scope="module")
def taxonomy(root: Path) -> Taxonomy:
    """The shipped one."""
    found, _ = read_taxonomy(root / "data", [])
    assert found is not None
    return found


def read(folder: Path, taxonomy: Taxonomy, text: str) -> tuple[Rules | None, list[str]]:
    (folder / "choose.yaml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    rules = read_rules(folder, taxonomy, problems)
    return rules, [problem.text() for problem in problems]


def test_good_rules_are_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    rules, problems = read(tmp_path, taxonomy, GOOD)
    assert problems == []
    assert rules is not None
    assert [advice.family for advice in rules.rules["seconds"]["none"]] == ["caching"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "family: caching",
            "family: cachin",
            "15:17: {}unknown family 'cachin'. fix: did you mean caching? Allowed: pruning, ",
        ),
        ("[speed-up, latency]", "[speed-up, fid]", "5:25: {}unknown cost metric 'fid'. fix: use one of parameters"),
        ("[training-free]", "[trainingfree]", "10:16: {}unknown training 'trainingfree'. fix: did you mean train"),
        ("[unlearning]", "[unlearn]", "11:14: {}unknown topic 'unlearn'. fix: did you mean unlearning"),
        (
            "why: Features are reused.",
            "why: Features are reused. It is fast.",
            "16:14: {}'Features are reused. It is fast.' is not one sentence. fix: write one sentence with a full stop",
        ),
        (
            "why: Features are reused.",
            "why: Features are reused",
            "16:14: {}'Features are reused' is not one sentence. fix: write one sentence with a full stop",
        ),
        (
            "        why: Features are reused.\n",
            "        why: Features are reused.\n      - family: caching\n        why: Once more.\n",
            "17:17: {}caching is listed twice. fix: delete one of the two",
        ),
        (
            "    none:\n      - family",
            "    hours:\n      - family",
            "14:5: {}unknown budget 'hours'. fix: use one of none",
        ),
        (
            "        why: Features are reused.\n",
            "",
            "15:9: {}rules.seconds.none.0.why: field required. fix: write it as",
        ),
        (
            "    metrics: [speed-up, latency]\n",
            "",
            "3:5: {}needs.seconds.metrics: field required. fix: write it as the other",
        ),
        (
            "other_aims: [unlearning]\n",
            "",
            "1:1: {}other_aims: field required. fix: write it as the other items of the file",
        ),
    ],
)
def test_bad_rules(tmp_path: Path, taxonomy: Taxonomy, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    _, problems = read(tmp_path, taxonomy, GOOD.replace(old, new))
    assert problems[0].startswith("data/choose.yaml:" + problem.format("error[E506]: ")), problems


def test_every_need_and_budget_has_families(tmp_path: Path, taxonomy: Taxonomy) -> None:
    text = GOOD.replace(
        "other_aims",
        "  hours:\n    name: Hours\n    text: Short training.\n    training: [fine-tune]\nother_aims",
    )
    _, problems = read(tmp_path, taxonomy, text)
    assert problems == [
        "data/choose.yaml:17:3: error[E506]: no families for seconds and hours. fix: add hours: with family and why"
    ]


def test_a_missing_file_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    assert read_rules(tmp_path, taxonomy, problems) is None
    assert [problem.code for problem in problems] == ["E100"]


def test_the_shipped_rules_are_valid(root: Path, taxonomy: Taxonomy) -> None:
    problems: list[Problem] = []
    rules = read_rules(root / "data", taxonomy, problems)
    assert problems == []
    assert rules is not None
    assert list(rules.needs) == ["seconds", "memory", "disk", "steps"]
    assert list(rules.budgets) == ["none", "hours", "days"]
    allowed = [set(budget.training) for budget in rules.budgets.values()]
    assert allowed[0] < allowed[1] < allowed[2]

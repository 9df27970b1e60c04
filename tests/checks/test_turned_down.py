"""The papers that do not belong: what is refused, what `format` writes, and how the site shows them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.checks.turned_down import LONGEST, read_turned_down
from generator.entries.format_yaml import NotFormattable, format_turned_down
from generator.entries.load_yaml import MAX_EVENTS
from generator.entries.model import TurnedDown, order_of_id
from generator.entries.problem import Problem
from generator.pages import reference
from generator.views.site import Site
from tests.conftest import Checker

TODAY = date(2026, 11, 29)
GOOD = """\
# Papers that do not belong.
papers:
  - arxiv: "2305.10924"
    title: Prune Everything
    rule: not-diffusion
    reason: Prunes classifiers only.
    date: 2026-11-22
  # asked about in an issue
  - arxiv: "2401.00001"
    title: "Paint: Everything"
    rule: no-cost
    reason: Makes images prettier.
    date: 2026-11-29
  - url: https://example.org/paper
    title: Elsewhere
    rule: application
    reason: Runs an unchanged model in a car.
    date: 2026-11-29
"""


def read(folder: Path, checker: Checker, text: str, entry: str = "") -> tuple[tuple[TurnedDown, ...] | None, list[str]]:
    (folder / "turned-down.yaml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    drafts = [checker.readable_draft(checker.entry(entry))] if entry else []
    papers = read_turned_down(folder, drafts, checker.context, TODAY, problems)
    return papers, [problem.text().removeprefix("data/turned-down.yaml:") for problem in problems]


def test_a_good_file_is_read_and_is_canonical(tmp_path: Path, checker: Checker) -> None:
    papers, problems = read(tmp_path, checker, GOOD)
    assert problems == []
    assert papers is not None
    assert [paper.arxiv or paper.url for paper in papers] == ["2305.10924", "2401.00001", "https://example.org/paper"]
    assert format_turned_down(GOOD.encode(), "x").decode() == GOOD


def test_no_file_means_no_paper(tmp_path: Path, checker: Checker) -> None:
    problems: list[Problem] = []
    assert read_turned_down(tmp_path, [], checker.context, TODAY, problems) == ()
    assert problems == []
    assert read(tmp_path, checker, "papers: []\n") == ((), [])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            '"2305.10924"',
            "2305.10924",
            "3:12: error[E110]: 2305.10924 is not quoted, so YAML reads the number 2305.10924. fix: ",
        ),
        (
            "2305.10924",
            "2305.10924v2",
            "3:12: error[E531]: '2305.10924v2' is not a bare id. fix: arxiv: \"2305.10924\"",
        ),
        ("2305.10924", "2305.1092", "3:12: error[E531]: 2305.1092 has four digits after the point. fix: write five"),
        ("2305.10924", "Prune", "3:12: error[E531]: 'Prune' is not an arXiv id. fix: write arxiv: \"2305.10924\""),
        ("2305.10924", "2612.00001", "3:12: error[E531]: 2612.00001 is of 12/2026, after 2026-11. fix: copy the id"),
        (
            "rule: no-cost",
            "rule: no-costs",
            "11:11: error[E532]: unknown rule 'no-costs'. fix: did you mean no-cost, training-cost? Allowed: not-",
        ),
        (
            "2401.00001",
            "2305.10924",
            "9:12: error[E534]: 2305.10924 is already papers[1]. fix: delete one of the two",
        ),
        ("2026-11-22", "2026-11-31", "7:11: error[E535]: 2026-11-31 is not in the calendar. fix: write a date that"),
        ("2026-11-22", "2026-11-30", "7:11: error[E535]: 2026-11-30 is in the future. fix: write the day on which"),
        ("2026-11-22", '"2026-11"', "7:11: error[E535]: '2026-11' is not a full date. fix: write date: YYYY-MM-DD"),
        (
            "2305.10924",
            "2501.00001",
            "9:5: error[E536]: 2401.00001 should come before 2501.00001. fix: run make format, which puts them in",
        ),
        (
            "    reason: Prunes classifiers only.\n",
            "",
            "3:5: error[E530]: papers[1].reason: field required. fix: write",
        ),
        ("title: Prune", "tilte: Prune", "3:5: error[E530]: papers[1].title: field required. fix: write it as the"),
        (
            "only.",
            "only",
            "6:13: error[E530]: the reason 'Prunes classifiers only' is not one sentence. fix: write one",
        ),
        ("only.", "only. It is good.", "6:13: error[E530]: the reason 'Prunes classifiers only. It is good.' is not"),
        ("only.", f"{'x' * LONGEST}.", "6:13: error[E530]: reason of 270 characters. fix: write 15 to 250 characters"),
        (
            "  - url: https://example.org/paper\n    title",
            "  - title",
            "14:5: error[E530]: papers[3] has neither arxiv nor url. fix: give arxiv, or url if the paper is not on",
        ),
        ("    rule: not", "    url: https://a.org/b\n    rule: not", "3:5: error[E530]: papers[1] has arxiv and url."),
        ("https://example.org/paper", "http://example.org", "14:10: error[E401]: 'http://example.org' does not start"),
        (
            "title: Prune",
            "title: P\u0430une",
            "4:12: error[E303]: 'P\\u0430une' mixes Cyrillic and Latin letters. fix:",
        ),
        ("papers:\n", "paper:\n", "1:1: error[E530]: papers: field required. fix: write it as the other papers"),
    ],
)
def test_bad_files(tmp_path: Path, checker: Checker, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    papers, problems = read(tmp_path, checker, GOOD.replace(old, new, 1))
    assert papers is None
    assert any(found.startswith(problem) for found in problems), problems


def test_all_mistakes_are_found_at_once(tmp_path: Path, checker: Checker) -> None:
    text = GOOD.replace("only.", "only").replace("no-cost", "none").replace("2026-11-22", "2027-01-01")
    _, problems = read(tmp_path, checker, text)
    assert [found.split(": ")[1] for found in problems] == ["error[E530]", "error[E532]", "error[E535]"]


def test_a_paper_with_an_entry_is_not_turned_down(tmp_path: Path, checker: Checker) -> None:
    _, problems = read(tmp_path, checker, GOOD, 'arxiv: "2401.00001"')
    assert problems == [
        "9:12: error[E533]: 2401.00001 has the entry data/papers/2023/x.yaml. fix: delete it here, or there"
    ]
    entry = "url: https://www.example.org/paper/\nauthors: [A B]\ndate: 2023-05-01"
    _, problems = read(tmp_path, checker, GOOD, entry)  # the address is compared without www and slash
    assert problems[-1].startswith(
        "14:10: error[E533]: https://example.org/paper has the entry data/papers/2023/x.yaml."
    )


def test_a_long_list_is_read(tmp_path: Path, checker: Checker) -> None:
    """It has more parts than an entry may have."""
    paper = "    title: T\n    rule: no-cost\n    reason: Makes images prettier.\n    date: 2026-11-29\n"
    text = "papers:\n" + "".join(f'  - arxiv: "2401.{number:05}"\n{paper}' for number in range(1, MAX_EVENTS // 8))
    papers, problems = read(tmp_path, checker, text)
    assert problems == []
    assert papers is not None
    assert len(papers) == MAX_EVENTS // 8 - 1
    assert format_turned_down(text.encode(), "x").decode() == text


def test_format_orders_papers_and_keys_and_keeps_comments() -> None:
    lines = GOOD.splitlines(keepends=True)
    moved = "".join([*lines[:2], *lines[7:], *lines[2:7]]).replace(
        "    title: Prune Everything\n    rule: not-diffusion\n",
        "    rule: 'not-diffusion'\n    title:   Prune Everything\n",
    )
    assert moved != GOOD
    assert format_turned_down(moved.encode(), "x").decode() == GOOD
    assert format_turned_down(GOOD.replace("\n", "\r\n").encode(), "x").decode() == GOOD


def test_the_site_lists_rules_and_papers(tmp_path: Path, checker: Checker) -> None:
    papers, _ = read(tmp_path, checker, GOOD.replace("Prune Everything", "<b>Prune</b> [x](javascript:1)"))
    assert papers is not None
    catalogue = SimpleNamespace(taxonomy=checker.context.taxonomy, turned_down=papers)
    site = cast("Site", SimpleNamespace(catalogue=catalogue))
    html = reference.scope(site, "../", "papers")
    assert '<p class="cat-count">3 papers turned down</p>' in html
    assert '<a href="https://arxiv.org/abs/2305.10924">&lt;b&gt;Prune&lt;/b&gt; [x](javascript:1)</a>' in html
    assert '<a href="https://example.org/paper">Elsewhere</a>' in html
    rules = reference.scope(site, "../", "rules")
    assert rules.count("<dt") == len(checker.context.taxonomy.scope)
    assert rules.count('">1 paper turned down</a>') == 3
    with pytest.raises(ValueError, match="no list 'all'"):
        reference.scope(site, "../", "all")


@pytest.mark.parametrize("text", ["papers: x\n", "papers: [x]\n", "other: []\n", "papers:\n  - title: [a]\n", "- a\n"])
def test_format_refuses_another_file(text: str) -> None:
    with pytest.raises(NotFormattable):
        format_turned_down(text.encode(), "x")


IDS = st.builds("{:02}{:02}.{:05}".format, st.integers(8, 29), st.integers(1, 12), st.integers(0, 99_999))


@given(st.lists(IDS, unique=True, max_size=10))
def test_ids_are_ordered_by_month(ids: list[str]) -> None:
    months = [order_of_id(one)[0] for one in sorted(ids, key=order_of_id)]
    assert months == sorted(months)
    assert min(["hep-th/9901001", *ids], key=order_of_id) == "hep-th/9901001"

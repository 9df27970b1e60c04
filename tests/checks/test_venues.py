"""Series, year, order in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generator.checks import venues
from generator.entries.model import ArxivRecord
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
BAD = [
    (
        "venue: Neurips 2023",
        "3:8: error[E222]: 'Neurips 2023' is not a known series and a year",
        "did you mean NeurIPS, SiPS, with a year? `venues` in data/taxonomy.yaml lists all",
    ),
    (
        "venue: ICML 2019",
        "3:8: error[E223]: ICML 2019 was held before the paper first appeared, 2023-05",
        "check the arXiv id and the venue: one of them belongs to another paper",
    ),
    ("track: oral", "3:1: error[E225]: track without venue", "add the venue, or delete track"),
    (
        "venue: ICML 2024\nworkshop: Sparse Days",
        "4:1: error[E225]: workshop without track: workshop",
        "add track: workshop",
    ),
    (
        "venue: ICML",
        "3:8: error[E222]: 'ICML' is not a known series and a year",
        "did you mean ICML, ICLR, ICME, with a year? `venues` in data/taxonomy.yaml lists all",
    ),
    (
        "venue: Zzzz 2024",
        "3:8: error[E222]: 'Zzzz 2024' is not a known series and a year",
        "use one that `venues` in data/taxonomy.yaml lists, with a year",
    ),
    (
        "venue: NeurIPS 2022",
        ("3:8: note[E224]: NeurIPS 2022 was held before the paper first appeared on arXiv, 2023-05"),
        "check that id and venue belong to one paper",
    ),
    (
        "venue: ICML 3024",
        "3:8: error[E222]: 'ICML 3024' is not a known series and a year",
        "did you mean ICML, ICME, ICLR, with a year? `venues` in data/taxonomy.yaml lists all",
    ),
]
GOOD = [
    "venue: ICML 2024",
    "venue: ACM MM 2024",
    "venue: ICML 2023",
    "venue: CVPR 2023",
    "venue: ICML 2024\ntrack: oral",
    "venue: ICML 2024\ntrack: workshop\nworkshop: Sparse Days",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(venues, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(venues, fragment) == []


def test_a_workshop_needs_a_venue_and_a_track(checker: Checker) -> None:
    assert checker.messages(venues, "workshop: Sparse Days") == [
        f"{PATH}:3:1: error[E225]: workshop without track: workshop. fix: add track: workshop",
        f"{PATH}:3:1: error[E225]: workshop without venue. fix: add the venue, or delete workshop",
    ]


@pytest.mark.parametrize("date", ["zzzz", "2023-99", "20xx-05", "٢٠٢٣"])
def test_a_date_that_is_none_is_left_to_dates(checker: Checker, date: str) -> None:
    text = checker.entry(f"url: https://example.org/x\nauthors: [A]\ndate: {date}\nvenue: ICML 1999")
    draft = checker.readable_draft(text.replace('arxiv: "2305.10924"\n', ""))
    assert list(venues.check(draft, checker.context)) == []


@pytest.mark.parametrize(("date", "codes"), [("2023-06", []), ("2023-07", ["E223"])])
def test_a_paper_may_appear_half_a_year_after_its_venue(checker: Checker, date: str, codes: list[str]) -> None:
    text = checker.entry(f"url: https://example.org/x\nauthors: [A]\ndate: {date}\nvenue: NeurIPS 2022")
    draft = checker.readable_draft(text.replace('arxiv: "2305.10924"\n', ""))
    assert [problem.code for problem in venues.check(draft, checker.context)] == codes


@pytest.mark.parametrize(
    ("venue", "published", "codes"),
    [
        ("ICML 2022", None, ["E224"]),
        ("ICML 2022", "2023-06-01", ["E224"]),  # a record never makes an error of a note
        ("NeurIPS 2022", "2022-11-14", []),  # held back by moderation
        ("ICML 2021", "2022-12-30", ["E223"]),
    ],
)
def test_a_record_only_moves_the_month_back(
    checker: Checker, venue: str, published: str | None, codes: list[str]
) -> None:
    record = ArxivRecord(
        id="2301.00124", title="T", authors=("A B",), published=published, source="arxiv-api", fetched_at="2026-11-22"
    )
    draft = checker.readable_draft(checker.entry(f'arxiv: "2301.00124"\nvenue: {venue}'))
    context = replace(checker.context, records={record.id: record})
    assert [problem.code for problem in venues.check(draft, context)] == codes

"""No refresh of the arXiv records makes an error of a shipped entry, whatever title, authors or dates it brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from generator.arxiv import records as arxiv_records
from generator.checks import files, near_titles, records_agree, venues
from generator.checks.draft import Draft
from generator.checks.drafts import read_drafts
from generator.entries.model import ArxivRecord, month_of_arxiv_id
from generator.entries.tex import tex_of
from tests.conftest import Checker

DATA = Path(__file__).parents[2] / "data"
Change = Callable[[ArxivRecord], dict[str, object]]


def month(record: ArxivRecord) -> date:
    return date.fromisoformat(f"{month_of_arxiv_id(record.id)}-01")


CHANGES: dict[str, Change] = {
    "submitted in the month before": lambda record: {"published": (month(record) - timedelta(days=2)).isoformat()},
    "held by moderators": lambda record: {"published": (month(record) - timedelta(days=60)).isoformat()},
    "a later day": lambda record: {"published": (month(record) + timedelta(days=400)).isoformat()},
    "title in TeX": lambda record: {"title": tex_of(record.title)},
    "renamed": lambda _: {"title": "Another Name of Everything"},
    "a colon after a team": lambda record: {"authors": (":", *record.authors)},
}


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    return [draft for draft in read_drafts(DATA, []) if draft.kind == "papers"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_refresh_makes_no_error(checker: Checker, drafts: list[Draft], name: str) -> None:
    old, _ = arxiv_records.read_all(DATA / "arxiv")
    new = {
        arxiv_id: arxiv_records.with_former_titles(record.model_copy(update=CHANGES[name](record)), record)
        for arxiv_id, record in old.items()
    }
    context = replace(checker.context, records=new)
    found = [*records_agree.check_all(drafts, context), *near_titles.check_all(drafts, context)]
    for draft in drafts:
        found += [*files.check(draft, context), *venues.check(draft, context)]
    assert [problem.text() for problem in found if problem.severity == "error" and problem.code != "E222"] == []

"""How well `discover` ranks: the committed table is that of the committed queries, weights and titles."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.bench_discover import BELONG, DATA, RESULT, measure, read_discovery, read_titles

RENEW = "queries or weights have changed: run make bench-discover, and look at the table before you commit it"


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(RESULT.read_text("utf-8"))
    return loaded


def test_the_table_is_up_to_date(result: dict[str, Any]) -> None:
    assert result["data"] == hashlib.sha256(DATA.read_bytes()).hexdigest()[:16]
    assert result["table"] == measure(read_discovery()), RENEW


def test_the_ranking_is_as_good_as_is_claimed(result: dict[str, Any]) -> None:
    half = result["table"]["measured half"]
    assert half["precision at 90% recall"] >= 0.85
    assert result["table"]["weeks"]["recall of the 30 best"] >= 0.95


def test_the_halves_are_disjoint_and_the_papers_are_there_once() -> None:
    titles, models = read_titles()
    ids = [one.arxiv for one in titles]
    assert len(set(ids)) == len(ids)
    assert sum(one.listed is not None for one in titles) >= 600
    assert sum(one.listed is None for one in titles) >= 2400
    assert 0.4 < sum(one.measured for one in titles) / len(titles) < 0.6
    assert models
    assert set(BELONG) <= {one.arxiv for one in titles if one.listed is None}


def test_a_changed_weight_changes_the_table(result: dict[str, Any]) -> None:
    discovery = read_discovery()
    changed = discovery.model_copy(update={"score": discovery.score.model_copy(update={"both": 0.0})})
    assert measure(changed) != result["table"]


def test_the_data_is_no_larger_than_needed() -> None:
    assert Path(DATA).stat().st_size < 200_000


def test_the_page_about_it_has_the_numbers_of_the_table(root: Path, result: dict[str, Any]) -> None:
    page = (root / "docs/decisions/discover.md").read_text("utf-8")
    table, half, weeks = result["table"], result["table"]["measured half"], result["table"]["weeks"]
    values = [
        half["precision at 90% recall"],
        half["other papers shown at 90% recall, of 1,000"],
        weeks["recall of the 30 best"],
        weeks["recall of the 30 best, each week among all other papers"],
        table["proposed family is that of the entry, by title alone"]["right"],
    ]
    assert [line.split(" | ")[-1].rstrip(" |") for line in page.splitlines() if line.startswith("| ")][2:] == [
        str(value) for value in values
    ]
    assert (
        f"titles of {half['papers of the catalogue']} papers of the catalogue among {half['other papers']:,} " in page
    )

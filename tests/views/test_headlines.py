"""The headline numbers of a paper: documented best, not most flattering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from generator.entries.model import Catalogue
from generator.views.headlines import Headline, headlines
from tests.views.made_results import catalogue, result

PAIR: Mapping[str, Any] = {"before": {"fid": 3, "macs": 9}}


def chosen(shipped: Catalogue, *results: Mapping[str, Any]) -> Sequence[Headline]:
    made = catalogue(shipped, {"own": results, "other": []})
    return headlines(made.papers["own"], made.taxonomy.metrics)


def numbers(found: Sequence[Headline]) -> list[tuple[int, tuple[str, ...]]]:
    return [(one.row.number, one.metrics) for one in found]


def test_a_paper_without_results_has_none(shipped: Catalogue) -> None:
    assert chosen(shipped) == ()


def test_the_authors_own_report_comes_before_a_better_number_of_others(shipped: Catalogue) -> None:
    other = result(after={"fid": 1, "macs": 1}, reported_by="other", **PAIR)
    own = result(after={"fid": 8, "macs": 8}, **PAIR)
    assert numbers(chosen(shipped, other, own)) == [(2, ("fid", "macs"))]


def test_what_was_read_in_the_source_comes_before_the_abstract_and_secondary_sources(shipped: Catalogue) -> None:
    rows = [
        result(after={"fid": 1, "macs": 1}, via="a survey", **PAIR),
        result(after={"fid": 1, "macs": 1}, where="abstract", **PAIR),
        result(after={"fid": 8, "macs": 8}, **PAIR),
    ]
    assert numbers(chosen(shipped, *rows)) == [(3, ("fid", "macs"))]


def test_quality_with_cost_comes_before_either_alone_and_exact_before_vague(shipped: Catalogue) -> None:
    rows = [
        result(after={"fid": 1}, before={"fid": 3}),
        result(after={"fid": "up to 1", "macs": 1}, **PAIR),
        result(after={"fid": 8, "macs": 8}, **PAIR),
        result(after={"fid": 8, "macs": 7}),
    ]
    assert numbers(chosen(shipped, *rows)) == [(3, ("fid", "macs"))]


@pytest.mark.parametrize(("count", "place"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_of_several_in_one_table_the_middle_one_is_taken(shipped: Catalogue, count: int, place: int) -> None:
    rows = [result(after={"fid": 3 + n, "macs": 8 - n}, setting=str(n), **PAIR) for n in range(count)]
    elsewhere = [result(after={"fid": 1, "macs": 1}, where="Table 9", **PAIR) for _ in range(4)]
    assert numbers(chosen(shipped, *rows, *elsewhere)) == [(place, ("fid", "macs"))]


def test_at_most_two_numbers_of_each_sort_those_with_a_baseline_first(shipped: Catalogue) -> None:
    before = {"inception-score": 9, "clip-score": 9, "parameters": 9, "macs": 9}
    after = {"fid": 1, "inception-score": 1, "clip-score": 1, "parameters": 1, "macs": 1, "flops": 1, "speed-up": 2}
    (found,) = chosen(shipped, result(before=before, after=after))
    assert found.metrics == ("inception-score", "clip-score", "parameters", "macs")


def test_a_cost_joins_a_quality_where_no_configuration_has_both(shipped: Catalogue) -> None:
    rows = [
        result(after={"fid": 4}, setting="model-small of 9M"),
        result(after={"parameters": 5}, setting="network of model-base", dataset=None),
        result(after={"parameters": 4}, setting="network of model-small", dataset=None),
        result(after={"parameters": 3}, setting="model-small of 9M", model="another"),
    ]
    assert numbers(chosen(shipped, *rows)) == [(1, ("fid",)), (3, ("parameters",))]


def test_every_shipped_paper_has_at_most_four_and_none_of_others_where_it_reports_itself(shipped: Catalogue) -> None:
    metrics = shipped.taxonomy.metrics
    for slug, filed in shipped.papers.items():
        found = headlines(filed, metrics)
        assert bool(found) == bool(filed.entry.results), slug
        assert sum(len(one.metrics) for one in found) <= 4, slug
        if any(one.reported_by is None for one in filed.entry.results):
            assert all(one.row.source == slug for one in found), slug

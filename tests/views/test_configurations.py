"""Reported configurations: which stand in one table, against which unchanged model, and how a table is cut."""

from __future__ import annotations

from typing import Any

import pytest

from generator.entries.model import Catalogue, Taxonomy, Value
from generator.views.configurations import Configuration, configurations, first_rows, groups, tables
from tests.views.made_results import catalogue, result


def rows(shipped: Catalogue, *results: dict[str, Any], **others: Any) -> list[Configuration]:
    """The configurations of paper a, and of other papers."""
    return list(configurations(catalogue(shipped, {"a": results, **others}).papers))


def test_a_table_has_a_row_a_configuration_and_a_column_a_metric(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    one = result(after={"speed-up": "up to 2", "fid": 3}, before={"fid": 1})
    (table,) = tables(rows(shipped, one, result(4, setting="t")), taxonomy.metrics)
    assert (table.models, table.datasets, table.metrics) == (("m",), ("d",), ("fid", "speed-up"))
    assert [row.result.after.get("speed-up") for row in table.rows] == [Value(2, "up to"), None]
    assert [group.unchanged for group in table.groups] == [{"fid": Value(1)}]


def test_models_and_data_sets_have_tables_of_their_own(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    found = tables(
        rows(
            shipped, result(), result(model="n"), result(dataset=None), result(model=["m", "n"]), result(2, setting="t")
        ),
        taxonomy.metrics,
    )
    assert [(table.models, table.datasets, len(table.rows)) for table in found] == [
        (("m",), ("d",), 2),
        (("n",), ("d",), 1),
        (("m",), (), 1),
        (("m", "n"), ("d",), 1),
    ]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({}, {}, True),
        ({"before": {"fid": 1}}, {"before": {"fid": 1}}, True),
        ({"before": {"fid": 1}}, {}, True),
        ({"before": {"fid": 1}}, {"before": {"fid": 2}}, False),
        ({"before": {"fid": 1}}, {"before": {"clip-score": 0.3}, "after": {"clip-score": 0.2}}, True),
        ({}, {"where": "Table 2"}, False),
        ({"hardware": "A100"}, {"hardware": "H100"}, False),
        ({"hardware": "A100"}, {"hardware": "A100"}, True),
        ({"hardware": "A100"}, {"hardware": "not stated"}, True),
        ({}, {"reported_by": "a"}, True),
        ({}, {"reported_by": "b"}, False),
    ],
)
def test_configurations_of_one_place_against_one_unchanged_model_stand_together(
    shipped: Catalogue, one: dict[str, Any], other: dict[str, Any], together: bool
) -> None:
    found = list(groups(rows(shipped, result(**one), result(**{"setting": "t", **other}), b=[])))
    assert (len(found) == 1) == together


def test_the_shared_unchanged_model_has_every_metric_that_a_row_gives(shipped: Catalogue) -> None:
    (group,) = groups(
        rows(
            shipped,
            result(before={"fid": 1}),
            result(setting="t", after={"macs": 2}, before={"macs": 3}),
        )
    )
    assert group.unchanged == {"fid": Value(1), "macs": Value(3)}


def test_trust_says_how_near_the_numbers_were_read(shipped: Catalogue) -> None:
    found = rows(
        shipped, result(), result(where="abstract of version 1"), result(via="notes"), result(via="b", where="abstract")
    )
    assert [row.trust for row in found] == ["read", "abstract", "secondary", "secondary"]


def test_a_table_is_cut_after_the_first_rows_and_loses_none(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    many = [result(number, setting=str(number)) for number in range(5)]
    found = tables(rows(shipped, *many, *(result(n, model="n", setting=str(n)) for n in range(4))), taxonomy.metrics)
    shown, rest = first_rows(found, 6)
    assert [len(table.rows) for table in shown] == [5, 1]
    assert [(table.models, len(table.rows)) for table in rest] == [(("n",), 3)]
    assert [row for part in (shown, rest) for table in part for row in table.rows] == [
        row for t in found for row in t.rows
    ]
    assert first_rows(found, 9) == (found, ())


def test_every_shipped_configuration_is_in_a_table(shipped: Catalogue) -> None:
    own = list(configurations(shipped.papers))
    shown = [row.anchor for table in tables(own, shipped.taxonomy.metrics) for row in table.rows]
    assert sorted(shown) == sorted(row.anchor for row in own)
    assert len(set(shown)) == len(own) == sum(len(filed.entry.results) for filed in shipped.papers.values())

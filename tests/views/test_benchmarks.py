"""Benchmarks: which configurations may be compared, which benchmark has a page, which make a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from generator.entries.model import Catalogue, Filed, Taxonomy, Value
from generator.views.benchmarks import Benchmark, Benchmarks, baselines, comparisons, find_benchmarks
from generator.views.configurations import Configuration, configurations
from generator.views.pareto import COSTS, trade_offs
from tests.views.made_results import catalogue, model, result
from tests.work import calls_in

Papers = Mapping[str, Sequence[dict[str, Any]]]


def gathered(shipped: Catalogue, papers: Papers, **fields: Any) -> Benchmarks:
    return find_benchmarks(catalogue(shipped, papers, **fields))


def only(benchmarks: Benchmarks) -> Benchmark:
    assert len(benchmarks.all) == 1, [one.title for one in benchmarks.all]
    return benchmarks.all[0]


def values(rows: Sequence[Configuration], metric: str = "fid") -> list[float]:
    return [row.result.after[metric].number for row in rows]


def test_configurations_of_one_table_stand_side_by_side_best_first(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    papers = {
        "a": [result(3, before={"fid": 1}), result(2, before={"fid": 1}, setting="t")],
        "b": [result(2.5, before={"fid": 1}, reported_by="a")],
        "c": [result(9, before={"fid": 1})],
    }
    found = only(gathered(shipped, papers))
    (table,), apart = comparisons(found, taxonomy.metrics)
    assert (table.group.source, table.group.place, table.group.unchanged) == ("a", "Table 1", {"fid": Value(1)})
    assert values(table.group.rows) == [2, 2.5, 3]
    assert values(apart) == [9]
    assert found.methods == ("a", "b", "c")
    assert found.has_page
    assert (found.slug, found.title, found.numbers) == ("m-on-d", "M, D", 4)


def test_what_was_read_in_a_secondary_source_is_neither_ranked_nor_plotted(
    shipped: Catalogue, taxonomy: Taxonomy
) -> None:
    read = [result(after={"fid": fid, "macs": 9 - fid}, setting=str(fid)) for fid in (1, 2, 3)]
    elsewhere = result(after={"fid": 0.5, "macs": 4}, setting="elsewhere", via="https://example.org/notes")
    found = only(gathered(shipped, {"a": [*read, elsewhere]}))
    (table,), apart = comparisons(found, taxonomy.metrics)
    assert values(table.group.rows) == [1, 2, 3]
    assert values(apart) == [0.5]
    (plot,) = trade_offs(found, taxonomy.metrics)
    assert [point.quality for point in plot.points] == [3, 2, 1] or [p.quality for p in plot.points] == [1, 2, 3]


def test_higher_is_better_for_some_and_what_has_no_value_comes_last(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    rows = [result(after={"clip-score": value}, setting=str(value)) for value in (1, 3, 2)]
    rows.append(result(after={"macs": 1}, setting="cheap"))
    (table,), _ = comparisons(only(gathered(shipped, {"a": rows})), taxonomy.metrics)
    assert [row.result.setting for row in table.group.rows] == ["3", "2", "1", "cheap"]


def test_every_baseline_is_listed_with_all_its_sources(shipped: Catalogue) -> None:
    papers = {
        "a": [
            result(before={"fid": 2}),
            result(before={"fid": 2}, setting="t", hardware="A100"),
            result(before={"fid": 1}, where="Table 2"),
        ],
        "b": [result(before={"fid": 2})],
    }
    found = [(one.value.number, one.stated, one.hardware) for one in baselines(only(gathered(shipped, papers)))]
    assert found == [(1, (("a", "Table 2"),), ()), (2, (("a", "Table 1"), ("b", "Table 1")), ("A100",))]


def test_a_page_needs_three_methods_on_one_metric_and_one_model(shipped: Catalogue) -> None:
    def has_page(*rows: dict[str, Any], **fields: Any) -> bool:
        papers = {str(number): [row] for number, row in enumerate(rows)}
        return only(find_benchmarks(catalogue(shipped, papers, {"m": model("m", **fields)}))).has_page

    assert has_page(result(), result(), result())
    assert not has_page(result(), result())
    assert not has_page(result(), result(), result(after={"lpips": 0.1}))
    assert not has_page(result(), result(), result(), unspecific=True)
    assert not only(gathered(shipped, {"a": [result(), result(setting="t"), result(setting="u")]})).has_page


def test_what_is_said_of_several_models_or_data_sets_belongs_to_none(shipped: Catalogue) -> None:
    rows = [result(model=["m", "n"]), result(dataset=["d", "e"]), result(dataset=None)]
    assert [(one.model, one.dataset) for one in gathered(shipped, {"a": rows}).all] == [("m", None)]


def test_quality_comes_before_cost(shipped: Catalogue) -> None:
    one = result(after={"speed-up": 2, "macs": 3, "clip-score": 0.3, "fid": 4})
    assert only(gathered(shipped, {"a": [one]})).metrics == ("fid", "clip-score", "macs", "speed-up")


def test_every_shipped_configuration_of_one_model_is_on_one_benchmark(shipped: Catalogue) -> None:
    benchmarks = find_benchmarks(shipped)
    single = [
        row.anchor
        for row in configurations(shipped.papers)
        if len(row.result.model) == 1 and len(row.result.dataset) < 2
    ]
    assert sorted(row.anchor for one in benchmarks.all for row in one.rows) == sorted(single)
    assert len({one.slug for one in benchmarks.all}) == len(benchmarks.all)
    for one in benchmarks.all:
        side_by_side, apart = comparisons(one, shipped.taxonomy.metrics)
        shown = [*apart, *(row for table in side_by_side for row in table.group.rows)]
        assert sorted(row.anchor for row in shown) == sorted(row.anchor for row in one.rows)


def test_the_cost_grows_as_the_entries_do(shipped: Catalogue) -> None:
    def work(copies: int) -> int:
        papers = {
            f"{slug}-{copy}": Filed(f"{slug}-{copy}", filed.path, filed.entry)
            for copy in range(copies)
            for slug, filed in shipped.papers.items()
        }
        many = replace(shipped, papers={**papers, **shipped.papers})
        return calls_in(lambda: [trade_offs(one, many.taxonomy.metrics) for one in find_benchmarks(many).all])

    assert work(4) < 3 * work(1)  # five times the shipped catalogue against twice


# Quality against cost


def table(**changes: Any) -> list[dict[str, Any]]:
    """Four configurations with FID and MACs."""
    return [
        result(setting=name, **({"after": {"fid": fid, "macs": macs}, "before": {"fid": 1, "macs": 10}} | changes))
        for name, fid, macs in (("one", 2, 9), ("two", 5, 7), ("three", 4, 5), ("four", 8, 3))
    ]


def test_a_plot_has_the_unchanged_model_and_who_leads(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    (plot,) = trade_offs(only(gathered(shipped, {"a": table()})), taxonomy.metrics)
    assert (plot.source, plot.place, plot.quality, plot.cost) == ("a", "Table 1", "fid", "macs")
    points = [(point.cost, point.quality, point.leads) for point in plot.points]
    assert points == [(10, 1, True), (9, 2, True), (7, 5, False), (5, 4, True), (3, 8, True)]
    assert plot.points[0].row is None


def test_of_two_that_are_as_good_only_the_cheaper_leads(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    rows = [
        result(setting=name, after={"fid": fid, "macs": macs}, before={"fid": 1, "macs": 10})
        for name, fid, macs in (("one", 2, 9), ("two", 2, 7), ("three", 4, 5), ("four", 8, 5))
    ]
    (plot,) = trade_offs(only(gathered(shipped, {"a": rows})), taxonomy.metrics)
    leads = {(point.cost, point.quality): point.leads for point in plot.points}
    assert leads == {(10, 1): True, (9, 2): False, (7, 2): True, (5, 4): True, (5, 8): False}


@pytest.mark.parametrize(("metric", "unchanged"), [("speed-up", 1), ("latency-reduction", 0)])
def test_a_relative_cost_has_a_known_value_for_the_unchanged_model(
    shipped: Catalogue, taxonomy: Taxonomy, metric: str, unchanged: float
) -> None:
    rows = [
        result(setting=name, after={"fid": fid, metric: gain}, before={"fid": 1})
        for name, fid, gain in (("one", 2, 1.5), ("two", 5, 2), ("three", 4, 3))
    ]
    (plot,) = trade_offs(only(gathered(shipped, {"a": rows})), taxonomy.metrics)
    assert [(point.cost, point.quality) for point in plot.points] == [(unchanged, 1), (1.5, 2), (2, 5), (3, 4)]


def test_no_plot_joins_two_tables_or_baselines(shipped: Catalogue, taxonomy: Taxonomy) -> None:
    def plots(papers: Papers) -> int:
        return len(trade_offs(only(gathered(shipped, papers)), taxonomy.metrics))

    rows = table()
    assert plots({"a": rows}) == 1
    assert plots({"a": rows[:2], "b": rows[2:]}) == 0, "two tables"
    assert plots({"a": rows[:2]}) == 0, "two configurations"
    inexact = [{**one, "after": {"fid": "up to 2", "macs": one["after"]["macs"]}} for one in rows]
    assert plots({"a": inexact}) == 0, "not exact"
    apart = [{**one, "before": {"fid": 1 + n // 2}} for n, one in enumerate(rows)]
    assert plots({"a": apart}) == 0, "two baselines"
    assert plots({"a": [{**one, "after": {**one["after"], "macs": 3}} for one in rows]}) == 0, "one cost"
    assert plots({"a": [{**one, "after": {**one["after"], "fid": 1e300}} for one in rows]}) == 0, "no axis holds them"


def test_costs_of_plots_are_costs(taxonomy: Taxonomy) -> None:
    assert [name for name in COSTS if taxonomy.metrics[name].measures != "cost"] == []


def test_shipped_plots_hold_what_entries_say(shipped: Catalogue) -> None:
    plots = [plot for one in find_benchmarks(shipped).pages for plot in trade_offs(one, shipped.taxonomy.metrics)]
    assert len(plots) >= 3
    for plot in plots:
        for point in plot.points:
            if point.row:
                assert point.row.printed_in == (plot.source, plot.place)
                pair = [point.row.result.after[name] for name in (plot.quality, plot.cost)]
                assert pair == [Value(point.quality), Value(point.cost)]

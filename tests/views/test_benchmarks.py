"""Published numbers: which belong together, which may be compared, which make a plot."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.drawings.scatter import BOTTOM, DIGIT, HEIGHT, LEFT, RIGHT, SIZE, TOP, WIDTH, Dot, Mark, axis, scatter
from generator.entries.model import Catalogue, Filed, Paper, Result, Taxonomy
from generator.views.benchmark_names import (
    DATASET_NAMES,
    DATASETS,
    MODEL_NAMES,
    MODELS,
    Names,
    address_part,
    name_key,
    names_one_model,
)
from generator.views.benchmarks import COST, QUALITY, TIMED, Benchmark, Benchmarks, Row, find_benchmarks
from generator.views.pareto import COSTS, fits, phrases, trade_offs
from tests.work import calls_in

ROOT = Path(__file__).parents[2]


def result(**values: Any) -> dict[str, Any]:
    return {"model": "M", "dataset": "D", "metric": "fid", "after": 1, "setting": "s", "where": "Table 1", **values}


def catalogue(taxonomy: Taxonomy, papers: Mapping[str, Sequence[dict[str, Any]]], **short: str) -> Catalogue:
    filed = {}
    for slug, results in papers.items():
        paper = Paper(
            title=slug,
            short=short.get(slug.replace("-", "_")),
            family="pruning",
            summary="s",
            checked="abstract",
            added="2026-11-22",
            results=tuple(Result(**one) for one in results),
        )
        filed[slug] = Filed(slug, f"data/papers/2023/{slug}.yaml", paper)
    return Catalogue(taxonomy, filed, {}, {})


def gathered(taxonomy: Taxonomy, papers: Mapping[str, Sequence[dict[str, Any]]], **short: str) -> Benchmarks:
    return find_benchmarks(catalogue(taxonomy, papers, **short))


def only(benchmarks: Benchmarks) -> Benchmark:
    assert len(benchmarks.all) == 1, [one.title for one in benchmarks.all]
    return benchmarks.all[0]


def values(rows: Sequence[Row]) -> list[float]:
    return [row.result.after for row in rows]


# Names


@pytest.mark.parametrize(
    "same",
    [
        ("Stable Diffusion v1.5", "stable diffusion 1.5", "Stable-Diffusion-v1.5", "SD1.5", "SD v1.5", "SD-1.5"),
        ("SDXL", "Stable Diffusion XL", "SD-XL", "SDXL 1.0"),
        ("Wan2.1-1.3B", "Wan 2.1 1.3B", "Wan2.1-T2V-1.3B"),
        ("FLUX.1-dev", "FLUX.1 [dev]", "FLUX-dev"),
        ("PixArt-α", "PixArt-Alpha", "pixart-alpha"),
        ("DiT-XL/2", "DiT XL/2"),
    ],
)
def test_spellings_of_one_model_are_one(same: tuple[str, ...]) -> None:
    assert len({MODEL_NAMES.key(name) for name in same}) == 1


@pytest.mark.parametrize(
    "same",
    [
        ("ImageNet 256", "ImageNet-256", "ImageNet 256x256", "ImageNet 256×256", "ImageNet 256 px"),
        ("MS-COCO 30K", "COCO-30k"),
        ("MS-COCO 2017", "COCO 2017 validation"),
        ("CIFAR-10", "CIFAR10", "cifar 10"),
        ("LSUN Bedroom 256", "LSUN-Bedrooms 256x256"),
    ],
)
def test_spellings_of_one_data_set_are_one(same: tuple[str, ...]) -> None:
    assert len({DATASET_NAMES.key(name) for name in same}) == 1


@pytest.mark.parametrize(
    "different",
    [
        ("Stable Diffusion v1.4", "Stable Diffusion v1.5", "Stable Diffusion", "SDXL", "Stable Diffusion v2.1-base"),
        ("FLUX", "FLUX.1-dev", "FLUX.1-schnell"),
        ("Wan2.1-1.3B", "Wan2.1-13B", "Wan2.1", "Wan2.1-14B", "Wan2.2"),
        ("DiT-XL/2", "DiT-XL", "DiT"),
        ("SANA-1.6B", "SANA-16B"),
    ],
)
def test_different_models_stay_apart(different: tuple[str, ...]) -> None:
    assert len({MODEL_NAMES.key(name) for name in different}) == len(different)


def test_different_data_sets_stay_apart() -> None:
    names = ("ImageNet", "ImageNet 256", "ImageNet 512", "MS-COCO", "MS-COCO 30K", "MS-COCO 5K", "MS-COCO 30K, 256 px")
    assert len({DATASET_NAMES.key(name) for name in names}) == len(names)
    assert DATASET_NAMES.key(None) == ""


def test_a_spelling_stands_once() -> None:
    with pytest.raises(ValueError, match="'y' already means 'X'"):
        Names({"X": ("y",), "Z": ("y",)})
    with pytest.raises(ValueError, match="'x-' already means 'X'"):
        Names({"X": ("x-",)})


def test_every_line_of_the_tables_brings_names_together() -> None:
    assert all(MODELS.values())
    assert all(DATASETS.values())


def test_the_shown_name_is_that_of_the_table_or_the_most_frequent() -> None:
    assert MODEL_NAMES.shown(MODEL_NAMES.key("SD v1.5"), {"SD v1.5": 3}) == "Stable Diffusion v1.5"
    assert MODEL_NAMES.shown("x", {"X": 2, "x": 1}) == "X"
    assert MODEL_NAMES.shown("x", {"x": 1, "X": 1}) == "X"


@pytest.mark.parametrize("name", ["DiT-XL/2", "sCM", "SDXL", "Wan2.1-1.3B", "LDM-4"])
def test_names_of_one_model(name: str) -> None:
    assert names_one_model(name)


@pytest.mark.parametrize(
    "name",
    ["video diffusion models", "consistency model", "Wan2.1 / HunyuanVideo", "SDXL and FLUX", "A, B", "DiT models"],
)
def test_names_of_kinds_and_of_several(name: str) -> None:
    assert not names_one_model(name)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_any_text_has_a_key_and_an_address(name: str) -> None:
    assert name_key(name.upper()) == name_key(name.upper().casefold())
    assert set(address_part(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


LONG = """
from generator.views.benchmark_names import MODEL_NAMES, address_part, names_one_model
for name in ("1" * 250_000, "1x" * 125_000, "v1 " * 100_000, "- " * 125_000, " / " * 100_000, "a" * 250_000):
    MODEL_NAMES.key(name)
    names_one_model(name)
    address_part(name)
"""


def test_a_long_name_comes_to_an_end() -> None:
    """Linear work is done in a second; a pattern that tries every pair of places would take many minutes."""
    subprocess.run([sys.executable, "-c", LONG], check=True, timeout=120, cwd=ROOT)


# Benchmarks


def test_every_metric_is_quality_or_cost(taxonomy: Taxonomy) -> None:
    assert set(taxonomy.metrics) == QUALITY | COST, (
        "put the new metric into one of the two, in generator/views/benchmarks.py"
    )
    assert not QUALITY & COST
    assert TIMED < COST
    assert set(COSTS) < COST


def test_numbers_of_one_table_stand_side_by_side_best_first(taxonomy: Taxonomy) -> None:
    found = only(
        gathered(
            taxonomy,
            {
                "a": [result(after=3, before=1), result(after=2, before=1, setting="t")],
                "b": [result(after=2.5, before=1, reported_by="a", where="Table 1 of Alpha")],
                "c": [result(after=9, before=1)],
            },
            a="Alpha",
        )
    )
    (section,) = found.sections
    (group,) = section.groups
    assert (group.source, group.place, group.before) == ("a", "Table 1", 1)
    assert values(group.rows) == [2, 2.5, 3]
    assert values(section.apart) == [9]
    assert section.tables == 2
    assert found.methods == ("a", "b", "c")
    assert found.has_page


def test_higher_is_better_for_some(taxonomy: Taxonomy) -> None:
    rows = [result(metric="clip-score", after=value, setting=str(value)) for value in (1, 3, 2)]
    (section,) = only(gathered(taxonomy, {"a": rows})).sections
    assert values(section.groups[0].rows) == [3, 2, 1]


def test_other_tables_baselines_and_hardware_are_not_merged(taxonomy: Taxonomy) -> None:
    def groups(one: dict[str, Any], other: dict[str, Any]) -> int:
        found = only(gathered(taxonomy, {"a": [result(**one)], "b": [result(reported_by="a", **other)]}))
        return len(found.sections[0].groups)

    timed = {"metric": "latency"}
    assert groups({}, {}) == 1
    assert groups({"before": 1}, {"before": 1}) == 1
    assert groups({"before": 1}, {}) == 1, "one value of the unchanged model in the table: it is that of all rows"
    assert groups({"hardware": "A100"}, {"hardware": "H100"}) == 1, "an FID does not depend on the hardware"
    assert groups({}, {"where": "Table 2"}) == 0
    assert groups({"before": 1}, {"before": 2}) == 0
    assert groups({**timed, "hardware": "A100"}, {**timed, "hardware": "A100"}) == 1
    assert groups({**timed, "hardware": "A100"}, {**timed, "hardware": "H100"}) == 0
    assert groups({**timed, "hardware": "A100"}, timed) == 0


def test_every_baseline_is_told_with_all_its_sources(taxonomy: Taxonomy) -> None:
    papers = {
        "a": [result(before=2), result(before=2, setting="t"), result(before=1, where="Table 2")],
        "b": [result(before=2)],
    }
    (section,) = only(gathered(taxonomy, papers)).sections
    stated = [(one.value, one.stated) for one in section.baselines]
    assert stated == [(1, (("a", "Table 2"),)), (2, (("a", "Table 1"), ("b", "Table 1")))]


def test_numbers_apart_stand_by_name(taxonomy: Taxonomy) -> None:
    papers = {"z": [result(after=1)], "y": [result(after=3)], "x": [result(after=2)]}
    (section,) = only(gathered(taxonomy, papers, x="zz", z="Aa")).sections
    assert [row.slug for row in section.apart] == ["z", "y", "x"]
    assert not section.groups


def test_a_page_needs_three_methods_on_one_metric_and_one_model(taxonomy: Taxonomy) -> None:
    def has_page(*rows: dict[str, Any]) -> bool:
        return only(gathered(taxonomy, {str(number): [row] for number, row in enumerate(rows)})).has_page

    assert has_page(result(), result(), result())
    assert not has_page(result(), result())
    assert not has_page(result(), result(), result(metric="lpips"))
    assert not has_page(*[result(model="diffusion models")] * 3)
    assert not only(gathered(taxonomy, {"a": [result(), result(setting="t"), result(setting="u")]})).has_page


def test_quality_comes_before_cost(taxonomy: Taxonomy) -> None:
    rows = [result(metric=metric) for metric in ("speed-up", "macs", "clip-score", "fid")]
    assert [s.metric for s in only(gathered(taxonomy, {"a": rows})).sections] == [
        "fid",
        "clip-score",
        "macs",
        "speed-up",
    ]


def test_a_cost_without_data_set_goes_where_its_table_is(taxonomy: Taxonomy) -> None:
    cost = {"metric": "macs", "dataset": None}
    found = gathered(taxonomy, {"a": [result(), result(**cost), result(**cost, where="Table 2")]})
    assert [(one.dataset, len(one.rows)) for one in found.all] == [(None, 1), ("D", 2)]
    found = gathered(taxonomy, {"a": [result(), result(dataset="E"), result(**cost)]})
    assert [(one.dataset, len(one.rows)) for one in found.all] == [("D", 2), ("E", 2)]
    found = gathered(taxonomy, {"a": [result(), result(metric="clip-score", dataset=None)]})
    assert [(one.dataset, len(one.rows)) for one in found.all] == [(None, 1), ("D", 1)]


def test_addresses_are_unlike_and_do_not_depend_on_the_order_of_entries(taxonomy: Taxonomy) -> None:
    names = [("A B", None), ("A", "B"), ("剪枝", None), ("修剪", None), ("A-B", "C"), ("A", "B C")]
    papers = {f"p{i}": [result(model=model, dataset=data)] for i, (model, data) in enumerate(names)}
    found = gathered(taxonomy, papers)
    slugs = {one.title: one.slug for one in found.all}
    assert sorted(slugs.values()) == ["a-b", "a-b-2", "a-b-c", "a-b-c-2", "benchmark", "benchmark-2"]
    backwards = gathered(taxonomy, dict(reversed(papers.items())))
    assert {one.title: one.slug for one in backwards.all} == slugs


def test_trust_says_how_near_a_number_was_read(taxonomy: Taxonomy) -> None:
    rows = [
        result(),
        result(where="abstract of the first version", setting="t"),
        result(via="notes", setting="u"),
        result(reported_by="b", via="Beta", setting="v"),
    ]
    found = gathered(taxonomy, {"a": rows, "b": []}, b="Beta")
    assert [row.trust for row in only(found).rows] == ["read", "abstract", "second hand", "read"]


def test_every_shipped_number_is_on_a_benchmark(shipped: Catalogue) -> None:
    benchmarks = find_benchmarks(shipped)
    expected = {(slug, n) for slug, filed in shipped.papers.items() for n in range(1, len(filed.entry.results) + 1)}
    assert set(benchmarks.of) == expected
    assert len({one.slug for one in benchmarks.all}) == len(benchmarks.all)
    for one in benchmarks.all:
        shown = [row for s in one.sections for row in (*s.apart, *(r for group in s.groups for r in group.rows))]
        assert sorted(shown, key=lambda row: row.anchor) == sorted(one.rows, key=lambda row: row.anchor)
    for slug, number in expected:
        assert benchmarks.of[slug, number].has_page == any(
            one.has_page for one in benchmarks.all for row in one.rows if (row.slug, row.number) == (slug, number)
        )


def test_the_cost_grows_as_the_entries_do(shipped: Catalogue) -> None:
    some = dict(list(shipped.papers.items())[::4])

    def work(copies: int) -> int:
        papers = {
            f"{slug}-{copy}": Filed(f"{slug}-{copy}", filed.path, filed.entry)
            for copy in range(copies)
            for slug, filed in some.items()
        }
        many = Catalogue(shipped.taxonomy, {**papers, **shipped.papers}, {}, {})
        return calls_in(lambda: [trade_offs(one, many.taxonomy.metrics) for one in find_benchmarks(many).pages])

    assert work(4) < 2 * work(1)  # twice the shipped catalogue against five quarters of it


# Quality against cost


def row(metric: str, setting: str, after: float = 1, **values: Any) -> Row:
    made = Result(**result(metric=metric, setting=setting, after=after, **values))
    return Row("a", 1, made, "a", "Table 1")


@pytest.mark.parametrize(
    ("quality", "cost"),
    [
        ("interval of 3, 100 DDIM steps", "interval of 3, 100 DDIM steps"),
        ("ALTER (0.65), 25 steps, 768 px", "ALTER (0.65), one image of 768 px in 25 steps"),
        ("30 % structured; EcoDiff gives 101.96", "U-Net, 30 % structured"),
        ("TinyDiT-D14 with distillation, 500K steps", "sampler iterations per second, TinyDiT-D14"),
        ("anything", "the model with FID 9.27"),
    ],
)
def test_settings_that_agree_make_a_point(quality: str, cost: str) -> None:
    assert fits(row("fid", quality, 9.27), row("macs", cost), "FID")


@pytest.mark.parametrize(
    ("quality", "cost"),
    [
        ("20 steps", "25 steps"),
        ("50 steps", "50 % pruned, 250 steps"),
        ("BK-SDM-Base-2M", "BK-SDM-Base"),
        ("ALTER (0.65), 20 steps, 768 px", "ALTER (0.65), one image of 768 px in 25 steps"),
        ("anything", "the model with FID 9.2"),
        ("; remark", "; remark"),
    ],
)
def test_settings_that_differ_make_none(quality: str, cost: str) -> None:
    assert not fits(row("fid", quality, 9.27), row("macs", cost), "FID")


def test_phrases_are_plain_words() -> None:
    assert phrases("ALTER (0.65), 768 px; more") == ("alter 0.65", "768 px")


def table(**changes: Any) -> list[dict[str, Any]]:
    """Four configurations with FID and MACs."""
    rows = []
    for name, fid, macs in (("one", 2, 9), ("two", 5, 7), ("three", 4, 5), ("four", 8, 3)):
        rows.append(result(setting=name, after=fid, before=1, **changes))
        rows.append(result(metric="macs", setting=name, after=macs, before=10, **changes))
    return rows


def test_a_plot_has_the_unchanged_model_and_who_leads(taxonomy: Taxonomy) -> None:
    (plot,) = trade_offs(only(gathered(taxonomy, {"a": table()})), taxonomy.metrics)
    assert (plot.source, plot.place, plot.quality, plot.cost) == ("a", "Table 1", "fid", "macs")
    points = [(point.cost, point.quality, point.leads) for point in plot.points]
    assert points == [(10, 1, True), (9, 2, True), (7, 5, False), (5, 4, True), (3, 8, True)]
    assert plot.points[0].rows is None


def test_of_two_that_are_as_good_only_the_cheaper_leads(taxonomy: Taxonomy) -> None:
    rows = []
    for name, fid, macs in (("one", 2, 9), ("two", 2, 7), ("three", 4, 5), ("four", 8, 5)):
        rows.append(result(setting=name, after=fid, before=1))
        rows.append(result(metric="macs", setting=name, after=macs, before=10))
    (plot,) = trade_offs(only(gathered(taxonomy, {"a": rows})), taxonomy.metrics)
    leads = {(point.cost, point.quality): point.leads for point in plot.points}
    assert leads == {(10, 1): True, (9, 2): False, (7, 2): True, (5, 4): True, (5, 8): False}


def test_a_relative_cost_is_one_for_the_unchanged_model(taxonomy: Taxonomy) -> None:
    rows = []
    for name, fid, gain in (("one", 2, 1.5), ("two", 5, 2), ("three", 4, 3)):
        rows.append(result(setting=name, after=fid, before=1))
        rows.append(result(metric="speed-up", setting=name, after=gain))
    (plot,) = trade_offs(only(gathered(taxonomy, {"a": rows})), taxonomy.metrics)
    assert [(point.cost, point.quality) for point in plot.points] == [(1, 1), (1.5, 2), (2, 5), (3, 4)]


def test_no_plot_joins_two_tables_or_protocols(taxonomy: Taxonomy) -> None:
    def plots(papers: Mapping[str, Sequence[dict[str, Any]]]) -> int:
        return len(trade_offs(only(gathered(taxonomy, papers)), taxonomy.metrics))

    rows = table()
    assert plots({"a": rows}) == 1
    assert plots({"a": rows[:4], "b": rows[4:]}) == 0, "two tables"
    assert plots({"a": rows[:4]}) == 0, "two configurations"
    assert plots({"a": [{**one, "qualifier": "up to"} for one in rows]}) == 0, "not exact"
    assert plots({"a": [{**one, "before": 1 + n // 4} for n, one in enumerate(rows)]}) == 0, "two baselines"
    assert plots({"a": [{**one, "after": 3} if one["metric"] == "macs" else one for one in rows]}) == 0, "one cost"
    twice = [*rows, *({**one, "after": 1} for one in rows if one["metric"] == "macs")]
    assert plots({"a": twice}) == 0, "two costs of one setting: which is meant cannot be known"
    assert plots({"a": [{**one, "after": 1e300} for one in rows]}) == 0, "no axis holds such numbers"


def test_shipped_plots_hold_what_entries_say(shipped: Catalogue) -> None:
    plots = [plot for one in find_benchmarks(shipped).pages for plot in trade_offs(one, shipped.taxonomy.metrics)]
    assert len(plots) >= 3
    for plot in plots:
        for point in plot.points:
            if point.rows:
                assert {one.printed_in for one in point.rows} == {(plot.source, plot.place.casefold())}
                assert (point.rows[0].result.after, point.rows[1].result.after) == (point.quality, point.cost)


# The drawing


def box(mark: Mark) -> tuple[float, float, float, float]:
    width = len(mark.label) * DIGIT
    left = {"start": mark.label_x, "middle": mark.label_x - width / 2, "end": mark.label_x - width}[mark.anchor]
    return left, mark.label_y - SIZE + 1, left + width, mark.label_y + 3


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_labels_do_not_lie_on_each_other() -> None:
    near = [(1, 1), (1.01, 1.02), (1, 1.05), (1.02, 0.98), (5, 5), (5.02, 5), (9, 1), (9, 9)]
    drawing = scatter([Dot(f"Method {n}", x, y, "read", leads=n % 2 == 0) for n, (x, y) in enumerate(near)])
    boxes = [box(mark) for mark in drawing.marks]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    for left, top, right, bottom in boxes:
        assert left >= LEFT - 1
        assert right <= WIDTH
        assert top >= -1
        assert bottom <= HEIGHT


def test_points_and_ticks_lie_in_the_frame_and_larger_values_to_the_right_and_up() -> None:
    drawing = scatter([Dot("a", 1, 2, "unchanged", leads=True), Dot("b", 3, 8, "read", leads=False)])
    first, second = drawing.marks
    assert LEFT < first.x < second.x < WIDTH - RIGHT
    assert TOP < second.y < first.y < HEIGHT - BOTTOM
    assert 3 <= len(drawing.x_ticks) <= 8
    assert [tick.text for tick in drawing.x_ticks] == ["1", "1.5", "2", "2.5", "3"]
    assert drawing.front == ((first.x, first.y),)


def test_a_wide_range_is_logarithmic() -> None:
    drawn = axis([2, 200], 0, 100)
    assert drawn.logarithmic
    assert math.isclose(drawn.at(20), 50, abs_tol=0.1)
    assert {tick.text for tick in drawn.ticks()} >= {"2", "5", "10", "100", "200"}
    assert not axis([-1, 200], 0, 100).logarithmic


@given(st.lists(st.floats(-9e11, 9e11).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_any_values_have_an_axis(numbers: list[float]) -> None:
    drawn = axis(numbers, 0, 100)
    assert all(0 <= drawn.at(number) <= 100 for number in numbers)
    assert len(drawn.ticks()) < 80


def test_many_dots_are_drawn_and_some_named() -> None:
    def dots(number: int) -> list[Dot]:
        name = "A rather long name of a method, number"
        return [Dot(f"{name} {n}", n % 17, n % 13, "read", leads=n < 3) for n in range(number)]

    assert calls_in(lambda: scatter(dots(160))) < 5 * calls_in(lambda: scatter(dots(40)))
    drawing = scatter(dots(160))
    assert len(drawing.marks) == 160
    assert all(mark.label for mark in drawing.marks[:3])
    assert sum(bool(mark.label) for mark in drawing.marks) == 40
    assert scatter(dots(160)) == drawing

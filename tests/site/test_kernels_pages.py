"""The pages of the kernels: every number from the result files, every source as it is, dense named where it wins."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page

from generator.drawings.lines import Series, line_plot
from generator.measured.kernels import describe_kernel, load_runs
from generator.pages.kernels import fast_kernels, overview, scientific, unit_of
from reference_impls.kernels.registry import FORMAT_NAMES, KERNELS
from reference_impls.methods.registry import METHODS
from tests.site.conftest import Built
from tests.site.parsing import Parsed

Open = Callable[..., Page]
RUNS = load_runs()
PAGES = [f"kernels/{name}/" for name in KERNELS]


def page(built: Built, address: str) -> Parsed:
    return built.pages[f"{address}index.html"]


def words(text: str) -> str:
    return " ".join(text.split())


def times(value: float) -> str:
    return f"{value:.2f}×" if value < 10 else f"{value:.1f}×"


@pytest.mark.parametrize("name", KERNELS)
def test_every_row_stands_on_the_page_of_its_kernel(built: Built, name: str) -> None:
    text, kernel, run = page(built, f"kernels/{name}/").text, KERNELS[name], RUNS[0]
    record = json.loads(Path(run.file).read_text())
    mine = [
        row
        for row in record["rows"]
        if row["kind"] == kernel.format and ("channels" in row["layer"]) == (kernel.layer == "conv")
    ]
    assert len(mine) > 20
    for key in {(row["layer"], row["pattern"], row["sparsity"]) for row in mine if row["pattern"] in kernel.serves}:
        best = min(row["seconds"] for row in mine if (row["layer"], row["pattern"], row["sparsity"]) == key)
        assert f"{best * 1e3:.3f}" in text


@pytest.mark.parametrize("name", KERNELS)
def test_says_first_where_dense_is_faster(built: Built, name: str) -> None:
    text, kernel, run = page(built, f"kernels/{name}/").text, KERNELS[name], RUNS[0]
    answer = text[text.index("Where dense is faster") : text.index("How it works")]
    slower = [
        row
        for layer in run.layers
        if ("channels" in layer) == (kernel.layer == "conv")
        for sparsity in run.sparsities(layer)
        for pattern in kernel.serves
        if (row := run.best(layer, kernel.format, pattern, sparsity)) and row.speed_up < 1
    ]
    for row in slower:
        assert row.layer in answer
        assert times(row.speed_up) in answer
    assert ("Nowhere in these measurements" in answer) == (not slower)


@pytest.mark.parametrize("name", KERNELS)
def test_figure_and_sources(built: Built, name: str) -> None:
    described, text = describe_kernel(name), words(page(built, f"kernels/{name}/").text)
    assert len(described.versions) == 3
    for source in described.sources.values():
        for line in source.splitlines():
            assert words(line) in text
    html = (built.site / f"kernels/{name}/index.html").read_text(encoding="utf-8")
    assert '<figure class="cat-figure"><svg' in html


def test_the_overview_answers_for_every_layer(built: Built) -> None:
    text, run = words(page(built, "kernels/").text), RUNS[0]
    for layer in run.layers:
        assert layer in text
        for sparsity in run.sparsities(layer)[1:]:
            row = run.best(layer, "csr", "unstructured", sparsity)
            assert row is not None
            assert times(row.speed_up) in text
        two_of_four = run.best(layer, "csr", "2:4", 0.5)
        assert two_of_four is not None
        assert times(two_of_four.speed_up) in text
    for one in run.models:
        assert one.name in text
        assert times(one.speed_up) in text
    for goal in run.goals:
        name = goal.name.removesuffix(", s").removesuffix(", %")
        assert f"{name}{'≤' if goal.at_most else '≥'} {goal.must:g}{unit_of(goal)}" in text
        assert goal.verdict in text


def test_targets_name_their_units() -> None:
    units = {goal.name: unit_of(goal) for run in RUNS for goal in run.goals}
    assert set(units.values()) == {"×", "%", " s"}
    assert all((unit == " s") == ("first call" in name) for name, unit in units.items())
    assert all((unit == "%") == ("break-even" in name) for name, unit in units.items())


def test_a_small_number_is_written_with_a_power_of_ten() -> None:
    assert scientific(7.664e-07) == "8×10⁻⁷"
    assert scientific(0.0123) == "1×10⁻²"


def test_patterns_are_named_before_the_first_table(built: Built) -> None:
    text = words(page(built, "kernels/").text)
    table = text.index("Layer, pattern")
    for name in (*FORMAT_NAMES.values(), "qkv", "feed-forward up", "break-even"):
        assert text.casefold().index(name.casefold()) < table


def test_a_missed_goal_is_explained() -> None:
    """Nothing that a committed run missed is left without a word, and the same goal was met in another run."""
    book = Path("docs/lab-book.md").read_text(encoding="utf-8")
    met = {goal.name for run in RUNS for goal in run.goals if goal.verdict not in ("MISSED", "not run")}
    for run in RUNS:
        for goal in run.goals:
            if goal.verdict == "MISSED":
                assert f"**{goal.name}**" in book
                assert goal.name in met


def test_unstructured_methods_show_what_kernels_gain(built: Built) -> None:
    fast = fast_kernels()
    for name, method in METHODS.items():
        if method.kind == "unstructured":
            parsed = page(built, f"methods/{name}/")
            links = {value for _, _, value in parsed.addresses()}
            assert {"../../kernels/csr_spmm/", "../../kernels/rowblock_spmm/"} <= links
            text = words(parsed.text)
            assert times(fast.two_of_four) in text
            assert (times(fast.single) in text) == (not method.pattern_only)
            assert all((times(one.speed_up) in text) == (not method.pattern_only) for one in fast.whole)


def test_an_unknown_part_is_an_error(built: Built) -> None:
    with pytest.raises(KeyError):
        overview(built.knowledge, "../", "nonsense")


def test_sparsities_near_one_lie_apart_and_are_named_where_there_is_room() -> None:
    points = tuple((s, 1 / (1 - s)) for s in (0.25, 0.4, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99))
    plot = line_plot([Series("one", points, strong=True)], 1.0, by_density=True)
    places = [x for x, _ in plot.lines[0].places]
    assert all(second - first >= 15 for first, second in pairwise(places))
    assert all(second.at - first.at >= 32 for first, second in pairwise(plot.x_ticks))
    assert plot.x_ticks[-1].text == "99%"

"""The pages of the kernels: every number from the result files, every source as it is, dense named where it wins."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page

from generator.drawings.lines import Series, line_plot
from generator.pages.kernels import fast_kernels, overview
from generator.views.measured_kernels import describe_kernel, load_runs
from reference_impls.kernels.registry import KERNELS
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
def test_says_first_where_dense_wins(built: Built, name: str) -> None:
    text, kernel, run = page(built, f"kernels/{name}/").text, KERNELS[name], RUNS[0]
    answer = text[text.index("Where dense wins") : text.index("How it works")]
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
    assert ("Nowhere in what was measured" in answer) == (not slower)


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
    for one in run.models:
        assert one.name in text
        assert times(one.speed_up) in text
    for goal in run.goals:
        assert goal.name in text
        assert goal.verdict in text


def test_a_missed_goal_is_explained() -> None:
    """Nothing that a committed run missed is left without a word, and the same goal was met in another run."""
    book = Path("docs/lab-book.md").read_text(encoding="utf-8")
    met = {goal.name for run in RUNS for goal in run.goals if goal.verdict not in ("MISSED", "not run")}
    for run in RUNS:
        for goal in run.goals:
            if goal.verdict == "MISSED":
                assert f"**{goal.name}**" in book
                assert goal.name in met


def test_methods_on_single_weights_link_to_the_kernels(built: Built) -> None:
    fast = fast_kernels()
    for name, method in METHODS.items():
        if method.kind == "unstructured":
            parsed = page(built, f"methods/{name}/")
            links = {value for _, _, value in parsed.addresses()}
            assert {"../../kernels/csr_spmm/", "../../kernels/rowblock_spmm/"} <= links
            assert f"{fast.single:.1f} times as fast at 90 %" in words(parsed.text)


def test_an_unknown_part_is_an_error(built: Built) -> None:
    with pytest.raises(KeyError):
        overview(built.knowledge, "../", "nonsense")


def test_shares_near_one_stand_apart_and_are_named_where_there_is_room() -> None:
    shares = (0.25, 0.4, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
    plot = line_plot([Series("one", tuple((s, 1 / (1 - s)) for s in shares), strong=True)], 1.0, by_what_is_left=True)
    places = [x for x, _ in plot.lines[0].places]
    assert all(second - first >= 15 for first, second in pairwise(places))
    assert all(second.at - first.at >= 32 for first, second in pairwise(plot.x_ticks))
    assert plot.x_ticks[-1].text == "99 %"

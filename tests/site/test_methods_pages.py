"""The pages of the methods: every number from the result file, every file shown as it is, formulas as MathML."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from generator.drawings.lines import Series, line_plot
from generator.measured.methods import KNOWN_AS, load_measured
from generator.pages.methods import overview, points, title_of
from reference_impls.methods.described import describe
from reference_impls.methods.differences import COMPARISONS
from reference_impls.methods.registry import METHODS, NEEDS_NAMES
from reference_impls.study.paper_rules import consequence, read_rows
from tests.site.conftest import Built
from tests.site.parsing import Parsed

Open = Callable[..., Page]
RESULTS = Path("reference_impls/results/testbed.json")


@pytest.fixture(scope="module")
def pages(built: Built) -> dict[str, Parsed]:
    return {name: built.pages[f"methods/{name}/index.html"] for name in METHODS}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text())["rows"]
    return found


@pytest.mark.parametrize("name", METHODS)
def test_every_row_stands_on_the_page(pages: dict[str, Parsed], rows: list[dict[str, Any]], name: str) -> None:
    text = pages[name].text
    mine = [row for row in rows if row["method"] == name]
    assert len({row["seed"] for row in mine}) >= 3
    asked = ("model", "sparsity", "pattern", "recovery_steps", "keep_shortcuts")
    for key in {tuple(row.get(name) for name in asked) for row in mine}:
        same = [row for row in mine if tuple(row.get(name) for name in asked) == key]
        assert f"{mean(row['held_out_loss'] for row in same):.4f}" in text


def test_goals_on_large_models(built: Built) -> None:
    text = built.pages["methods/index.html"].text
    measured = json.loads(RESULTS.with_name("stream.json").read_text())["rows"]
    assert measured
    for row in measured:
        assert row["run"] in text
        assert f"{row['value']:g}" in text
        assert row["command"] in text


@pytest.mark.parametrize("name", METHODS)
def test_says_first_whether_it_is_faster(pages: dict[str, Parsed], name: str) -> None:
    text = pages[name].text
    answer = "Not by itself." if METHODS[name].kind == "unstructured" else "Yes, in any runtime."
    assert text.index(answer) < text.index("How it works")


@pytest.mark.parametrize("name", METHODS)
def test_formula_source_and_samples(built: Built, pages: dict[str, Parsed], name: str) -> None:
    html = (built.site / f"methods/{name}/index.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML"' in html
    for line in describe(name).source.splitlines():
        assert " ".join(line.split()) in " ".join(pages[name].text.split())
    for model in ("dit", "unet"):
        assert (built.site / f"assets/samples/{model}-{name}.png").is_file()
        assert f'src="../../assets/samples/{model}-{name}.png"' in html


@pytest.mark.parametrize("name", METHODS)
def test_starts_with_the_name_of_the_paper_and_the_data_requirement(built: Built, name: str) -> None:
    page, method = built.pages[f"methods/{name}/index.html"], METHODS[name]
    text = " ".join(page.text.split())
    title = title_of(built.knowledge, name)
    assert text.index(title) < text.index(NEEDS_NAMES[method.needs]) < text.index("Does it make anything faster?")
    html = (built.site / f"methods/{name}/index.html").read_text(encoding="utf-8")
    assert f"<h1>{title}</h1>" in html
    short = built.catalogue.papers[method.paper].entry.short if method.paper else None
    assert title.startswith(short or KNOWN_AS[name])


def test_titles_are_unlike(built: Built) -> None:
    titles = [title_of(built.knowledge, name) for name in METHODS]
    assert len(set(titles)) == len(titles)
    assert {"OBS-Diff (unstructured)", "OBS-Diff (structured)", "Wanda"} <= set(titles)


def test_names_for_methods_whose_paper_has_none_are_needed() -> None:
    assert set(KNOWN_AS) <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_ends_with_neighbours_and_benchmarks(built: Built, name: str) -> None:
    html = (built.site / f"methods/{name}/index.html").read_text(encoding="utf-8")
    related, method = html[html.index('id="related"') :], METHODS[name]
    for other, found in METHODS.items():
        near = found.kind == method.kind or (found.paper is not None and found.paper == method.paper)
        assert (f'href="../../methods/{other}/"' in related) == (other != name and near)
    for benchmark in built.knowledge.benchmarks.of_entry(method.paper or ""):
        assert (f'href="../../results/{benchmark.slug}/"' in related) == benchmark.has_page


def test_spreads_are_visible(built: Built) -> None:
    setting = load_measured().find("unet", "random", "50%")
    assert setting is not None
    loss = setting.numbers["held_out_loss"]
    record = [row["held_out_loss"] for row in json.loads(RESULTS.read_text())["rows"] if is_random_at_half(row)]
    assert loss.deviation == pytest.approx(stdev(record))
    for page in ("methods/", "methods/random/"):
        text = " ".join(built.pages[f"{page}index.html"].text.split())
        assert f"{loss.mean:.4f} ±{loss.deviation:.4f}" in text


def is_random_at_half(row: dict[str, Any]) -> bool:
    asked = (row["model"], row["method"], row["sparsity"], row["pattern"], row["recovery_steps"])
    return asked == ("unet", "random", 0.5, None, 0)


def test_commands_can_be_pasted(built: Built) -> None:
    repository = built.knowledge.config.repo_url
    for page in ("methods/", "methods/wanda/", "kernels/", "kernels/csr_spmm/"):
        text = " ".join(built.pages[f"{page}index.html"].text.split())
        assert f'git clone {repository} cd {repository.rsplit("/", 1)[1]} pip install ".[impls]" python' in text
        assert "pip install .[impls]" not in text


@pytest.mark.browser
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_plots_name_their_lines_at_every_width(open_page: Open, colours: str) -> None:
    page = open_page("methods/obs-diff/", color_scheme=colours, viewport={"width": 390, "height": 800})
    plots = page.locator(".cat-lines")
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        expect(plot.locator(".cat-legend")).to_be_visible()
        names = {name.strip() for name in plot.locator(".cat-legend li").all_text_contents()}
        assert {"OBS-Diff", "after recovery", "Wanda", "SparseDM (trained)"} < names
        expect(plot.locator("svg text.cat-lines-name").first).to_be_hidden()
        frame = plot.locator(".cat-plot-scroll")
        assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 800})
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        expect(plot.locator("svg text.cat-lines-name").first).to_be_visible()
        expect(plot.locator(".cat-legend")).to_be_hidden()
        shown = set(plot.locator("svg text.cat-lines-name").all_text_contents())
        assert {"OBS-Diff", "after recovery", "Wanda", "SparseDM (trained)"} < shown
    for texts in page.locator(".cat-lines svg text").evaluate_all(CONTRASTS):
        assert texts["ratio"] >= 4.5, texts


CONTRASTS = """texts => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = colour => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255);
    const [r, g, b] = parts.map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = getComputedStyle(document.body).backgroundColor;
  return texts.map(text => {
    canvas.fillStyle = ground;
    canvas.fillRect(0, 0, 1, 1);
    const one = light(getComputedStyle(text).fill), other = light(ground);
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    return { text: text.textContent, ratio };
  });
}"""


def test_entries_link_to_their_methods(built: Built) -> None:
    for name, method in METHODS.items():
        if method.paper:
            page = built.pages[f"papers/{method.paper}/index.html"]
            assert f"../../methods/{name}/" in {value for _, _, value in page.addresses()}
            assert "Run it here" in page.text


def test_the_overview_names_every_method(built: Built) -> None:
    links = {value for _, _, value in built.pages["methods/index.html"].addresses()}
    assert all(f"../methods/{name}/" in links for name in METHODS)


def test_differences_stand_on_the_overview_and_on_each_page(built: Built, pages: dict[str, Parsed]) -> None:
    overview_text = " ".join(built.pages["methods/index.html"].text.split())
    rows = read_rows()
    for name, compared in COMPARISONS.items():
        text = " ".join(pages[name].text.split())
        assert ("Differences from the paper" in text) == (METHODS[name].paper is not None)
        for one in compared.differs:
            measured = [consequence(row) for row in rows if row.key == one.measured]
            for said in (compared.same, one.what, *measured, one.why_not_measured or compared.paper):
                assert said in overview_text
                assert said in text


def test_combinations_stand_on_the_overview(built: Built) -> None:
    text = built.pages["methods/index.html"].text
    combined = load_measured().combined
    assert {one.claim for one in combined} == {"samplers", "quantization", "distillation", "search", "scope"}
    for one in combined:
        assert f"{one['distance']:.4f}" in text


def test_noise_is_the_spread_of_the_committed_rows(built: Built) -> None:
    text = " ".join(built.pages["methods/index.html"].text.split())
    rows = json.loads(RESULTS.read_text())["noise"]
    assert len(load_measured().noise) == len({(row["model"], row["method"]) for row in rows}) == 4
    for one in load_measured().noise:
        same = [row for row in rows if row["model"] == one.model and (row["method"] is not None) == one.pruned]
        assert len({row["seed"] for row in same}) == one.repeats >= 10
        for name, digits in (("held_out_loss", 4), ("class_accuracy", 3), ("frechet_distance", 2)):
            assert one.deviations[name] == pytest.approx(stdev(row[name] for row in same))
            assert f"±{one.deviations[name]:.{digits}f}" in text


def test_depth_methods_are_drawn_over_the_parameters_removed() -> None:
    results = load_measured()
    for name in ("laptop-diff", "shortgpt"):
        found = [(at, row["held_out_loss"]) for at, row in points("unet", name, recovered=False)]
        assert found == sorted(found)
        assert len(found) == 4
        for one in results.of(name):
            if one.model == "unet" and not one.recovery_steps:
                gone = 1 - one["nonzero"] / results.dense["unet"]["nonzero"]
                assert any(at == pytest.approx(gone) and loss == one["held_out_loss"] for at, loss in found)


def test_rows_with_kept_shortcuts_stand_apart(tmp_path: Path) -> None:
    """Plots, headlines and orders are of the papers' removal; the rows of the option come after them."""
    record = json.loads(RESULTS.read_text())
    mine = [
        row for row in record["rows"] if (row["model"], row["method"], row["sparsity"]) == ("unet", "shortgpt", 0.5)
    ]
    plain = [{**row, "keep_shortcuts": False} for row in mine if not row.get("keep_shortcuts")]
    kept = [{**row, "keep_shortcuts": True, "held_out_loss": 7.0} for row in plain]
    file = tmp_path / "testbed.json"
    file.write_text(json.dumps({**record, "rows": [*kept, *plain]}))
    results = load_measured(file)
    assert [row["held_out_loss"] for row in results.of("shortgpt", keep_shortcuts=True)] == [7.0, 7.0]
    assert all(row["held_out_loss"] < 7 for row in results.of("shortgpt"))
    found = results.find("unet", "shortgpt", "50%")
    assert found is not None
    assert not found.keep_shortcuts


def test_the_axis_names_the_sparsities_it_is_given() -> None:
    plot = line_plot([Series("a", ((0.25, 1.0), (0.83, 2.0)), strong=True)], 0.5, named=(0.1, 0.3, 0.5, 0.7, 0.9))
    assert [tick.text for tick in plot.x_ticks] == ["30%", "50%", "70%"]


def test_an_unknown_part_of_the_overview_is_an_error(built: Built) -> None:
    with pytest.raises(KeyError):
        overview(built.knowledge, "../", "nonsense")


def test_labels_of_a_plot_do_not_overlap() -> None:
    series = [Series(f"m{i}", ((0.3, 1.0), (0.9, 1.0 + i / 1_000)), strong=True) for i in range(7)]
    heights = sorted(line.label.y for line in line_plot(series, 0.5).lines)
    assert all(second - first >= 14.9 for first, second in pairwise(heights))


def test_a_plot_of_nothing() -> None:
    with pytest.raises(ValueError, match="no lines to draw"):
        line_plot([], 0.5)

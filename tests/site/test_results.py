"""The pages of the published numbers: what they say, how they sort, what an entry cannot do to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from generator.entries.model import Filed, Result
from generator.pages.results import benchmark_pages, overview
from generator.views.pareto import trade_offs
from generator.views.site import Site
from tests.site.conftest import Built
from tests.site.hostile import formula, text
from tests.site.parsing import Parsed, parse

Open = Callable[..., Page]
WITH_PLOT = "results/dit-xl-2-imagenet-256/"
PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def pages(built: Built) -> dict[str, Parsed]:
    """The pages of the benchmarks, by the address of the benchmark."""
    found = {one.slug: built.pages[f"results/{one.slug}/index.html"] for one in built.knowledge.benchmarks.pages}
    assert len(found) >= 15
    return found


def test_every_number_stands_on_its_page_with_setting_and_source(built: Built, pages: dict[str, Parsed]) -> None:
    for one in built.knowledge.benchmarks.pages:
        page = pages[one.slug]
        for row in one.rows:
            assert row.anchor in page.ids
            assert " ".join(row.result.setting.split()) in page.text
            assert row.place in page.text
            if row.result.hardware:
                assert row.result.hardware in page.text
            if row.via:
                assert f"second hand: {row.via}" in page.text
            assert f"../../papers/{row.slug}/" in {link.get("href") for link in page.all("a")}


def test_the_unchanged_model_comes_first(built: Built, pages: dict[str, Parsed]) -> None:
    for one in built.knowledge.benchmarks.pages:
        rows = pages[one.slug].all("tr")
        ids = [row.get("id") for row in rows]
        if any(section.baselines for section in one.sections):
            assert rows[1].get("class") == "cat-dense"
        for group in (group for section in one.sections for group in section.groups):
            before = rows[ids.index(group.rows[0].anchor) - 1].get("class")
            assert (before == "cat-dense") == (group.before is not None)


def test_all_other_numbers_are_on_the_overview(built: Built) -> None:
    page = built.pages["results/index.html"]
    links = {link.get("href", "") for link in page.all("a")}
    for one in built.knowledge.benchmarks.all:
        if one.has_page:
            assert f"../results/{one.slug}/" in links
        else:
            assert f"b-{one.slug}" in page.ids
            for row in one.rows:
                assert " ".join(row.result.setting.split()) in page.text


def test_entries_link_to_their_rows_and_back(built: Built) -> None:
    benchmarks = built.knowledge.benchmarks
    for slug, filed in built.catalogue.papers.items():
        if not filed.entry.results:
            continue
        links = {link.get("href", "") for link in built.pages[f"papers/{slug}/index.html"].all("a")}
        for number in range(1, len(filed.entry.results) + 1):
            one = benchmarks.of[slug, number]
            if one.has_page:
                assert f"../../results/{one.slug}/#row-{slug}-{number}" in links
            elif len(one.methods) > 1:
                assert f"../../results/#b-{one.slug}" in links


def test_a_plot_is_named_described_and_follows_the_theme(built: Built) -> None:
    html = (built.site / WITH_PLOT / "index.html").read_text("utf-8")
    start = html.index("<svg viewBox=", html.index('class="cat-plot-scroll"'))
    svg = ElementTree.fromstring(html[start : html.index("</svg>", start) + 6])
    named = svg.get("aria-labelledby", "").split()
    assert [element.get("id") for element in svg[:2]] == named
    assert all(element.text for element in svg[:2])
    colours = {element.get(key) for element in svg.iter() for key in ("fill", "stroke")}
    assert colours <= {None, "none", "currentColor"}
    assert not [element for element in svg.iter() if element.get("style")]
    (one,) = [one for one in built.knowledge.benchmarks.pages if f"results/{one.slug}/" == WITH_PLOT]
    plot = trade_offs(one, built.catalogue.taxonomy.metrics)[0]
    assert len([element for element in svg.iter() if element.get("class") == "cat-plot-mark"]) == len(plot.points)


def test_pages_are_found_and_listed(built: Built) -> None:
    found = json.loads((built.site / "search/index.json").read_text("utf-8"))["locations"]
    sitemap = (built.site / "sitemap.xml").read_text("utf-8")
    for one in built.knowledge.benchmarks.pages:
        assert f"results/{one.slug}/" in found
        assert f"/results/{one.slug}/</loc>" in sitemap


# Hostile text


@pytest.fixture(scope="module")
def worst(built: Built) -> Site:
    """Four papers whose results hold hostile text wherever they can, enough for a page with a plot."""
    base = next(filed for filed in built.catalogue.papers.values() if filed.entry.results)
    shared: dict[str, Any] = {
        "model": f"A {text('model')}",
        "dataset": text("dataset"),
        "where": text("where"),
        "hardware": text("hardware"),
        "before": 9,
    }
    papers = {}
    for number in range(4):
        slug = f"worst-{number}"
        setting = f"configuration {number}"
        results = (
            Result(
                **shared,
                metric="fid",
                after=number + 1,
                setting=f"{setting}; {text('setting')}",
                reported_by="worst-0",
            ),
            Result(
                **shared,
                metric="macs",
                after=8 - number,
                setting=f"{setting}; {formula('=')}",
                reported_by="worst-0",
            ),
            Result(**shared, metric="fid", after=5, setting=text("apart"), via=text(f"via {number}")),
        )
        entry = base.entry.model_copy(update={"short": f"{number} {text('short')}", "results": results})
        papers[slug] = Filed(slug, base.path, entry)
    return replace(built.knowledge, catalogue=replace(built.catalogue, papers=papers))


def test_hostile_text_stays_text(worst: Site) -> None:
    (page,) = benchmark_pages(worst)
    shown = parse(page.block)
    ours = (
        "article",
        "br",
        "circle",
        "desc",
        "div",
        "figcaption",
        "figure",
        "g",
        "h1",
        "h2",
        "h3",
        "li",
        "p",
        "path",
    )
    drawn = (
        "polyline",
        "rect",
        "span",
        "strong",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
    )
    assert {tag for tag, _ in shown.tags} <= {"a", "ul", *ours, *drawn}
    for _, attributes in shown.tags:
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    for _, _, address in shown.addresses():
        assert address.startswith(("../../", "#"))
    for value in (
        text("model"),
        text("dataset"),
        text("hardware"),
        text("where"),
        text("setting"),
        formula("="),
    ):
        assert " ".join(value.split()) in shown.text
    assert "<svg viewBox" in page.block
    assert page.location.count("/") == 2


def test_hostile_text_stays_text_on_the_overview(worst: Site) -> None:
    for part in ("with-data", "without-data", "single"):
        shown = parse(overview(worst, "../", part))
        assert not {tag for tag, _ in shown.tags} & {"script", "img", "iframe", "svg", "object", "base"}
        for _, attributes in shown.tags:
            assert not [key for key in attributes if key.startswith("on")]


def test_an_unknown_part_of_the_overview_is_refused(built: Built) -> None:
    with pytest.raises(KeyError):
        overview(built.knowledge, "../", "everything")


# In the browser


def column(table: Locator, number: int) -> list[str]:
    return [row.locator("th, td").nth(number).inner_text() for row in table.locator("tbody tr").all()]


@pytest.mark.browser
def test_columns_sort_with_the_keyboard_and_the_unchanged_model_stays_first(open_page: Open) -> None:
    table = open_page(WITH_PLOT).locator("#fid ~ .cat-table .cat-sorts").first
    head = table.locator("thead th").nth(1)
    before = column(table, 1)
    assert column(table, 0)[0] == "Unchanged model"
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(table, 1) == before, "the best came first already"
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    numbers = [float(number) for number in column(table, 1)]
    assert numbers[1:] == sorted(numbers[1:], reverse=True)
    assert sorted(column(table, 1)) == sorted(before)
    table.get_by_role("button", name="Method").click()
    expect(head).not_to_have_attribute("aria-sort", "descending")
    names = column(table, 0)
    assert names[0] == "Unchanged model"
    assert names[1:] == sorted(names[1:], key=str.casefold)


@pytest.mark.browser
def test_a_row_is_reached_from_its_entry(open_page: Open) -> None:
    page = open_page("papers/tinyfusion/")
    page.locator("#results ~ .cat-table").first.get_by_role("link", name="DiT-XL/2").first.click()
    expect(page.locator("tr:target")).to_be_in_viewport()
    expect(page.locator("tr:target")).to_contain_text("TinyFusion")


@pytest.mark.browser
def test_results_can_be_read_without_javascript(open_page: Open) -> None:
    page = open_page(WITH_PLOT, java_script_enabled=False)
    expect(page.locator(".cat-plot svg").first).to_be_visible()
    expect(page.locator(".cat-sortable button")).to_have_count(0)
    expect(page.locator(".cat-sortable tbody tr").first).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("where", [WITH_PLOT, "results/"])
def test_results_fit_a_phone(open_page: Open, where: str) -> None:
    page = open_page(where, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", [WITH_PLOT, "results/"])
def test_axe_finds_nothing_on_results(open_page: Open, where: str, scheme: str) -> None:
    page = open_page(where, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    results = Axe().run(page)
    told = [
        {"rule": one["id"], "nodes": [node["html"][:150] for node in one["nodes"][:3]]}
        for one in results.response["violations"]
    ]
    assert not told, json.dumps(told, indent=1)

"""The pages of the published numbers: what they say, how they sort, what an entry cannot do to them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, Page, expect

from generator.entries.model import Dataset, Filed, Result
from generator.pages.quantities import number as shown
from generator.pages.results import benchmark_pages, names_of, overview
from generator.views.benchmarks import baselines, comparisons
from generator.views.pareto import trade_offs
from generator.views.site import Site
from tests.site.conftest import Built
from tests.site.hostile import formula, text
from tests.site.parsing import Parsed, parse
from tests.views.made_results import catalogue, result

Open = Callable[..., Page]
WITH_PLOT = "results/dit-xl-2-on-imagenet-256/"


@pytest.fixture(scope="module")
def pages(built: Built) -> dict[str, Parsed]:
    """The pages of the benchmarks, by the address of the benchmark."""
    found = {one.slug: built.pages[f"results/{one.slug}/index.html"] for one in built.knowledge.benchmarks.pages}
    assert len(found) >= 15
    return found


def test_every_configuration_stands_on_its_page_with_setting_and_source(built: Built, pages: dict[str, Parsed]) -> None:
    for one in built.knowledge.benchmarks.pages:
        page = pages[one.slug]
        for row in one.rows:
            assert row.anchor in page.ids
            assert " ".join(row.result.setting.split()) in page.text
            assert row.result.where in page.text
            if row.hardware:
                assert row.hardware in page.text
            if row.result.via:
                assert row.result.via in {link.get("href") for link in page.all("a")}
            assert f"../../papers/{row.slug}/" in {link.get("href") for link in page.all("a")}


def test_every_number_of_an_entry_stands_on_its_page(built: Built) -> None:
    for slug, filed in built.catalogue.papers.items():
        page = built.pages[f"papers/{slug}/index.html"]
        for number, one in enumerate(filed.entry.results, start=1):
            assert f"row-{slug}-{number}" in page.ids
            for value in (*one.before.values(), *one.after.values()):
                # As in the taxonomy, or in the next smaller unit.
                assert {shown(value.number), shown(1000 * value.number)} & set(re.split(r"[^\d.,-]+", page.text)) or (
                    shown(value.number) in page.text
                ), (slug, number)


def test_an_entry_opens_eight_configurations_and_keeps_the_others_one_click_away(built: Built) -> None:
    counts = {slug: len(filed.entry.results) for slug, filed in built.catalogue.papers.items()}
    long, short = max(counts, key=counts.__getitem__), next(slug for slug, count in counts.items() if count == 8)
    page = built.pages[f"papers/{long}/index.html"]
    assert page.inside("summary").count(f"{counts[long] - 8} more configurations") == 1
    assert "more configurations" not in built.pages[f"papers/{short}/index.html"].text


def test_the_baseline_comes_first(built: Built, pages: dict[str, Parsed]) -> None:
    metrics = built.catalogue.taxonomy.metrics
    for one in built.knowledge.benchmarks.pages:
        rows = pages[one.slug].all("tr")
        ids = [row.get("id") for row in rows]
        assert ("unchanged" in pages[one.slug].ids) == bool(baselines(one))
        for comparison in comparisons(one, metrics)[0]:
            before = rows[ids.index(comparison.group.rows[0].anchor) - 1].get("class")
            assert (before == "cat-dense") == bool(comparison.group.unchanged)


def test_all_other_configurations_are_on_the_overview(built: Built) -> None:
    page = built.pages["results/index.html"]
    links = {link.get("href", "") for link in page.all("a")}
    for one in built.knowledge.benchmarks.all:
        if one.has_page:
            assert f"../results/{one.slug}/" in links
        else:
            assert all(" ".join(row.result.setting.split()) in page.text for row in one.rows)


def test_entries_link_to_the_benchmarks_that_others_report_on_too(built: Built) -> None:
    for slug in built.catalogue.papers:
        links = {link.get("href", "") for link in built.pages[f"papers/{slug}/index.html"].all("a")}
        for one in built.knowledge.benchmarks.of_entry(slug):
            assert f"../../results/{one.slug}/" in links if one.has_page else f"../../models/{one.model}/" in links


def test_a_plot_is_named_described_and_follows_the_theme(built: Built) -> None:
    html = (built.site / WITH_PLOT / "index.html").read_text("utf-8")
    start = html.index("<svg viewBox=", html.index('class="cat-plot cat-scatter"'))
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


def test_one_name_for_a_configuration_in_plots_and_tables(built: Built) -> None:
    """The method, and where one table has several of it, what distinguishes them; never the same name twice."""
    settings = ("28 to 14 layers, 100K steps", "28 to 19 layers, 100K steps", "images per second, 7 layers", "one, two")
    twice = ("x" * 60, "y" * 60)
    papers = {
        "a": [result(setting=text) for text in settings],
        "b": [result(setting=text) for text in twice],
        "c": [result(setting="alone"), result(setting="elsewhere", where="Table 2")],
    }
    site = replace(built.knowledge, catalogue=catalogue(built.catalogue, papers))
    (one,) = site.benchmarks.all
    assert list(names_of(site, one.rows).values()) == [
        *("a, 28 to 14 layers", "a, 28 to 19 layers", "a, 7 layers", "a, one"),
        *("b 1", "b 2"),
        *("c", "c"),
    ]
    for shipped in built.knowledge.benchmarks.pages:
        names = names_of(built.knowledge, shipped.rows)
        tables = [(row.printed_in, names[row.anchor]) for row in shipped.rows]
        assert len(set(tables)) == len(tables), shipped.slug


# Hostile text


@pytest.fixture(scope="module")
def worst(built: Built) -> Site:
    """Four papers whose results hold hostile text wherever they can, enough for a page with a plot."""
    base = next(filed for filed in built.catalogue.papers.values() if filed.entry.results)
    model = next(iter(built.catalogue.models.values()))
    models = {"m": Filed("m", model.path, model.entry.model_copy(update={"name": text("model"), "unspecific": False}))}
    datasets = {"d": Dataset(name=text("dataset"), kind="images", text=text("about the data"))}
    shared: dict[str, Any] = {"model": "m", "dataset": "d", "where": text("where"), "hardware": text("hardware")}
    papers = {}
    for number in range(4):
        slug = f"worst-{number}"
        results = (
            Result(
                **shared,
                before={"fid": 9, "macs": 9},
                after={"fid": number + 1, "macs": 8 - number},
                setting=f"configuration {number}; {text('setting')} {formula('=')}",
                reported_by="worst-0",
            ),
            Result(**shared, after={"fid": 5}, setting=text("apart"), via=f"https://example.org/{number}?%22%3E"),
        )
        entry = base.entry.model_copy(update={"short": f"{number} {text('short')}", "results": results})
        papers[slug] = Filed(slug, base.path, entry)
    catalogue = replace(built.catalogue, papers=papers, models=models, datasets=datasets)
    return replace(built.knowledge, catalogue=catalogue)


def test_hostile_text_stays_text(worst: Site) -> None:
    (page,) = benchmark_pages(worst)
    shown = parse(page.block)
    ours = (
        "article",
        "br",
        "circle",
        "desc",
        "details",
        "div",
        "figcaption",
        "figure",
        "g",
        "h1",
        "h2",
        "h3",
        "li",
        "ol",
        "p",
        "path",
    )
    drawn = (
        "polyline",
        "rect",
        "span",
        "strong",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "wbr",
    )
    assert {tag for tag, _ in shown.tags} <= {"a", "ul", *ours, *drawn}
    for _, attributes in shown.tags:
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    for _, _, address in shown.addresses():
        assert address.startswith(("../../", "#", "https://example.org/"))
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
        assert not {tag for tag, _ in shown.tags} & {"img", "iframe", "svg", "object", "base"}
        scripts = [attributes for tag, attributes in shown.tags if tag == "script"]
        assert scripts == [{"type": "module", "src": "../assets/results.js"}] * (part == "single")
        for _, attributes in shown.tags:
            assert not [key for key in attributes if key.startswith("on")]


@pytest.mark.parametrize("before", [{"fid": 1e300}, {"fid": 1e300, "macs": 9}, {"fid": 1, "macs": 1e300}])
def test_an_unchanged_model_that_no_axis_holds_is_left_out_of_the_plot(built: Built, before: dict[str, float]) -> None:
    cost = "macs" if "macs" in before else "speed-up"
    rows = [result(setting=str(n), before=before, after={"fid": 4 - n, cost: n + 1}) for n in range(3)]
    papers = dict.fromkeys(("a", "b", "c"), rows)
    site = replace(built.knowledge, catalogue=catalogue(built.catalogue, papers))
    (page,) = benchmark_pages(site)
    assert page.block.count("<svg viewBox") == 3
    assert page.block.count("cat-plot-mark") == 9


def test_an_unknown_part_of_the_overview_is_refused(built: Built) -> None:
    with pytest.raises(KeyError):
        overview(built.knowledge, "../", "everything")


# In the browser


def column(table: Locator, number: int) -> list[str]:
    return [(row.locator("th, td").nth(number).text_content() or "").strip() for row in table.locator("tbody tr").all()]


@pytest.mark.browser
def test_columns_sort_with_the_keyboard_and_the_baseline_stays_first(open_page: Open) -> None:
    table = open_page(WITH_PLOT).locator("#side-by-side ~ .cat-table .cat-sorts").first
    table.scroll_into_view_if_needed()
    expect(table.locator("tbody th").first).to_have_text("Baseline")
    head = table.locator("thead th").nth(1)
    before = column(table, 1)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(table, 1) == before, "the best came first already"
    gaps = next(n for n in range(1, table.locator("thead th").count()) if "–" in column(table, n))
    head = table.locator("thead th").nth(gaps)
    before = column(table, gaps)
    for order in ("ascending", "descending"):
        head.get_by_role("button").press("Enter")
        expect(head).to_have_attribute("aria-sort", order)
    shown = column(table, gaps)[1:]
    numbers = [float(number) for number in shown if number != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert set(shown[len(numbers) :]) == {"–"}, "and comes last"
    assert sorted(column(table, gaps)) == sorted(before)
    table.get_by_role("button", name="Configuration").click()
    expect(head).not_to_have_attribute("aria-sort", "descending")
    names = column(table, 0)
    assert names[0] == "Baseline"
    natural = [
        [int(part) if part.isdigit() else part.casefold() for part in re.split(r"(\d+)", one)] for one in names[1:]
    ]
    assert natural == sorted(natural), "numbers by their size"


@pytest.mark.browser
def test_results_can_be_read_without_javascript(open_page: Open) -> None:
    page = open_page(WITH_PLOT, java_script_enabled=False)
    expect(page.locator(".cat-plot svg").first).to_be_visible()
    expect(page.locator(".cat-sortable button")).to_have_count(0)
    expect(page.locator("#side-by-side ~ .cat-table .cat-sortable tbody tr").first).to_be_visible()

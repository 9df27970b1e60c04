"""Pages of entries and tables of papers: what a reader meets first, and how wide and long tables are."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Page, expect

from generator.views.headlines import headlines
from tests.site.conftest import Built
from tests.site.parsing import Parsed

Open = Callable[..., Page]
WIDEST = 8
PAGES = re.compile(r"(papers|results|models|families|sparsity|architectures)/.*index\.html|browse/index\.html")


class _Tables(HTMLParser):
    """Columns of the head of every table with a class, and the rows under it, outside what is folded."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: list[int] = []
        self.rows: list[int] = []
        self.folds = 0
        self.head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details":
            self.folds += 1
        if tag == "table":
            self.columns.append(0)
            self.rows.append(0)
        if tag == "thead":
            self.head = True
        if tag == "th" and self.head:
            self.columns[-1] += 1
        if tag == "tr" and not self.head and self.rows:
            self.rows[-1] += not self.folds

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self.folds -= 1
        if tag == "thead":
            self.head = False


def test_tables_have_at_most_eight_columns_and_fold_what_is_long(built: Built) -> None:
    pages = [name for name in built.pages if PAGES.fullmatch(name)]
    assert len(pages) > 700
    for name in pages:
        tables = _Tables()
        tables.feed((built.site / name).read_text("utf-8"))
        assert max(tables.columns, default=0) <= WIDEST, name
        # Eight configurations and their baselines on an entry; the first table of a benchmark may be the longest.
        assert max(tables.rows, default=0) <= 25, name


def place(page: Parsed, *, href: str) -> int:
    """Where the first link to an address stands among the elements."""
    return next(index for index, (_, found) in enumerate(page.tags) if found.get("href") == href)


def test_actions_and_headline_results_come_before_the_facts(built: Built) -> None:
    metrics = built.catalogue.taxonomy.metrics
    for slug, filed in built.catalogue.papers.items():
        page = built.pages[f"papers/{slug}/index.html"]
        facts = next(index for index, (_, found) in enumerate(page.tags) if found.get("id") == "facts")
        assert place(page, href="#cite") < facts, slug
        if filed.entry.code:
            assert place(page, href=filed.entry.code) < facts, slug
        for model in filed.entry.models:
            assert place(page, href=f"../../models/{model}/") < facts, slug
        for one in headlines(filed, metrics):
            assert place(page, href=f"#{one.row.anchor}") < facts, slug
            assert one.row.anchor in page.ids


def test_run_it_here_stands_once_where_something_runs(built: Built) -> None:
    methods = built.knowledge.methods_of
    assert any(len(names) > 1 for names in methods.values())
    for slug in built.catalogue.papers:
        page = built.pages[f"papers/{slug}/index.html"]
        assert page.text.count("Run it here") == (slug in methods), slug
        links = {link.get("href") for link in page.all("a")}
        assert {f"../../methods/{name}/" for name in methods.get(slug, ())} <= links, slug
        assert page.inside("dt").count("Reference implementation") == (slug in methods), slug


def test_a_date_is_a_date_and_a_venue_has_its_own_column(built: Built) -> None:
    for name in ("families/pruning/index.html", "models/sdxl/index.html"):
        html = (built.site / name).read_text("utf-8")
        dates = re.findall(r'<td data-name="Date"[^>]*>([^<]*)</td>', html)
        assert len(dates) > 30, name
        assert all(re.fullmatch(r"\d{4}(-\d{2})?", date) for date in dates), name
        assert len(re.findall(r'<td data-name="Venue"[ >]', html)) == len(dates)


@pytest.mark.browser
def test_on_a_phone_points_have_numbers_and_names_and_nothing_scrolls_sideways(open_page: Open) -> None:
    page = open_page("results/dit-xl-2-on-imagenet-256/", viewport={"width": 390, "height": 800})
    figure = page.locator(".cat-scatter").first
    expect(figure.locator("g.cat-plot-wide").last).to_be_hidden()
    numbers = figure.locator("g.cat-plot-narrow text")
    assert numbers.all_text_contents() == [str(n + 1) for n in range(figure.locator(".cat-plot-names li").count())]
    expect(numbers.first).to_be_visible()
    expect(figure.locator(".cat-plot-names li").first).to_have_text("Baseline")
    expect(figure.locator(".cat-legend")).to_contain_text("Pareto front")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(figure.locator("g.cat-plot-wide").last).to_be_visible()
    expect(numbers.first).to_be_hidden()


@pytest.mark.browser
def test_single_results_can_be_filtered(open_page: Open) -> None:
    page = open_page("results/")
    status = page.locator(".cat-filter [role=status]")
    total = page.locator(".cat-filtered li").count()
    expect(status).to_have_text(f"{total} results")
    box = page.get_by_label("Filter by model, method, metric or setting")
    box.fill("SDXL fid")
    shown = page.locator(".cat-filtered li:visible")
    expect(status).to_have_text(f"{shown.count()} of {total} results")
    assert 0 < shown.count() < total
    assert any("SDXL" not in text for text in shown.all_inner_texts()), "the model is in the summary above"
    assert all("fid" in text.lower() for text in shown.all_inner_texts())
    box.fill("")
    expect(page.locator(".cat-filtered details:visible").first).not_to_have_attribute("open", "")

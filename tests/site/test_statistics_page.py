"""Statistics and lineage as a reader meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page

from tests.site.conftest import Built

STATISTICS = "statistics/index.html"
QUESTIONS = 6


def test_every_number_leads_to_browse_with_filters_that_it_knows(built: Built) -> None:
    links = [held["href"] for held in built.pages[STATISTICS].all("a") if "browse/?" in held.get("href", "")]
    assert len(links) > 200
    for link in links:
        assert urlsplit(link).path == "../browse/"
        pairs = parse_qsl(urlsplit(link).query, strict_parsing=True)
        names = [name for name, _ in pairs]
        assert names[0] == "kind"
        assert set(names[1:]) <= {"family", "sparsity", "architectures", "code", "training", "venue", "year"}
        assert all(re.fullmatch(r"\d{4}-\d{4}", value) for name, value in pairs if name == "year")


def test_every_chart_has_words_and_a_table(built: Built) -> None:
    page = built.pages[STATISTICS]
    charts = [held for held in page.all("svg") if "cat-chart" in held.get("class", "")]
    assert charts
    assert all(held["role"] == "group" and re.search(r"\d", held["aria-label"]) for held in charts)
    assert page.inside("summary").count(": the numbers") == QUESTIONS
    assert sum(held.get("class") == "cat-cross" for held in page.all("div")) == QUESTIONS


def test_bars_are_not_on_the_way_of_the_keyboard_as_the_table_has_their_links(built: Built) -> None:
    page = built.pages[STATISTICS]
    bars = [held for held in page.all("a") if held.get("tabindex") == "-1"]
    others = {held["href"] for held in page.all("a") if "tabindex" not in held and "href" in held}
    assert bars
    assert {held["href"] for held in bars} <= others
    assert all(held["aria-label"] for held in bars)


def test_drawings_hold_no_style_and_fixed_colour(built: Built) -> None:
    for name in (STATISTICS, "lineage/index.html", "families/pruning/index.html"):
        for tag, held in built.pages[name].tags:
            if tag in {"rect", "path", "line", "text"}:
                assert "style" not in held
                assert held.get("fill", "none") in {"none", "currentColor"}
                assert held.get("stroke", "none") in {"none", "currentColor"}


def test_an_entry_shows_similar_ones(built: Built) -> None:
    texts = built.pages["papers/diff-pruning/index.html"].text
    assert "Similar entries" in texts
    listed = [name for name in built.pages_with('id="similar"') if name.startswith("papers/")]
    assert len(listed) > 0.9 * len(built.catalogue.papers)


@pytest.mark.browser
class TestInTheBrowser:
    @pytest.mark.parametrize("width", [320, 1280])
    @pytest.mark.parametrize("where", ["statistics/", "lineage/", "families/distillation/"])
    def test_the_page_fits_its_window(self, where: str, width: int, open_page: Callable[..., Page]) -> None:
        page = open_page(where, viewport={"width": width, "height": 900})
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    @pytest.mark.parametrize("chart", ["families", "sparsity", "code", "venues"])
    def test_a_bar_opens_browse_with_as_many_rows(self, chart: str, open_page: Callable[..., Page]) -> None:
        page = open_page("statistics/")
        sections = {"families": "families-by-year", "sparsity": "kinds-of-sparsity-by-year"}
        heading = page.locator(f"#{sections.get(chart, chart)}")
        bar = heading.locator("xpath=following::*[local-name()='svg'][1]/*[local-name()='a']").last
        said = bar.get_attribute("aria-label") or ""
        count = re.search(r"(\d+) (?:of \d+ )?papers?$", said)
        assert count
        bar.click()
        page.wait_for_url("**/browse/?*")
        page.wait_for_function(
            "count => document.querySelector('[role=status]:not(:empty)') && new RegExp(`(^|\\\\D)${count}(\\\\D|$)`)"
            ".test([...document.querySelectorAll('[role=status]')].map(one => one.textContent).join(' '))",
            arg=count[1],
        )

    def test_a_wide_drawing_scrolls_by_keyboard_in_its_own_frame(self, open_page: Callable[..., Page]) -> None:
        page = open_page("families/distillation/", viewport={"width": 500, "height": 900})
        frame = page.locator(".cat-lineage")
        frame.focus()
        right = "document.querySelector('.cat-lineage').getBoundingClientRect().right"
        newest = "[...document.querySelectorAll('.cat-lineage .cat-axis')].at(-1).getBoundingClientRect().right"
        assert page.evaluate(f"{newest} <= {right}"), "the newest year is seen first"
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("document.querySelector('.cat-lineage').scrollLeft < 0")

    def test_a_box_of_the_drawing_opens_its_entry(self, open_page: Callable[..., Page]) -> None:
        page = open_page("families/pruning/")
        page.locator(".cat-lineage a").first.click()
        page.wait_for_url("**/papers/*/")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_drawn_text_can_be_read_in_both_themes(self, scheme: str, open_page: Callable[..., Page]) -> None:
        for where in ("statistics/", "families/pruning/"):
            page = open_page(where, color_scheme=scheme)
            colours = page.evaluate(
                "[...document.querySelectorAll('.cat-chart text, .cat-lineage text')]"
                ".map(one => getComputedStyle(one).fill)"
            )
            dark = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) < 384 for colour in set(colours)]
            assert colours
            assert all(dark) if scheme == "light" else not any(dark)

    def test_text_stays_inside_its_box(self, open_page: Callable[..., Page]) -> None:
        page = open_page("families/distillation/", viewport={"width": 1280, "height": 900})
        wide = page.locator(".cat-lineage a").evaluate_all(
            "all => all.filter(one => one.querySelector('text').getBBox().width"
            " > one.querySelector('rect').getBBox().width - 4).map(one => one.textContent)"
        )
        assert wide == []

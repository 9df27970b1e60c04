"""The site as people meet it: in a real browser, served as its host serves it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from bibtexparser.entrypoint import parse_string
from playwright.sync_api import Browser, Page, expect

from tests.site.conftest import Built, Server

pytestmark = pytest.mark.browser

FIRST_VIEW_BUDGET = 250_000
"""Bytes over the wire for the first view of the home page."""
Open = Callable[..., Page]


def test_the_first_view_is_light(open_page: Open, server: Server) -> None:
    server.sent.clear()
    page = open_page("")
    page.wait_for_load_state("networkidle")
    assert sum(server.sent.values()) <= FIRST_VIEW_BUDGET, server.sent


# Ways


def test_diff_pruning_is_three_clicks_away(open_page: Open) -> None:
    page = open_page("")
    page.locator(".md-content").get_by_role("link", name=re.compile("^U-Net")).click()
    page.locator("summary", has_text="more papers").first.click()
    page.locator(".md-content").get_by_role("link", name="Diff-Pruning", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Structural Pruning for Diffusion Models")


def test_an_address_that_leads_nowhere_has_a_page_with_ways_back(open_page: Open, server: Server) -> None:
    page = open_page("404.html")
    page.goto(f"{server.address}404.html")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("a.md-logo").first.click()
    assert page.url == server.address


@pytest.mark.parametrize("where", ["", "browse/", "papers/diff-pruning/", "models/sdxl/", "methods/wanda/", "kernels/"])
def test_a_desktop_shows_the_tabs_and_where_one_is(open_page: Open, where: str) -> None:
    page = open_page(where, viewport={"width": 1280, "height": 800})
    tabs = page.get_by_role("navigation", name="Tabs")
    assert tabs.get_by_role("link").all_inner_texts() == ["Home", "Learn", "Browse", "Results", "Run", "Contribute"]
    for tab in tabs.get_by_role("link").all():
        expect(tab).to_be_visible()
    expect(tabs.locator("[aria-current]")).to_be_visible()


def test_a_page_opened_as_a_file_says_how_to_serve_it(chromium: Browser, built: Built, open_page: Open) -> None:
    page = chromium.new_page()
    page.goto((built.site / "papers/diff-pruning/index.html").as_uri())
    expect(page.locator(".cat-file")).to_contain_text("make serve")
    expect(page.locator(".cat-file")).to_be_visible()
    page.close()
    expect(open_page("papers/diff-pruning/").locator(".cat-file")).to_have_count(0)


# Copy


def test_a_command_is_copied_without_its_prompt_and_its_answer(open_page: Open) -> None:
    page = open_page("contribute/", permissions=["clipboard-read", "clipboard-write"])
    block = page.locator(".highlight").filter(has=page.locator(".gp")).first
    block.hover()
    block.get_by_role("button", name="Copy to clipboard").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.trim() !== '')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("git clone ")
    assert "$" not in copied


def test_the_copy_button_copies_bibtex(open_page: Open) -> None:
    page = open_page("papers/diff-pruning/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.locator(".cat-said").first).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("BibTeX", exact=True).text_content()
    library = parse_string(copied)
    assert [entry.key for entry in library.entries] == ["diff-pruning"]


def test_where_copying_is_forbidden_the_text_is_selected(open_page: Open) -> None:
    page = open_page("papers/diff-pruning/")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden')); }")
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.locator(".cat-said").first).to_contain_text("Selected")
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == (page.get_by_label("BibTeX", exact=True).text_content() or "").strip()


# Appearance


def test_dark_mode_is_a_click_and_is_kept(open_page: Open) -> None:
    page = open_page("", color_scheme="light")
    body = page.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_title("Switch to dark mode").click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    page.locator(".md-content").get_by_role("link", name=re.compile("^U-Net")).click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")


def test_dark_mode_follows_the_system(open_page: Open) -> None:
    expect(open_page("", color_scheme="dark").locator("body")).to_have_attribute("data-md-color-scheme", "slate")


# Keyboard


def test_the_search_opens_by_a_key_and_closes_by_another(open_page: Open) -> None:
    page = open_page("")
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Search")).not_to_be_focused()


# Without JavaScript


def test_everything_can_be_read_without_javascript(open_page: Open, built: Built) -> None:
    page = open_page("families/pruning/", java_script_enabled=False)
    rows = page.locator(".cat-rows tbody tr")
    assert rows.count() >= sum(filed.entry.family == "pruning" for filed in built.catalogue.papers.values())
    expect(rows.first).to_be_visible()
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_label("BibTeX", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Copy BibTeX")).to_be_hidden()
    page = open_page("", java_script_enabled=False)
    expect(page.locator(".cat-numbers")).to_contain_text(f"{len(built.catalogue.papers)} papers")


# Folded parts


@pytest.mark.parametrize("part", ["e220", "v-families"])
def test_a_link_to_a_folded_part_opens_it(open_page: Open, part: str) -> None:
    page = open_page(f"contribute/#{part}")
    expect(page.locator(f"#{part} :is(pre, dl)").first).to_be_visible()

"""The site as people meet it: in a real browser, served as its host serves it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import bibtexparser
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.site.conftest import Built, Server

pytestmark = pytest.mark.browser

FIRST_VIEW_BUDGET = 250_000
"""Bytes over the wire for the first view of the home page."""
PHONE = {"width": 320, "height": 640}
PAGES = (
    "",
    "introduction/",
    "families/pruning/",
    "architectures/unet/",
    "papers/diff-pruning/",
    "tools/",
    "contribute/",
)
AXE = [where.replace("unet", "recurrent") for where in PAGES]  # a short page of the same kind
ENTRY_OF_EACH_KIND = ("papers/diff-pruning/", "tools/diff-pruning/", "articles/hf-lora-fast/")
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
    page.locator(".md-content").get_by_role("link", name="Diff-Pruning", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Structural Pruning for Diffusion Models")


def test_an_address_that_leads_nowhere_has_a_page_with_ways_back(open_page: Open, server: Server) -> None:
    page = open_page("404.html")
    page.goto(f"{server.address}404.html")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("a.md-logo").first.click()
    assert page.url == server.address


# Copy


def test_the_copy_button_copies_bibtex(open_page: Open) -> None:
    page = open_page("papers/diff-pruning/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(".cat-bibtex pre").text_content()
    library = bibtexparser.parse_string(copied)
    assert [entry.key for entry in library.entries] == ["diff-pruning"]


def test_where_copying_is_forbidden_the_text_is_selected(open_page: Open) -> None:
    page = open_page("papers/diff-pruning/")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden')); }")
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.get_by_role("status")).to_contain_text("Selected")
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == (page.locator(".cat-bibtex pre").text_content() or "").strip()


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


@pytest.mark.parametrize("where", [*PAGES, *ENTRY_OF_EACH_KIND[1:], "papers/", "data/"])
def test_a_narrow_screen_needs_no_sideways_scrolling(open_page: Open, where: str) -> None:
    page = open_page(where, viewport=PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], page.evaluate(
        "[...document.querySelectorAll('.md-content *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 120))"
    )


# Keyboard


@pytest.mark.parametrize("where", ["", "families/pruning/", *ENTRY_OF_EACH_KIND])
def test_the_first_tab_stop_skips_to_the_content(open_page: Open, where: str) -> None:
    page = open_page(where)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_class(re.compile("md-skip"))
    expect(skip).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#."))
    target = page.url.partition("#")[2]
    assert page.evaluate("id => !!document.getElementById(id)", target)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.md-main') !== null")


def test_the_search_opens_by_a_key_and_closes_by_another(open_page: Open) -> None:
    page = open_page("")
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Search")).not_to_be_focused()


@pytest.mark.parametrize("where", ["", "families/pruning/", "papers/diff-pruning/"])
def test_focus_can_be_seen(open_page: Open, where: str) -> None:
    page = open_page(where)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # past the header
    seen = 0
    for _ in range(12):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """() => {
              const element = document.activeElement, style = getComputedStyle(element);
              if (element === document.body) return null;
              const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
              return [outlined || style.boxShadow !== "none", element.outerHTML.slice(0, 150)];
            }"""
        )
        if shown is not None:
            assert shown[0], shown[1]
            seen += 1
    assert seen


# Without JavaScript


def test_everything_can_be_read_without_javascript(open_page: Open, built: Built) -> None:
    page = open_page("families/pruning/", java_script_enabled=False)
    rows = page.locator(".cat-rows tbody tr")
    assert rows.count() >= sum(filed.entry.family == "pruning" for filed in built.catalogue.papers.values())
    expect(rows.first).to_be_visible()
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".cat-bibtex pre")).to_be_visible()
    expect(page.get_by_role("button", name="Copy BibTeX")).to_be_hidden()
    page = open_page("", java_script_enabled=False)
    expect(page.locator(".cat-numbers")).to_contain_text(f"{len(built.catalogue.papers)} papers")


# For everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", [*AXE, *ENTRY_OF_EACH_KIND[1:], "404.html"])
def test_axe_finds_nothing(open_page: Open, where: str, scheme: str) -> None:
    page = open_page(where, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    results = Axe().run(page)
    told = [
        {"rule": one["id"], "help": one["help"], "nodes": [node["html"][:150] for node in one["nodes"][:3]]}
        for one in results.response["violations"]
    ]
    assert not told, json.dumps(told, indent=1)

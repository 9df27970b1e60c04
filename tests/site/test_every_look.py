"""One load of a page of each kind answers for everyone: by keyboard, by axe in both themes, on a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from reference_impls.kernels.registry import KERNELS
from tests.site.looks import COLOURS, assert_axe_finds_nothing, assert_fits_a_phone, switch_to_dark

pytestmark = pytest.mark.browser

KERNEL_PAGES = [f"kernels/{name}/" for name in KERNELS]
PAGES = (
    "",
    "start/",
    "introduction/",
    "families/pruning/",
    "architectures/recurrent/",  # the shortest page of its kind
    "papers/diff-pruning/",
    "tools/",
    "tools/diff-pruning/",
    "articles/hf-lora-fast/",
    "contribute/",
    "results/",
    "results/dit-xl-2-on-imagenet-256/",
    "models/",
    "models/sdxl/",
    "models/stable-diffusion/",
    "choose/",
    "digest/",
    "methods/",
    "methods/obs-diff/",
    "methods/tinyfusion/",
    "kernels/",
    KERNEL_PAGES[0],
    KERNEL_PAGES[-1],
    "404.html",
)
WIDE_PAGES = ("papers/", "data/", "digest/2026-11/", "architectures/unet/", "methods/sparsegpt/")
"""Axe takes long on them, and finds on a shorter page of their kind what it finds on them."""

Open = Callable[..., Page]


@pytest.mark.parametrize("where", PAGES)
def test_a_page_is_for_everyone(open_page: Open, where: str) -> None:
    page = open_page(where, color_scheme="light", reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    assert_the_first_tab_stop_skips_to_the_content(page)
    assert_focus_can_be_seen(page)
    assert_axe_finds_nothing(page)
    switch_to_dark(page)
    assert_axe_finds_nothing(page, *COLOURS)
    assert_fits_a_phone(page)


@pytest.mark.parametrize("where", WIDE_PAGES)
def test_a_wide_page_fits_a_phone(open_page: Open, where: str) -> None:
    assert_fits_a_phone(open_page(where))


def assert_the_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_class(re.compile("md-skip"))
    expect(skip).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#."))
    target = page.url.partition("#")[2]
    assert page.evaluate("id => !!document.getElementById(id)", target)


def assert_focus_can_be_seen(page: Page) -> None:
    """On twelve stops from the start of the content, or up to the end of a short page."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.md-main') !== null")
    for _ in range(12):
        if page.evaluate("document.activeElement.closest('.md-main, .md-footer') === null"):
            return
        faint = page.evaluate(
            """() => {
              const element = document.activeElement, style = getComputedStyle(element);
              const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
              return outlined || style.boxShadow !== "none" ? "" : element.outerHTML.slice(0, 150);
            }"""
        )
        assert not faint
        page.keyboard.press("Tab")

"""What every page must pass in a browser: axe in both themes, a narrow screen."""

from __future__ import annotations

import json

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 320, "height": 640}


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe whose outcome depends on the theme."""


def assert_axe_finds_nothing(page: Page, *rules: str) -> None:
    """In the theme that the page shows, by these rules or by all.

    Tables that are off the screen are laid out first: what the browser skips has no place and no final colour.
    """
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    page.wait_for_function("document.getAnimations().length === 0")
    options: dict[str, object] = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    violations = [
        {"rule": one["id"], "help": one["help"], "nodes": [node["html"][:150] for node in one["nodes"][:3]]}
        for one in Axe().run(page, options=options).response["violations"]
    ]
    assert not violations, json.dumps(violations, indent=1)


def switch_to_dark(page: Page) -> None:
    """Choose the dark theme and wait until no colour changes any more."""
    page.get_by_title("Switch to dark mode").click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    page.wait_for_function("document.getAnimations().length === 0")


def assert_fits_a_phone(page: Page) -> None:
    """Nothing but its own frames scrolls sideways; the page keeps the width of a phone."""
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], page.evaluate(
        "[...document.querySelectorAll('.md-content *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 120))"
    )

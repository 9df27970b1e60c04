"""Three people and their questions: each walk is followed click by click from the home page, on a desktop.

1. *Which pruning works for my FLUX without training, and what did it give?* Three clicks: the model on the home page,
   the pruning that was tried on it, the first paper, whose page opens with its numbers.
2. *Add this paper.* Two clicks: Contribute shows the first commands of CONTRIBUTING.md, and links the file itself.
3. *Is 2:4 faster on my CPU, and how do I try it?* Three clicks: the answer of the home page leads to the table of
   kernels, which has a column for 2:4, to a method, and to its command, which can be copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.site.conftest import ROOT, Built

pytestmark = pytest.mark.browser

DESKTOP = {"viewport": {"width": 1440, "height": 900}}


def first_commands(text: str) -> list[str]:
    """The commands of the first console block of a document, without the comments beside them."""
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return [line.removeprefix("$ ").partition("#")[0].strip() for line in block[1].splitlines()]


def test_pruning_for_my_flux_without_training_and_what_it_gave(open_page: Callable[..., Page], built: Built) -> None:
    page = open_page("", **DESKTOP)
    page.get_by_role("link", name=re.compile(r"FLUX\.1 \[dev\]")).first.click()
    expect(page.locator("h1")).to_have_text("FLUX.1 [dev]")
    page.get_by_role("link", name=re.compile(r"^Pruning")).first.click()
    row = page.locator("#f-pruning ~ .cat-table tbody tr").first
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("Training-free")
    row.get_by_role("link").first.click()
    page.wait_for_url("**/papers/**")
    slug = page.url.rstrip("/").rpartition("/")[2]
    assert "flux-1-dev" in built.catalogue.papers[slug].entry.models
    expect(page.get_by_label("Headline results")).to_be_in_viewport()


def test_add_this_paper(open_page: Callable[..., Page]) -> None:
    page = open_page("", **DESKTOP)
    page.get_by_role("navigation", name="Tabs").get_by_role("link", name="Contribute").click()
    said = page.locator("pre").first.inner_text()
    for command in first_commands((ROOT / "CONTRIBUTING.md").read_text("utf-8"))[:3]:
        verb = command.split(" https://")[0]
        assert verb in said
    link = page.get_by_role("link", name="CONTRIBUTING.md").first
    expect(link).to_have_attribute("href", re.compile(r"/CONTRIBUTING\.md$"))


def test_is_2_4_faster_on_my_cpu_and_how_do_i_try_it(open_page: Callable[..., Page]) -> None:
    page = open_page("", **DESKTOP)
    page.get_by_role("link", name="See your layer").click()
    expect(page.get_by_role("columnheader", name="2:4", exact=True)).to_be_visible()
    expect(page.locator("td[data-name='2:4']").first).to_have_text(re.compile(r"^\d\.\d+×$"))
    page.get_by_role("link", name="Reference implementations").first.click()
    page.get_by_role("link", name=re.compile("Wanda")).first.click()
    command = page.locator("code", has_text="--pattern 2:4").first
    expect(command).to_be_visible()
    expect(page.locator("pre", has_text="python -m reference_impls prune").first).to_contain_text("--method wanda")

"""The home page: its numbers come from the data and the committed results, and its ways lead where they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from generator.measured.methods import load_measured
from generator.pages import home
from generator.views.benchmarks import Benchmarks
from tests.site.conftest import Built

Open = Callable[..., Page]


def test_the_chart_is_the_one_that_is_named_and_its_heading_is_one_of_its_points(built: Built) -> None:
    chart = home.chart(built.knowledge)
    assert chart is not None
    assert (chart.benchmark.slug, chart.plot.trade_off.quality, chart.plot.trade_off.cost) == home.CHART
    assert chart.finding is not None
    points = {one.label: one.point for one in chart.plot.named}
    best = points[chart.finding.label]
    baseline = next(point for point in points.values() if point.row is None)
    assert best.leads
    assert (chart.finding.baseline, chart.finding.quality) == (baseline.quality, best.quality)
    assert chart.finding.gain == best.cost / baseline.cost
    others = [point.cost / baseline.cost for point in points.values() if point.leads and point.row]
    assert all(abs(chart.finding.gain - home.GAIN) <= abs(other - home.GAIN) for other in others)


def test_without_that_chart_there_is_another_or_none(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "CHART", ("no-such-benchmark", "fid", "throughput"))
    other = home.chart(built.knowledge)
    assert other is not None
    assert other.benchmark.slug
    site = replace(built.knowledge)
    site.__dict__["benchmarks"] = Benchmarks(())
    assert home.chart(site) is None
    assert "cat-answer" not in home.home(site, "./", "")


def test_the_losses_are_those_of_the_result_file(built: Built) -> None:
    found = home.losses()
    rows = [s for s in load_measured().settings if s.model == home.MODEL and s.method in dict(found.quoted)]
    rows = [s for s in rows if s.sparsity == home.SPARSITY and s.pattern is None and not s.recovery_steps]
    assert {s.method: s["held_out_loss"] for s in rows} == {
        name: setting["held_out_loss"] for name, setting in found.quoted
    }
    assert list(dict(found.quoted))[-2:] == [home.COMMAND_METHOD, "random"]
    text = built.pages["index.html"].text
    for loss in (found.dense, *(setting for _, setting in found.quoted)):
        assert f"{loss['held_out_loss']:.3f}" in text


def test_the_command_clones_the_repository_of_the_site(built: Built) -> None:
    address = built.knowledge.config.repo_url
    folder = address.rpartition("/")[2]
    assert f"git clone {address} cd {folder} pip install" in built.pages["index.html"].text


@pytest.mark.browser
def test_the_first_screen_of_a_desktop_has_the_answer_and_the_ways(open_page: Open) -> None:
    page = open_page("", viewport={"width": 1440, "height": 900})
    for seen in (
        page.get_by_role("searchbox", name="Search papers, tools and articles"),
        page.get_by_role("combobox", name="Your model"),
        page.locator(".cat-answer figcaption"),
        *page.locator(".cat-questions h2").all(),
    ):
        expect(seen).to_be_in_viewport(ratio=1)


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_the_search_of_the_home_page_opens_browse_with_its_words(open_page: Open, scripts: bool) -> None:
    page = open_page("", java_script_enabled=scripts)
    page.get_by_role("searchbox", name="Search papers, tools and articles").fill("wanda")
    page.get_by_role("searchbox", name="Search papers, tools and articles").press("Enter")
    page.wait_for_url(re.compile(r"/browse/\?text=wanda$"))
    if scripts:
        expect(page.locator(".browse-status")).to_have_text(re.compile(r"^[1-9]\d* of "))


@pytest.mark.browser
def test_a_number_of_the_map_is_the_number_of_its_list(open_page: Open) -> None:
    page = open_page("")
    link = page.locator(".cat-map").get_by_role("link", name=re.compile("papers: Pruning, U-Net"))
    number = link.inner_text()
    link.click()
    expect(page.locator(".browse-status")).to_have_text(re.compile(rf"^{number} "))


@pytest.mark.browser
def test_every_example_under_the_search_finds_something(open_page: Open) -> None:
    page = open_page("")
    for link in [one.get_attribute("href") for one in page.locator(".cat-tries a[href*='text=']").all()]:
        page.goto(page.url.partition("browse/")[0] + str(link).removeprefix("./"))
        expect(page.locator(".browse-status")).to_have_text(re.compile("^[1-9]"))

"""Badges of papers and tools: their files, the lines to copy, and how they look in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Page, expect

from generator.drawings.badge import SIZE, text_width
from generator.pages.badges import Badge, badge_files, badge_name, paper_badge, tool_badge
from generator.views.site import Site, label_of
from tests.site.conftest import Built
from tests.site.parsing import parse

Open = Callable[..., Page]
LARGEST = 2048
RUNS, LISTED = "diff-pruning", "deepcache"


@pytest.fixture(scope="module")
def site(built: Built) -> Site:
    return built.knowledge


def of_paper(site: Site, slug: str, **changes: str) -> Badge:
    filed = site.catalogue.papers[slug]
    return paper_badge(site, replace(filed, entry=filed.entry.model_copy(update=changes)))


def test_every_paper_and_tool_has_a_small_badge_beside_its_page(built: Built) -> None:
    entries = [where for where in built.entries if where.startswith(("papers/", "tools/"))]
    for where in entries:
        slug = where.split("/")[1]
        raw = (built.site / where / f"{slug}.svg").read_bytes()
        assert len(raw) <= LARGEST
        assert ET.fromstring(raw.decode("utf-8")).tag == "{http://www.w3.org/2000/svg}svg"
    assert badge_files(built.knowledge).keys() == {badge_name(*where.split("/")[:2]) for where in entries}


def test_a_paper_with_a_reference_implementation_says_so(site: Site) -> None:
    assert site.methods_of[RUNS]
    assert of_paper(site, RUNS).message == "reference implementation"
    assert LISTED not in site.methods_of
    assert of_paper(site, LISTED).message == "listed under feature caching"


@pytest.mark.parametrize("slug", [RUNS, LISTED])
@pytest.mark.parametrize("status", ["withdrawn", "superseded", "deprecated"])
def test_a_paper_that_no_longer_stands_says_only_that(site: Site, slug: str, status: str) -> None:
    badge = of_paper(site, slug, status=status)
    assert (badge.message, badge.tone) == (status, "ended")


@pytest.mark.parametrize("status", ["active", "maintenance"])
def test_a_tool_is_listed(site: Site, status: str) -> None:
    filed = site.catalogue.tools[RUNS]
    badge = tool_badge(site, replace(filed, entry=filed.entry.model_copy(update={"status": status})))
    assert (badge.message, badge.tone) == ("listed tool", "listed")


@pytest.mark.parametrize("where", [f"papers/{RUNS}/", f"papers/{LISTED}/", f"tools/{RUNS}/"])
def test_an_entry_page_offers_markdown_and_html_that_lead_back_to_it(built: Built, where: str) -> None:
    kind, slug, _ = where.split("/")
    badge = paper_badge(built.knowledge, built.catalogue.papers[slug]) if kind == "papers" else None
    badge = badge or tool_badge(built.knowledge, built.catalogue.tools[slug])
    html = (built.site / where / "index.html").read_text("utf-8")
    assert html.count("cat-badge") == 1
    codes = [parse(code).text for code in re.findall(r"<pre[^>]*><code>.*?</code></pre>", html.split("cat-badge")[1])]
    assert [" ".join(code.split()) for code in codes[:2]] == [badge.markdown, badge.html]
    home = built.knowledge.config.site_url
    page, image = home + where, f"{home}{where}{slug}.svg"
    for made in (MarkdownIt("commonmark").render(badge.markdown), badge.html):
        (link,), (shown,) = parse(made).all("a"), parse(made).all("img")
        assert (link["href"], shown["src"], shown["alt"]) == (page, image, f"{badge.label}: {badge.message}")


def test_the_name_of_a_site_stays_text(site: Site) -> None:
    name = 'A] "list" <b> & *more*'
    badge = of_paper(replace(site, config=replace(site.config, name=name)), LISTED)
    for made in (MarkdownIt("commonmark").render(badge.markdown), badge.html):
        (shown,) = parse(made).all("img")
        assert shown["alt"].replace("\u200b", "") == f"{name}: listed under feature caching"
    assert name in "".join(ET.fromstring(badge.svg).itertext())


def test_a_hostile_title_stays_text(hostile: Built) -> None:
    slugs = [slug for slug in hostile.catalogue.papers if slug.startswith("hostile-")]
    assert slugs
    for slug in slugs:
        top = ET.fromstring((hostile.site / f"papers/{slug}/{slug}.svg").read_bytes())
        tags = {element.tag.rsplit("}")[-1] for element in top.iter()}
        assert tags == {"svg", "title", "clipPath", "g", "rect", "text"}
        assert not [name for element in top.iter() for name in element.attrib if name.startswith("on")]
        (title,) = [element.text or "" for element in top.iter() if element.tag.endswith("title")]
        assert title.startswith(" ".join(label_of(hostile.catalogue.papers[slug]).split())[:10])


@pytest.mark.browser
def test_texts_are_as_wide_as_the_font_makes_them(open_page: Open, built: Built) -> None:
    page = open_page(f"papers/{RUNS}/")
    names = {badge.message for badge in (of_paper(built.knowledge, slug) for slug in built.catalogue.papers)}
    measured = page.evaluate(
        """([names, size]) => {
          const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
          svg.innerHTML = "<text font-family='Helvetica,Arial,sans-serif'/>";
          document.body.append(svg);
          const text = svg.firstChild;
          text.setAttribute("font-size", size);
          return names.map((name) => { text.textContent = name; return text.getComputedTextLength(); });
        }""",
        [sorted(names), SIZE],
    )
    for name, width in zip(sorted(names), measured, strict=True):
        assert width == pytest.approx(text_width(name), rel=0.12), name  # fonts of other widths are fitted


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_fold_shows_the_badge_and_copies(open_page: Open, width: int, scheme: str) -> None:
    page = open_page(
        f"papers/{LISTED}/",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        permissions=["clipboard-read", "clipboard-write"],
    )
    fold = page.locator(".cat-badge")
    image = fold.get_by_role("img")
    expect(image).to_be_hidden()
    fold.locator("summary").click()
    expect(image).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    box = image.bounding_box()
    assert box is not None
    assert 18 <= box["height"] <= 20.5  # a narrow page scales it
    assert box["x"] + box["width"] <= width
    fold.get_by_role("button", name="Copy HTML").click()
    expect(fold.get_by_role("status").last).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == fold.locator("pre").last.inner_text().strip()
    assert page.evaluate("document.documentElement.scrollWidth") <= width

"""The page Glossary: every term once, with its anchor; what leads to it; and what both searches make of its names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from generator.assemble.fill import FillFailed, check_glossary
from generator.checks.glossary import VOCABULARIES
from generator.entries.schema import LICENCE_ADDRESS
from generator.pages.browse import FACETS
from generator.views.glossary import all_terms
from tests.site.conftest import Built
from tests.site.looks import assert_axe_finds_nothing

Open = Callable[..., Page]
PLACE = "glossary/index.html"


@pytest.fixture(scope="module")
def html(built: Built) -> str:
    return (built.site / PLACE).read_text("utf-8")


def test_every_term_stands_on_the_page_once(built: Built, html: str) -> None:
    ids = Counter(re.findall(r'\bid="([^"]+)"', html))
    assert {name: times for name, times in ids.items() if times > 1} == {}
    terms = all_terms(built.catalogue)
    assert {term.anchor for term in terms} <= set(ids)
    assert len(re.findall(r"<dt>[^<]+</dt>\s*<dd>", html)) >= len(terms)


def test_every_group_and_vocabulary_has_its_section(built: Built, html: str) -> None:
    sections = {*built.catalogue.glossary.terms, *VOCABULARIES, "quality", "cost"} - {"metrics"}
    assert sections == set(re.findall(r'id="(\w+)-terms"', html))


def test_the_index_leads_to_every_term_by_letter(built: Built, html: str) -> None:
    index = html.partition('<nav class="cat-index"')[2].partition("</nav>")[0]
    found = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', index)
    assert {term.anchor for term in all_terms(built.catalogue)} == {anchor for anchor, _ in found}
    assert ("metrics-nfe", "NFE") in found
    assert ("classifier-free-guidance", "CFG") in found
    letters = re.findall(r"<dt>([^<]+)</dt>", index)
    assert letters == sorted(letters, key=lambda letter: (letter[0].isalpha(), letter))
    assert len(letters) == len(set(letters))
    named = [re.sub(r"<[^>]+>", "", line).strip() for line in re.findall(r"<li>(.*?)</li>", index)]
    assert [name for name, times in Counter(named).items() if times > 1] == []


def test_the_page_needs_no_script(open_page: Open) -> None:
    page = open_page("glossary/", java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.get_by_role("navigation", name="All terms").get_by_role("link", name="NFE", exact=True).click()
    expect(page.locator("#metrics-nfe")).to_be_in_viewport()
    assert page.url.endswith("glossary/#metrics-nfe")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits(open_page: Open, width: int, scheme: str) -> None:
    page = open_page("glossary/", viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert_axe_finds_nothing(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_terms_of_entries_lead_to_their_place(built: Built) -> None:
    anchors = {term.anchor for term in all_terms(built.catalogue)}
    seen = set()
    for name in built.pages:
        if name.startswith(("papers/", "tools/", "articles/", "results/")):
            html = (built.site / name).read_text("utf-8")
            seen |= set(re.findall(r'href="[./]+glossary/#([^"]+)"', html))
    assert seen <= anchors
    assert {"granularity-channel", "training-training-free", "topics-one-shot", "metrics-fid"} <= seen


def test_filters_lead_to_what_their_words_mean(built: Built, html: str) -> None:
    browse = (built.site / "browse/index.html").read_text("utf-8")
    links = set(re.findall(r'href="[./]+glossary/#([^"]+)"', browse))
    assert links == {facet.meaning for facet in FACETS if facet.meaning}
    assert {"families-terms", "granularity-terms", "training-terms", "reported-results"} <= links
    assert [place for place in links if f'id="{place}"' not in html] == []


def test_the_glossary_is_a_file_too(built: Built) -> None:
    document = json.loads((built.site / "data/glossary.json").read_text("utf-8"))
    assert (document["@type"], document["license"]) == ("DefinedTermSet", LICENCE_ADDRESS)
    terms = document["hasDefinedTerm"]
    assert [term["termCode"] for term in terms] == [term.anchor for term in all_terms(built.catalogue)]
    fid = next(term for term in terms if term["termCode"] == "metrics-fid")
    assert fid["@id"] == f"{built.knowledge.config.site_url}glossary/#metrics-fid"
    assert "Fréchet Inception distance" in fid["alternateName"]


def test_a_link_that_leads_nowhere_fails_the_build(built: Built, tmp_path: Path) -> None:
    check_glossary(built.site, built.knowledge)
    with pytest.raises(FillFailed, match=r"lead nowhere: sparsity: methods/, density: kernels/, "):
        check_glossary(tmp_path, built.knowledge)


# Search


@pytest.mark.browser
def test_both_searches_know_every_name_of_every_term(built: Built, open_page: Open) -> None:
    """The first hit of the header, and the line of Browse, is the term, or another one that has this name first."""
    terms = all_terms(built.catalogue)
    own = [(name, term.anchor) for term in terms if not term.vocabulary for name in (term.name, *term.aliases)]
    named = [(term.name, term.anchor) for term in terms if term.vocabulary]
    others = [(alias, term.anchor) for term in terms if term.vocabulary for alias in term.aliases]
    page = open_page("decisions/")
    found = page.evaluate(
        """async (queries) => {
        const { wordsOf } = await import("../assets/search-index.js");
        const get = async (name) => (await fetch(`../${name}.json`)).json();
        const [entries, index] = await Promise.all(["browse/entries", "search/index"].map(get));
        const words = wordsOf(entries, index, null);
        return queries.map((query) => index.locations[words.find(query).term - entries.slugs.length] ?? "");
        }""",
        [name for name, _ in own + named + others],
    )
    first = {name.casefold(): anchor for name, anchor in reversed(own + named)}
    for (name, anchor), location in zip(own + named + others, found, strict=True):
        if (name, anchor) in others:
            assert location.startswith("glossary/#"), name
        else:
            assert location == f"glossary/#{first[name.casefold()]}", name


@pytest.mark.browser
@pytest.mark.parametrize(
    ("query", "address", "also"),
    [
        ("granularity", "glossary/#granularity", ""),
        ("FID", "glossary/#metrics-fid", "results/"),
        ("reconstruction error", "glossary/#reconstruction-error", "papers/sparsegpt/"),
        ("random pruning", "glossary/#random-pruning", "methods/random/"),
        ("2:4", "glossary/#sparsity-semi-structured", "sparsity/semi-structured/"),
        ("nfe", "glossary/#metrics-nfe", ""),
        ("Wanda Score", "glossary/#wanda-score", ""),
    ],
)
def test_a_name_of_a_term_gives_the_term_first(open_page: Open, query: str, address: str, also: str) -> None:
    page = open_page("decisions/")
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Search").fill(query)
    links = page.locator(".md-search-result__link")
    expect(links.first).to_have_attribute("href", re.compile(rf"/{re.escape(address)}$"))
    expect(links.first).to_contain_text("Term")
    # Summaries come a moment later, and may change what follows.
    expect(page.locator(f".md-search-result__item:nth-child(-n+6) a[href*='/{also}']").first).to_be_visible()


@pytest.mark.browser
def test_browse_shows_the_term_above_the_results(open_page: Open) -> None:
    page = open_page("browse/?text=Granularity")
    line = page.locator(".browse-term")
    expect(line).to_contain_text("Glossary: Granularity — Size of the unit that is kept or removed as a whole")
    expect(line.get_by_role("link")).to_have_attribute("href", "../glossary/#granularity")
    box = page.locator("input[name=text]")
    box.fill("granularity of flux")
    expect(line).to_be_hidden()
    box.fill("NFE")
    expect(line).to_contain_text("Number of function evaluations")
    assert_axe_finds_nothing(page)
    box.fill("")
    expect(line).to_be_hidden()


@pytest.mark.browser
def test_the_meaning_of_a_filter_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page("browse/")
    page.locator("[data-facet=granularity] summary").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name=re.compile("What do these mean.*(Granularity|Decides about)"))
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary/#granularity-terms")

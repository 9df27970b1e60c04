"""The pages of the months: in the built site, and made of a digest with every kind of change."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from generator.entries.model import Digest
from generator.outputs.digests import months_of
from generator.outputs.feeds import FEED, MEDIA_TYPE
from generator.pages.digests import OPEN_ENTRIES, digest_list, digest_pages
from generator.pages.page import Page
from generator.views.site import Site
from tests.site.conftest import Built
from tests.site.parsing import parse

HOSTILE = '<img src=x onerror="alert(1)"> & {{ 7 * 7 }} ]]>'
ZERO = {"papers": 0, "tools": 0, "articles": 0, "models": 0}


def entry(slug: str, title: str = "T", kind: str = "papers", **more: object) -> dict[str, object]:
    family = {"family": "pruning"} if kind == "papers" else {}
    return {"kind": kind, "slug": slug, "title": title, **family, **more}


def change(slug: str, *facts: tuple[str, list[str], list[str]], kind: str = "papers") -> dict[str, object]:
    return entry(slug, "T", kind, facts=[{"field": field, "was": was, "now": now} for field, was, now in facts])


DIGEST = Digest.model_validate(
    {
        "month": "2026-12",
        "commit": "a" * 40,
        "before": {**ZERO, "papers": 1234},
        "after": {**ZERO, "papers": 1236, "tools": 1},
        "added": [
            entry("diff-pruning"),
            entry("gone", HOSTILE),
            entry("lost", family="no-such-family"),
            entry("deepspeed", kind="tools"),
        ],
        "changed": [
            change("bk-sdm", ("venue", ["ICML 2023 workshop"], ["ECCV 2024"]), ("summary", [], [])),
            change(
                "deepcache",
                ("results", ["2"], ["3"]),
                ("models", ["sdxl"], ["flux-1-dev"]),
                ("topics", [], ["one-shot"]),
            ),
            change("gone", ("status", [], ["withdrawn"]), ("criterion", [], [HOSTILE])),
            change("laptop-diff", ("status", ["active"], ["superseded"]), ("superseded_by", [], ["diff-pruning"])),
            change("obs-diff", ("code", [], ["https://github.com/a/b"]), ("results", ["2"], ["2"])),
            change("diffusers", ("licence", ["MIT"], []), kind="tools"),
        ],
        "removed": [entry("old", "An old paper")],
    }
)


@pytest.fixture(scope="module")
def page(built: Built) -> Page:
    """The page of a digest with every kind of change."""
    knowledge = built.knowledge
    site = replace(knowledge, catalogue=replace(built.catalogue, digests=(DIGEST,)))
    (found,) = [one for one in digest_pages(site) if one.location == "digest/2026-12/"]
    return found


def items(page: Page, heading: str) -> list[str]:
    """The text of the items of one list, by the id of its heading."""
    after = page.block.split(f'id="{heading}"', 1)[1]
    part = re.split(r"<h[23]", after)[0]
    return [" ".join(parse(item).text.split()) for item in re.findall(r"<li>.*?</li>", part)]


def test_added_papers_are_listed_by_family(page: Page, built: Built) -> None:
    title = built.catalogue.papers["diff-pruning"].entry.title
    assert items(page, "papers-pruning") == [HOSTILE, f"Diff-Pruning: {title}"]
    assert items(page, "papers-no-such-family") == ["T"]
    assert page.block.index("papers-pruning") < page.block.index("papers-no-such-family")


def test_only_entries_that_exist_are_links(page: Page, built: Built) -> None:
    links = [link["href"] for link in parse(page.block).all("a")]
    entries = [link.removeprefix("../../") for link in links if re.match(r"\.\./\.\./(papers|tools)/", link)]
    assert "papers/diff-pruning/" in entries
    assert [link for link in entries if link not in built.entries] == []
    assert "papers/gone/" not in entries


def test_changes_are_said_in_words(page: Page, built: Built) -> None:
    models = built.catalogue.models
    labels = {slug: items_name(built, slug) for slug in ("bk-sdm", "deepcache", "laptop-diff", "obs-diff")}
    assert items(page, "changed-venue") == [f"{labels['bk-sdm']} venue: ICML 2023 workshop → ECCV 2024"]
    assert items(page, "changed-status") == [
        f"{labels['laptop-diff']} status: Active → Superseded; superseded by: Diff-Pruning",
        "T status: Withdrawn",
    ]
    assert items(page, "changed-code") == [f"{labels['obs-diff']} code: https://github.com/a/b"]
    assert items(page, "changed-results") == [
        f"{labels['deepcache']} 3 configurations, before 2",
        f"{labels['obs-diff']} 2 configurations corrected",
    ]
    topic = built.catalogue.taxonomy.topics["one-shot"].name
    sdxl, flux = models["sdxl"].entry.name, models["flux-1-dev"].entry.name
    assert items(page, "changed-facts") == [
        f"{labels['bk-sdm']} summary reworded",
        f"{labels['deepcache']} models: {sdxl} → {flux}; topics: {topic} added",
        f"T criterion: {HOSTILE}",
        "T licence: MIT removed",
    ]
    assert items(page, "removed") == ["An old paper"]


def items_name(built: Built, slug: str) -> str:
    paper = built.catalogue.papers[slug].entry
    return f"{paper.short}: {paper.title}" if paper.short and paper.short not in paper.title else paper.title


def test_hostile_titles_stay_text(page: Page) -> None:
    assert "<img" not in page.block
    assert parse(page.block).text.count(HOSTILE) == 2


def test_counts_before_and_after_are_a_table(page: Page) -> None:
    rows = re.findall(r'<th scope="row">(\w+)</th><td[^>]*>([\d,]+)</td><td[^>]*>([\d,]+)</td>', page.block)
    assert rows == [("Papers", "1,234", "1,236"), ("Tools", "0", "1"), ("Articles", "0", "0"), ("Models", "0", "0")]


def test_a_month_leads_to_its_neighbours(page: Page, built: Built) -> None:
    links = [link["href"] for link in parse(page.block).all("a")]
    (earlier, *_) = months_of(built.catalogue)
    assert links[-3:] == [f"../../digest/{earlier.month}/", "../../digest/", f"../../digest/{FEED}"]


def test_the_built_site_has_all_months(built: Built) -> None:
    index = built.pages["digest/index.html"]
    links = [link.get("href") for link in index.all("a")]
    for month in months_of(built.catalogue):
        assert f"../digest/{month.month}/" in links
        page = built.pages[f"digest/{month.month}/index.html"]
        assert month.summary in " ".join(page.text.split())
        (feed,) = [link for link in page.all("link") if link.get("type") == MEDIA_TYPE]
        assert feed["href"] == f"../../digest/{FEED}"
    assert f"../digest/{FEED}" in links
    assert (built.site / "digest" / FEED).is_file()


def test_long_lists_are_folded(built: Built) -> None:
    for month in months_of(built.catalogue):
        html = (built.site / f"digest/{month.month}/index.html").read_text("utf-8")
        opened = re.sub(r"<details.*?</details>", "", html, flags=re.DOTALL)
        lists = re.findall(r'<ul class="cat-list">.*?</ul>', opened, re.DOTALL)
        assert [text for text in lists if text.count("<li>") > OPEN_ENTRIES] == []
        if not month.over:
            every = re.findall(r'<ul class="cat-list">.*?</ul>', html, re.DOTALL)
            assert sum(text.count("<li>") for text in every) == len(month.added)


def test_a_catalogue_without_entries_has_no_month(built: Built) -> None:
    catalogue = replace(built.catalogue, digests=(), papers={}, tools={}, articles={}, models={})
    site = Site(catalogue, built.knowledge.config, "")
    assert list(digest_pages(site)) == []
    assert "No entry yet." in digest_list(site, "../", "")

"""The built site leads to its feeds and BibTeX files."""

from __future__ import annotations

import pytest

from generator.outputs.feeds import FEED, MEDIA_TYPE
from tests.site.conftest import Built


def test_home_data_and_family_pages_name_their_feed(built: Built) -> None:
    families = {f"families/{family}/index.html" for family in built.catalogue.taxonomy.families}
    digests = {name for name in built.pages if name.startswith("digest/")}
    expected = {"index.html", "data/index.html", "families/index.html", *families, *digests}
    found = {}
    for name in built.pages_with(MEDIA_TYPE):
        links = [link for link in built.pages[name].all("link") if link.get("type") == MEDIA_TYPE]
        if links:
            (found[name],) = links
    assert found.keys() == expected
    for name, link in found.items():
        target = (built.site / name).parent / link["href"]
        own = "digest/index.html" if name in digests else name if name in families else "index.html"
        assert link["rel"] == "alternate"
        assert target.resolve() == (built.site / own).with_name(FEED).resolve()
        assert target.is_file()


@pytest.mark.parametrize("slug", ["diff-pruning", "bk-sdm"])
def test_a_paper_offers_its_bibtex(built: Built, slug: str) -> None:
    page = built.pages[f"papers/{slug}/index.html"]
    (link,) = [link for link in page.all("a") if link.get("href", "").endswith(".bib")]
    assert "download" in link
    text = (built.site / "papers" / slug / link["href"]).read_text("utf-8")
    assert " ".join(text.split()) in page.text


def test_the_data_page_and_each_family_lead_to_feeds_and_references(built: Built) -> None:
    months = [
        (built.site / "data" / link.get("href", "")).resolve() for link in built.pages["data/index.html"].all("a")
    ]
    assert (built.site / "digest" / FEED).resolve() in months
    for family in built.catalogue.taxonomy.families:
        for name in ("data/index.html", f"families/{family}/index.html"):
            targets = {(built.site / name).parent / link.get("href", "") for link in built.pages[name].all("a")}
            targets = {target.resolve() for target in targets}
            assert (built.site / f"families/{family}/{FEED}").resolve() in targets
            assert (built.site / f"data/bib/{family}.bib").resolve() in targets

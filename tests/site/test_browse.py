"""The browse page: facets that combine, words that are found, addresses that bring the same view back."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from generator.pages.browse import FACETS, FIRST, Row, browse_files, browse_query, phrases, rows
from tests.site.conftest import Built, Server, address
from tests.site.hostile import SUMMARY, TITLE
from tests.site.looks import assert_axe_finds_nothing, switch_to_dark
from tests.site.parsing import parse

browser = pytest.mark.browser
Open = Callable[..., Page]
BYTES_AN_ENTRY = 80
HOSTILE = "<img src=x onerror=alert(1)>\"'</td><script>alert(2)</script>"


def status(page: Page) -> str:
    return page.locator(".browse-status").inner_text()


def total(page: Page) -> int:
    return int(status(page).split()[0].replace(",", ""))


def choose(page: Page, name: str, word: str) -> None:
    facet = page.locator(f"[data-facet={name}]")
    if facet.get_attribute("open") is None:
        facet.locator("summary").click()
    page.locator(f"input[name={name}][value='{word}']").click()


def counts(page: Page) -> dict[tuple[str, str], int]:
    """The number beside each option."""
    found = page.evaluate(
        """() => [...document.querySelectorAll(".browse-facet input")].map((input) =>
        [input.name, input.value, input.closest("label").querySelector(".browse-count").textContent])"""
    )
    return {(name, word): int(count) for name, word, count in found}


def matching(found: list[Row], chosen: dict[str, set[str]], years: tuple[str, str] = ("0", "9")) -> list[Row]:
    """What a choice should give: any word of a facet, every facet."""
    facets = {facet.name: facet for facet in FACETS}
    return [
        row
        for row in found
        if all(words & set(facets[name].words(row)) for name, words in chosen.items())
        and (years == ("0", "9") or years[0] <= row.date[:4] <= years[1])
    ]


# The files


def test_entries_json_says_what_the_catalogue_says(built: Built) -> None:
    document = json.loads((built.site / "browse/entries.json").read_bytes())
    found = rows(built.knowledge)
    assert len(found) == len(built.browsed)
    assert document["titles"] == [row.title for row in found]
    assert document["slugs"] == [row.filed.slug for row in found]
    assert [document["dates"]["words"][at] for at in document["dates"]["of"]] == [row.date for row in found]
    for facet in FACETS:
        column = document["facets"][facet.name]
        held = [{column["words"][word] for word in column["sets"][at]} for at in column["of"]]
        assert held == [set(facet.words(row)) for row in found], facet.name
    summaries = json.loads((built.site / "browse/summaries.json").read_bytes())
    assert summaries["phrases"] == ["\n".join(phrases(row)) for row in found]
    assert summaries["stamp"] == document["stamp"]
    assert summaries["summaries"] == [row.filed.entry.summary for row in found]


def test_entries_json_is_small(built: Built) -> None:
    size = len(gzip.compress((built.site / "browse/entries.json").read_bytes(), 6))
    assert size / len(built.browsed) <= BYTES_AN_ENTRY


def test_the_files_are_the_same_each_time(built: Built) -> None:
    assert browse_files(built.knowledge) == browse_files(built.knowledge)


def test_every_entry_is_listed_without_a_script(built: Built) -> None:
    linked = set()
    for where in ("browse", "tools", "articles"):
        page = parse((built.site / where / "index.html").read_text("utf-8"))
        linked |= {attributes["href"].removeprefix("../") for attributes in page.all("a") if "href" in attributes}
    assert set(built.browsed) <= linked


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"family": "pruning"}, "kind=paper&family=pruning"),
        (
            {"architectures": "unet", "family": "pruning,foundations"},
            "kind=paper&architectures=unet&family=pruning,foundations",
        ),
        ({"topics": "one-shot"}, None),
        ({"training": "!retrain"}, None),
        ({}, None),
    ],
)
def test_a_table_links_to_the_same_choice(built: Built, filters: dict[str, str], query: str | None) -> None:
    assert browse_query(built.knowledge, filters) == query


def test_all_families_but_one_are_named(built: Built) -> None:
    query = parse_qs(browse_query(built.knowledge, {"family": "!pruning"}) or "")
    assert query["family"][0].split(",") == [word for word in built.catalogue.taxonomy.families if word != "pruning"]


# Facets


@browser
def test_facets_combine_and_every_count_is_right(open_page: Open, built: Built) -> None:
    found = rows(built.knowledge)
    page = open_page("browse/")
    expect(page.locator(".browse-status")).to_have_text(f"{len(found):,} entries")
    chosen: dict[str, set[str]] = {}
    for name, word in (
        ("family", "pruning"),
        ("family", "quantization"),
        ("architectures", "unet"),
        ("code", "yes"),
    ):
        choose(page, name, word)
        chosen.setdefault(name, set()).add(word)
        assert total(page) == len(matching(found, chosen))
    page.select_option("select[name=year-from]", "2024")
    assert total(page) == len(matching(found, chosen, ("2024", "9")))
    # An option's count is what choosing it would add within its facet, everything else as it is.
    shown = counts(page)
    for (name, word), count in shown.items():
        others = {other: words for other, words in chosen.items() if other != name}
        assert count == len(matching(found, {**others, name: {word}}, ("2024", "9"))), (name, word)
    assert 0 in shown.values()
    for item in page.locator(".browse-facet li.is-empty").all():
        assert item.locator(".browse-count").text_content() == "0"
    years = page.locator("select[name=year-to] option").all_inner_texts()
    in_2025 = len(matching(found, chosen, ("2025", "2025")))
    assert f"2025 ({in_2025})" in years


@browser
def test_chosen_filters_can_be_taken_away(open_page: Open, built: Built) -> None:
    page = open_page("browse/?family=pruning&venue=ICLR&year=2024-2025")
    chips = page.locator(".browse-active button")
    assert chips.all_inner_texts() == ["Pruning ×", "ICLR ×", "2024–2025 ×", "Clear all"]
    page.get_by_role("button", name="Remove Venue: ICLR").click()
    assert "venue" not in address(page)
    assert page.evaluate("document.activeElement.textContent") == "2024–2025 ×", "focus stays in the list"
    page.get_by_role("button", name="Clear all").click()
    assert urlsplit(address(page)).query == ""
    assert total(page) == len(built.browsed)


@browser
def test_nothing_found_is_said_and_can_be_undone(open_page: Open, built: Built) -> None:
    page = open_page("browse/?text=zzzzzz")
    expect(page.locator(".browse-none")).to_be_visible()
    expect(page.locator(".browse-table")).to_be_hidden()
    assert status(page) == f"0 of {len(built.browsed):,} entries"
    page.get_by_role("button", name="clear all filters").click()
    expect(page.locator(".browse-table")).to_be_visible()
    assert page.locator("input[name=text]").input_value() == ""


# Text


@browser
@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("diff-pruning", "diff-pruning"),
        ("DIFF-PRUNING", "diff-pruning"),
        ("fang ma structural", "diff-pruning"),
        ("timesteps small loss taylor", "diff-pruning"),  # words of its summary alone
        ("obs-diff", "obs-diff"),
    ],
)
def test_text_is_found_and_ranked(open_page: Open, typed: str, slug: str) -> None:
    page = open_page("browse/")
    page.locator("input[name=text]").fill(typed)
    first = page.locator(".browse-rows tbody tr").first
    expect(first.locator(f"a[href$='papers/{slug}/']")).to_be_visible()
    expect(first.locator("mark").first).to_be_visible()
    marks = " ".join(first.locator("mark").all_inner_texts()).casefold()
    for word in typed.casefold().split():
        assert word in marks


@browser
def test_models_and_data_are_found_and_shown(open_page: Open, built: Built) -> None:
    page = open_page("browse/?text=ldm-4")
    expect(page.locator(".browse-rows mark").first).to_be_visible()
    page.wait_for_function("!document.querySelector('.browse-status').textContent.startsWith('0 ')")
    expect(page.locator(".browse-rows a[href$='papers/diff-pruning/']")).to_be_visible()
    for mark in page.locator(".browse-rows tbody tr .cat-quiet mark").all():
        assert (mark.text_content() or "").casefold() == "ldm-4"


@browser
def test_matches_keep_the_text_whole(open_page: Open) -> None:
    page = open_page("browse/")
    found = page.evaluate(
        """async () => {
        const { marked } = await import("../assets/elements.js");
        const cases = [["Lefèvre and ﬁne-tuning İstanbul", ["lefevre", "fine", "istanbul"]],
                       ["ßabc ΔΩ", ["ssabc", "deltaomega"]],
                       ["OBS-Diff, obs diff", ["obsdiff"]], ["a<b>&amp;", ["b"]], ["", ["x"]], ["x", []]];
        return cases.map(([text, words]) => {
          const box = document.createElement("p");
          box.append(marked(text, new Set(words)));
          return [text, box.textContent, [...box.querySelectorAll("mark")].map((mark) => mark.textContent)];
        });
        }"""
    )
    assert all(text == shown for text, shown, _ in found)
    assert found[0][2] == ["Lefèvre", "ﬁne", "İstanbul"]
    assert found[1][2] == ["ßabc", "ΔΩ"]
    assert found[2][2] == ["OBS-Diff", "obs diff"]
    assert found[3][2] == ["b"]


@browser
def test_summaries_come_only_when_asked_for(open_page: Open, server: Server) -> None:
    server.sent.clear()
    page = open_page("browse/?family=pruning")
    expect(page.locator(".browse-rows tbody tr").first).to_be_visible()
    assert not any(path.endswith("summaries.json") for path in server.sent)
    page.get_by_label("Show summaries").check()
    expect(page.locator(".browse-summary").first).to_be_visible()
    assert any(path.endswith("summaries.json") for path in server.sent)
    assert "summaries=yes" in address(page)


@browser
def test_a_stale_copy_of_the_summaries_is_fetched_again(open_page: Open) -> None:
    page = open_page("")
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.fallback()
        else:
            route.fulfill(json={"version": 1, "stamp": "of old", "summaries": []})

    page.route("**/summaries.json", answer)
    page.goto(address(page) + "browse/?summaries=yes")
    expect(page.locator(".browse-summary").first).to_be_visible()
    assert len(asked) == 2


# Order


@browser
def test_every_order_is_told_and_kept(open_page: Open, built: Built) -> None:
    page = open_page("browse/?kind=paper")
    heads = page.locator("th[data-sort]")

    def sorted_by() -> list[tuple[str, str]]:
        sorts = [(head.get_attribute("data-sort"), head.get_attribute("aria-sort")) for head in heads.all()]
        return [(name, order) for name, order in sorts if name and order]

    def column(number: int) -> list[str]:
        cells = page.locator(f".browse-rows tbody tr > :nth-child({number})").all_inner_texts()
        return [cell for cell in cells if cell != "–"]

    assert sorted_by() == [("newest", "descending")]
    assert column(3) == sorted(column(3), reverse=True)
    page.get_by_role("button", name="Date").click()
    assert sorted_by() == [("newest", "ascending")]
    assert address(page).endswith("sort=-newest")
    page.get_by_role("button", name="Venue").click()
    assert sorted_by() == [("venue", "ascending")]
    series = [cell.rpartition(" ")[0].casefold() for cell in column(4)]
    assert series == sorted(series)
    page.get_by_role("button", name="Entry").click()
    assert sorted_by() == [("title", "ascending")]
    page.locator("input[name=text]").fill("pruning")
    assert sorted_by() == [("title", "ascending")], "a chosen order outlives a search"
    page.goto(address(page).replace("sort=title", ""))
    expect(page.locator("mark").first).to_be_visible()
    assert sorted_by() == [], "matches come best first"


# Address


@browser
def test_a_cold_address_gives_the_same_view(open_page: Open) -> None:
    warm = open_page("browse/")
    warm.locator("input[name=text]").fill("video  attention")
    choose(warm, "family", "sparse-attention")
    choose(warm, "venue", "ICML")
    choose(warm, "training", "training-free")
    warm.select_option("select[name=year-from]", "2025")
    warm.get_by_role("button", name="Entry").click()
    assert urlsplit(warm.url).query == (
        "text=video++attention&family=sparse-attention&training=training-free&venue=ICML&year=2025-&sort=title"
    )
    cold = open_page("browse/?" + urlsplit(warm.url).query)
    expect(cold.locator("mark").first).to_be_visible()
    warm.wait_for_load_state("networkidle")
    assert total(warm) > 0
    for selector in (".browse-rows", ".browse-active", ".browse-status", ".browse-facets"):
        shown = warm.locator(selector).inner_text()
        expect(cold.locator(selector)).to_have_text(shown, use_inner_text=True)  # summaries come after the first paint
    assert cold.locator("input[name=text]").input_value() == "video  attention"


@browser
def test_back_and_forward_walk_through_the_choices(open_page: Open, built: Built) -> None:
    page = open_page("browse/")
    steps = [address(page)]
    length = page.evaluate("history.length")
    page.locator("input[name=text]").press_sequentially("prun")
    page.wait_for_url("**/browse/?text=prun")
    assert page.evaluate("history.length") == length, "typing replaces"
    steps[0] = address(page)
    for name, word in (("family", "pruning"), ("sparsity", "structured")):
        choose(page, name, word)
        steps.append(address(page))
    assert page.evaluate("history.length") == length + 2, "choices push"
    shown = [(address(page), status(page))]
    for step in reversed(steps[:-1]):
        page.go_back()
        page.wait_for_url(step)
        shown.append((address(page), status(page)))
    assert not page.locator("input[name=family][value=pruning]").is_checked()
    for step in steps[1:]:
        page.go_forward()
        page.wait_for_url(step)
    assert (address(page), status(page)) == shown[0]
    assert page.locator("input[name=sparsity][value=structured]").is_checked()


@browser
@pytest.mark.parametrize(
    "query",
    [
        "family=nonsense&sort=nonsense&year=20x&constructor=1&__proto__=1",
        "family=pruning&family=,,%3Cb%3E,&year=-",
        "text=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&family=%3Cscript%3E",
        "text=" + "a" * 5000,
        "text=%E0%A4%A",
    ],
)
def test_a_strange_address_does_no_harm(open_page: Open, query: str) -> None:
    page = open_page("browse/?" + query)
    expect(page.locator(".browse-status")).to_contain_text("entries")
    expect(page.locator(".browse-static")).to_have_count(0)
    assert page.locator(".browse-results img, .browse-results script:not([src])").count() == 0


@browser
def test_more_rows_come_on_demand_and_stay_after_coming_back(open_page: Open, built: Built) -> None:
    page = open_page("browse/")
    lines = page.locator(".browse-rows tbody tr")
    page.locator(".browse-static").wait_for(state="detached")
    expect(lines).to_have_count(FIRST)
    page.get_by_role("button", name="Show more").click()
    expect(lines).to_have_count(FIRST + 200)
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == FIRST + 1
    lines.nth(100).locator("a").click()
    page.go_back()
    expect(lines).to_have_count(FIRST + 200)


@browser
def test_rows_that_come_with_the_page_are_those_that_the_script_draws(open_page: Open) -> None:
    page = open_page("browse/")
    page.locator(".browse-static").wait_for(state="detached")
    body = page.locator(".browse-rows tbody")
    written = re.sub(r">\s+<", "><", body.inner_html().strip())
    choose(page, "kind", "paper")
    choose(page, "kind", "paper")
    assert body.inner_html() == written


# Ways of reading


@browser
def test_without_javascript_every_entry_is_listed_by_family(open_page: Open, built: Built) -> None:
    page = open_page("browse/", java_script_enabled=False)
    expect(page.locator(".browse-form")).to_be_hidden()
    expect(page.locator("#browse-page noscript p")).to_be_visible()
    expect(page.locator(".browse-static li a:visible")).to_have_count(len(built.catalogue.papers))
    page.locator(".browse-static").get_by_role("link", name="Diff-Pruning", exact=True).first.click()
    page.wait_for_url("**/papers/diff-pruning/")


@browser
def test_a_lost_file_leaves_the_list(chromium: Browser, server: Server, built: Built) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.route("**/browse/entries.json", lambda route: route.abort())
    page.goto(server.address + "browse/")
    expect(page.locator(".browse-status")).to_contain_text("could not be loaded")
    expect(page.locator(".browse-static li a:visible")).to_have_count(len(built.catalogue.papers))
    context.close()


@browser
def test_the_keyboard_is_enough(open_page: Open, built: Built) -> None:
    page = open_page("browse/")
    page.locator(".browse-static").wait_for(state="detached")
    page.locator("input[name=text]").focus()
    page.keyboard.type("prun")
    focused = "document.activeElement"
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") != "none"
        if page.evaluate(f"{focused}.name + {focused}.value") == "familypruning":
            break
    else:
        pytest.fail("Tab never reached the families")
    page.keyboard.press("Space")
    assert "family=pruning" in address(page)
    assert page.evaluate(f"{focused}.value") == "pruning", "focus stays where it was"
    for wanted, key in (("Training neededsummary", "Enter"), ("Venuesummary", "Enter")):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(f"{focused}.textContent + {focused}.localName") == wanted:
                break
        else:
            pytest.fail(f"Tab never reached {wanted}")
        page.keyboard.press(key)
    assert page.locator("[data-facet=venue]").get_attribute("open") is not None
    page.locator("th[data-sort=title] button").focus()
    page.keyboard.press("Enter")
    assert address(page).endswith("sort=title")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Selection")).to_contain_text("1 selected")


@browser
def test_a_narrow_screen_shows_everything(open_page: Open) -> None:
    page = open_page("browse/?family=pruning&summaries=yes", viewport={"width": 320, "height": 640})
    expect(page.locator(".browse-summary").first).to_be_visible()
    expect(page.locator(".browse-facets")).to_be_hidden()
    toggle = page.get_by_role("button", name="Filters")
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    choose(page, "sparsity", "structured")
    page.get_by_role("button", name="Cite or download").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@browser
def test_paper_gets_every_row_and_no_controls(open_page: Open, built: Built) -> None:
    page = open_page("browse/?family=foundations")
    wanted = total(page)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".browse-rows tbody tr")).to_have_count(wanted)
    for selector in (".browse-form", ".browse-take-open", ".browse-more", ".browse-tick >> nth=0"):
        expect(page.locator(selector)).to_be_hidden()
    expect(page.locator(".browse-active")).to_contain_text("Foundations")


@browser
def test_axe_finds_nothing(open_page: Open) -> None:
    page = open_page("browse/?family=surveys&text=survey&summaries=yes&sort=title", reduced_motion="reduce")
    expect(page.locator("mark").first).to_be_visible()
    page.locator(".browse-tick input").first.check()
    page.get_by_role("button", name="Cite or download").click()
    page.evaluate("() => document.querySelectorAll('.browse-facet').forEach((facet) => (facet.open = true))")
    assert_axe_finds_nothing(page)
    switch_to_dark(page)
    assert_axe_finds_nothing(page)


# Trust


@browser
def test_hostile_text_stays_text(open_page: Open) -> None:
    page = open_page("")

    def entries(route: Route) -> None:
        document = route.fetch().json()
        count = len(document["slugs"])
        document["titles"] = [TITLE] * count
        document["shorts"] = [HOSTILE] * count
        document["authors"] = ["<script>alert(3)</script> Evil\"'> </tr>"] * count
        for column in ("dates", "venues", "added"):
            document[column]["words"] = [HOSTILE] * len(document[column]["words"])
        route.fulfill(json=document)

    def summaries(route: Route) -> None:
        document = route.fetch().json()
        count = len(document["summaries"])
        route.fulfill(json={**document, "summaries": [SUMMARY] * count, "phrases": [TITLE] * count})

    page.route("**/browse/entries.json", entries)
    page.route("**/browse/summaries.json", summaries)
    page.goto(address(page) + "browse/?summaries=yes&text=script")
    row = page.locator(".browse-rows tbody tr").first
    expect(row.locator(".browse-summary")).to_have_text(SUMMARY)
    assert row.locator("a").text_content() == HOSTILE
    assert row.locator(".browse-title").text_content() == TITLE
    assert row.locator("img, script, svg").count() == 0
    assert row.locator("a").count() == 1


@browser
@pytest.mark.parametrize("where", ["browse/?text=pruning", "compare/?ids=diff-pruning,obs-diff"])
def test_a_strict_content_policy_is_kept(open_page: Open, where: str) -> None:
    page = open_page("")

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        inline = re.findall(r"<script>(.*?)</script>", answer.text(), re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
        allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
        policy = f"default-src 'self'; script-src 'self' {allowed}; img-src 'self' data:"
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route(re.compile(r"/(browse|compare)/(\?.*)?$"), with_policy)
    page.goto(address(page) + where)
    expect(page.locator(".browse-rows mark, .compare-rows td").first).to_be_visible()
    page.get_by_role("button", name="Cite or download").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="download CSV").click()
    assert saved.value.suggested_filename == "diffusion-pruning-selection.csv"

"""The basket and what becomes of it: side by side, BibTeX, CSV, JSON, an address to share."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from playwright.sync_api import Page, expect

from generator import escape
from tests.site.conftest import Built
from tests.site.looks import assert_axe_finds_nothing, switch_to_dark

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
STORE = "awesome-diffusion-pruning.basket"
THREE = ("diff-pruning", "obs-diff", "bk-sdm")


@pytest.fixture
def tool(built: Built) -> str:
    return next(iter(built.catalogue.tools))


def saved(page: Page, format: str) -> str:  # noqa: A002  what it is
    names = {"bib": "BibTeX", "csl.json": "CSL-JSON", "csv": "CSV", "json": "JSON", "ris": "RIS"}
    with page.expect_download() as download:
        page.get_by_role("button", name=f"download {names[format]}").click()
    assert download.value.suggested_filename == f"diffusion-pruning-selection.{format}"
    return Path(download.value.path()).read_bytes().decode("utf-8")


def fill_basket(page: Page, *keys: str) -> None:
    page.evaluate("([name, keys]) => localStorage.setItem(name, JSON.stringify(keys))", [STORE, list(keys)])


def rows_of(page: Page) -> dict[str, list[str]]:
    """The compare table: cells by heading."""
    found = page.evaluate(
        """() => [...document.querySelectorAll(".compare-rows tbody tr")].map((row) => [
        row.querySelector("th").firstChild.textContent,
        [...row.querySelectorAll("td")].map((cell) => cell.innerText),
        ])"""
    )
    return dict(found)


def test_what_is_ticked_is_kept_across_pages(open_page: Open) -> None:
    page = open_page("browse/?text=structural+pruning+for+diffusion+models")
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_be_hidden()
    page.locator("input[data-key='diff-pruning']").check()
    expect(bar).to_contain_text("1 selected")
    page.locator(".browse-rows a[href$='papers/diff-pruning/']").click()
    button = page.locator(".cat-basket")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_text("Selected")
    home = page.url.removesuffix("papers/diff-pruning/")
    page.goto(home + "papers/obs-diff/")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    bar.get_by_role("link", name="Compare").click()
    expect(page.locator(".compare-rows thead a")).to_have_text(["Diff-Pruning", "OBS-Diff"])
    page.goto(home + "browse/?text=obs-diff")
    expect(page.locator("input[data-key='obs-diff']")).to_be_checked()
    bar.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()
    expect(page.locator("input[data-key='obs-diff']")).not_to_be_checked()
    assert page.evaluate(f"localStorage.getItem('{STORE}')") == "[]"


def test_tools_and_articles_can_be_taken_too(open_page: Open, built: Built, tool: str) -> None:
    page = open_page(f"tools/{tool}/")
    page.get_by_role("button", name="Select to compare").click()
    assert json.loads(page.evaluate(f"localStorage.getItem('{STORE}')")) == [f"tool:{tool}"]
    page.get_by_role("link", name="Compare").click()
    expect(page.locator(".compare-rows thead a")).to_have_text([built.catalogue.tools[tool].entry.name])


@pytest.mark.parametrize("held", ["not json", '{"a":1}', '["<b>", "../x", 5, null, "tool:", "diff-pruning"]', "null"])
def test_a_spoilt_basket_does_no_harm(open_page: Open, held: str) -> None:
    page = open_page("papers/obs-diff/")
    page.evaluate("([name, held]) => localStorage.setItem(name, held)", [STORE, held])
    page.reload()
    page.get_by_role("button", name="Select to compare").click()
    kept = json.loads(page.evaluate(f"localStorage.getItem('{STORE}')"))
    assert kept == ([*(["diff-pruning"] if "diff-pruning" in held else []), "obs-diff"])


def test_side_by_side_marks_what_differs(open_page: Open, built: Built) -> None:
    page = open_page("compare/?ids=" + ",".join(THREE))
    expect(page.locator(".browse-status")).to_have_text("3 entries side by side.")
    taxonomy = built.catalogue.taxonomy
    papers = [built.catalogue.papers[slug].entry for slug in THREE]
    shown = rows_of(page)
    names = [[taxonomy.training[paper.training].name] if paper.training else [] for paper in papers]
    assert shown["Training"] == [", ".join(name) or "–" for name in names]
    assert shown["Summary"] == [paper.summary for paper in papers]
    sparsity = [[taxonomy.sparsity[word].name for word in paper.sparsity] for paper in papers]
    assert [cell.split("\n") for cell in shown["Sparsity"]] == sparsity
    differing = page.locator("tr.is-differing th").evaluate_all(
        "heads => heads.map((head) => head.firstChild.textContent)"
    )
    assert "Sparsity" in differing
    assert "Family" not in differing
    expect(page.locator("tr.is-differing .compare-differs").first).to_have_text("differs")
    # What only some hold stands out.
    bold = page.locator("tr", has_text="Sparsity").first.locator("strong").all_inner_texts()
    shared = set.intersection(*map(set, sparsity))
    assert sorted(bold) == sorted(name for names in sparsity for name in names if name not in shared)
    page.get_by_label("Only differences").check()
    assert list(rows_of(page)) == differing


def test_configurations_of_one_model_and_data_set_stand_side_by_side(open_page: Open, built: Built) -> None:
    page = open_page("compare/?ids=" + ",".join(THREE))
    page.locator(".compare-rows").wait_for()
    rows = {name: cells for name, cells in rows_of(page).items() if name.startswith("Reported on ")}
    names = {slug: filed.entry.name for slug, filed in built.catalogue.models.items()}
    for place, slug in enumerate(THREE):
        own = built.catalogue.papers[slug].entry.results
        assert sum(len(cells[place].split("\n")) for cells in rows.values() if cells[place] != "–") == len(own)
        for result in own:
            sets = [built.catalogue.datasets[dataset].name for dataset in result.dataset]
            cell = rows[f"Reported on {', '.join([names[model] for model in result.model] + sets)}"][place]
            assert result.setting in cell
            assert result.where in cell
            assert all(built.catalogue.taxonomy.metrics[name].name in cell for name in result.after)
    reporting = [sum(cell != "–" for cell in cells) for cells in rows.values()]
    assert reporting == sorted(reporting, reverse=True)


def test_a_selection_is_shared_by_its_address(open_page: Open) -> None:
    page = open_page("compare/?ids=" + ",".join(THREE), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Remove OBS-Diff").click()
    expect(page.locator(".compare-rows thead a")).to_have_text(["Diff-Pruning", "BK-SDM"])
    assert page.evaluate("location.search") == "?ids=diff-pruning,bk-sdm"
    page.go_back()
    expect(page.locator(".compare-rows thead a")).to_have_count(3)
    page.get_by_role("button", name="Cite or download").click()
    page.get_by_role("button", name="Copy the address").click()
    expect(page.locator(".cat-said")).to_have_text("Copied the address.")
    assert page.evaluate("navigator.clipboard.readText()") == page.evaluate("location.href")
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_be_hidden()  # looking at a shared selection does not touch one's own
    page.get_by_role("button", name="Add these to my selection").click()
    expect(bar).to_contain_text("3 selected")


def test_strange_ids_are_told_or_left_out(open_page: Open) -> None:
    page = open_page("compare/?ids=diff-pruning,no-such-entry,%3Cscript%3Ealert(1)%3C/script%3E,../x,diff-pruning")
    expect(page.locator(".browse-status")).to_have_text("1 entry side by side; not in the catalogue: no-such-entry.")
    page.goto(page.url.partition("?")[0])
    expect(page.locator(".compare-none")).to_be_visible()
    page.locator(".compare-none").get_by_role("link", name="Browse").click()
    page.wait_for_url("**/browse/")


def test_a_selection_is_cut_from_the_sites_own_files(open_page: Open, built: Built, tool: str) -> None:
    page = open_page("compare/")
    fill_basket(page, *THREE, f"tool:{tool}")
    page.reload()
    page.get_by_role("button", name="Cite or download").click()
    bib = saved(page, "bib")
    expect(page.locator(".cat-said")).to_have_text("Saved 3 of 4 as BibTeX; the others have none.")
    whole = (built.site / "data/references.bib").read_text("utf-8")
    library = parse_string(bib)
    assert not library.failed_blocks
    assert sorted(entry.key for entry in library.entries) == sorted(THREE)
    assert all((entry.raw or "") in whole for entry in library.entries)

    text = saved(page, "csv")
    lines = (built.site / "data/entries.csv").read_bytes().decode("utf-8").split("\r\n")
    assert text.split("\r\n")[0] == lines[0]
    assert all(line in lines for line in text.split("\r\n"))
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert sorted((row["kind"], row["slug"]) for row in read) == sorted(
        [*(("paper", s) for s in THREE), ("tool", tool)]
    )

    document = json.loads(saved(page, "json"))
    everything = json.loads((built.site / "data/entries.json").read_bytes())
    cut = ("papers", "tools", "articles", "models", "datasets")
    assert {key: value for key, value in document.items() if key not in cut} == {
        key: value for key, value in everything.items() if key not in cut
    }
    assert document["papers"] == [paper for paper in everything["papers"] if paper["slug"] in THREE]
    assert document["tools"] == [one for one in everything["tools"] if one["slug"] == tool]
    assert document["articles"] == []
    results = [result for paper in document["papers"] for result in paper.get("results", ())]
    for kind, key in (("models", "model"), ("datasets", "dataset")):
        named = {slug for result in results for slug in result.get(key, ())}
        if kind == "models":
            named |= {slug for entry in (*document["papers"], *document["tools"]) for slug in entry.get("models", ())}
        assert document[kind] == [one for one in everything[kind] if one["slug"] in named]

    ris = rispy.loads(saved(page, "ris"))
    assert sorted(record["id"] for record in ris) == sorted(THREE)
    csl = json.loads(saved(page, "csl.json"))
    whole_csl = json.loads((built.site / "data/references.csl.json").read_bytes())
    assert csl == [item for item in whole_csl if item["id"] in THREE]


def test_the_current_filter_or_the_basket_can_be_taken(open_page: Open) -> None:
    page = open_page("browse/?family=surveys&kind=paper", permissions=["clipboard-read", "clipboard-write"])
    wanted = int(page.locator(".browse-status").inner_text().split()[0].replace(",", ""))
    page.get_by_role("button", name="Cite or download").click()
    expect(page.locator(".browse-take-what label")).to_have_text([f"All that match ({wanted})", "The selection (0)"])
    page.get_by_role("button", name="copy BibTeX").click()
    expect(page.locator(".cat-said")).to_have_text(f"Copied {wanted} as BibTeX.")
    assert len(re.findall(r"^@", page.evaluate("navigator.clipboard.readText()"), re.MULTILINE)) == wanted
    page.locator(".browse-tick input").first.check()
    page.get_by_label("The selection (1)").check()
    page.get_by_role("button", name="copy CSV").click()
    expect(page.locator(".cat-said")).to_have_text("Copied 1 as CSV.")
    page.get_by_role("button", name="Copy the address").click()
    key = json.loads(page.evaluate(f"localStorage.getItem('{STORE}')"))[0]
    expect(page.locator(".cat-said")).to_have_text("Copied the address.")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/compare/?ids={key}")


def test_cells_that_could_be_formulas_are_kept_as_the_generator_wrote_them(open_page: Open) -> None:
    page = open_page("compare/")
    cells = ['=HYPERLINK("x","y")', ' =1+1, "q"', "@x", "-1", "\t=2", "'=x", 'a\r\nb"c', "plain"]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(("kind", "slug", "title"))
    for number, cell in enumerate(cells):
        writer.writerow(("paper", ("diff-pruning", "other-one")[number % 2], escape.csv_cell(cell)))
    page.route("**/data/entries.csv", lambda route: route.fulfill(body=stream.getvalue(), content_type="text/csv"))
    fill_basket(page, "diff-pruning")
    page.reload()
    page.get_by_role("button", name="Cite or download").click()
    read = list(csv.DictReader(io.StringIO(saved(page, "csv"), newline="")))
    assert [escape.csv_value(row["title"]) for row in read] == cells[::2]
    assert not any(re.match(r"[\s\xa0]*[=+@-]|[\t\r\n]", row["title"]) for row in read)


def test_a_failed_download_is_told_and_can_be_tried_again(open_page: Open) -> None:
    page = open_page("compare/?ids=diff-pruning")
    page.get_by_role("button", name="Cite or download").click()
    page.evaluate(
        """() => {
        const real = window.fetch;
        window.fetch = () => {
          window.fetch = real;
          return Promise.reject(new Error("offline"));
        };
        }"""
    )
    page.get_by_role("button", name="download BibTeX").click()
    expect(page.locator(".cat-said")).to_have_text("Failed: offline")
    assert saved(page, "bib").startswith("@")


def test_a_narrow_screen_scrolls_only_the_table(open_page: Open) -> None:
    page = open_page("compare/?ids=" + ",".join(THREE), viewport={"width": 320, "height": 640})
    page.locator(".compare-rows").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_axe_finds_nothing(open_page: Open) -> None:
    page = open_page("compare/?ids=" + ",".join(THREE), reduced_motion="reduce")
    page.get_by_role("button", name="Add these to my selection").click()
    page.get_by_role("button", name="Cite or download").click()
    assert_axe_finds_nothing(page)
    switch_to_dark(page)
    assert_axe_finds_nothing(page)


def test_without_javascript_the_page_says_so(open_page: Open) -> None:
    page = open_page("compare/", java_script_enabled=False)
    expect(page.locator("#compare-page noscript p")).to_be_visible()

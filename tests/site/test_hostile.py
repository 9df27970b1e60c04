"""Text that wants to be more than text stays text: on the pages, in the search, in every file for programs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware
from markdown_it import MarkdownIt
from markdown_it.token import Token
from playwright.sync_api import Browser, Page, expect

from generator import escape
from generator.assemble.committed import committed_files
from generator.outputs.exports import CSV_COLUMNS
from tests.site.conftest import Built, Server, open_pages, serving
from tests.site.hostile import (
    ADDRESS,
    ARTICLE,
    DATASET,
    ENTRIES,
    MARK,
    MODEL,
    PAPER,
    PAPER_WITH_RECORD,
    RECORD,
    SUMMARY,
    TITLE,
    TOOL,
    texts,
)
from tests.site.parsing import Parsed

OURS = {"papers/hostile-paper/": PAPER, "papers/hostile-record/": PAPER_WITH_RECORD}
OTHERS = {"tools/hostile-tool/": TOOL, "articles/hostile-article/": ARTICLE, "models/hostile-model/": MODEL}
CLEAN = {
    "papers": "papers/diff-pruning/",
    "tools": "tools/diff-pruning/",
    "articles": "articles/hf-lora-fast/",
    "models": "models/stable-diffusion-1-5/",
}
FORBIDDEN = {
    "iframe",
    "object",
    "embed",
    "base",
    "applet",
    "frame",
    "math",
    "template",
    "img",
    "audio",
    "video",
    "style",
}
SCHEMES = {"", "https", "mailto"}
FORMULA = re.compile(r"[\s\xa0]*[=+\-@]|[\t\r\n]")


@pytest.fixture(scope="session")
def shown(hostile: Built) -> dict[str, Parsed]:
    """Every page that shows something hostile."""
    marks = (escape.markup(TITLE), escape.markup(MARK), escape.markup(SUMMARY), "/hostile-")
    names = [
        file.relative_to(hostile.site).as_posix()
        for file in sorted(hostile.site.rglob("*.html"))
        if any(mark in file.read_text("utf-8") for mark in marks)
    ]
    return {name: hostile.pages[name] for name in names}


def clean_twin(name: str) -> str:
    """A page of the same kind without hostile text, equally deep."""
    kind, _, rest = name.partition("/")
    return f"{CLEAN[kind]}index.html" if rest.startswith("hostile-") else name


def test_the_hostile_entries_are_shown(shown: dict[str, Parsed]) -> None:
    wanted = {f"{where}index.html" for where in (*OURS, *OTHERS)}
    wanted |= {
        "index.html",
        "papers/index.html",
        "families/pruning/index.html",
        "architectures/unet/index.html",
    }
    wanted |= {"sparsity/structured/index.html", "tools/index.html", "articles/index.html"}
    assert wanted | {"models/index.html", "models/stable-diffusion/index.html"} <= shown.keys()


def test_no_page_holds_an_element_or_address_that_acts(built: Built, shown: dict[str, Parsed]) -> None:
    for name, page in shown.items():
        twin = built.pages[clean_twin(name)]
        for tag, attributes in page.tags:
            badge = tag == "img" and attributes.get("src") == f"{name.split('/')[-2]}.svg"
            assert tag not in FORBIDDEN or badge, (name, tag)
            assert not [key for key in attributes if key.startswith("on") or key in ("style", "srcdoc")], (
                name,
                tag,
            )
        for tag, key, value in page.addresses():
            assert not value.strip().startswith(("//", "\\")), (name, tag, key, value)
            assert urlsplit(value.strip()).scheme in SCHEMES, (name, tag, key, value)
        for tag in ("form", "script", "input", "button", "link"):
            more = int(tag == "input" and name == "browse/index.html")  # the hostile model is an option of the filter
            assert len(page.all(tag)) == len(twin.all(tag)) + more, (name, tag)
        assert fingerprints(page) <= fingerprints(twin), name
        for data in page.data:
            assert not set("<>&") & set(data), name
            json.loads(data)
        assert [found.get("http-equiv") for found in page.all("meta") if "http-equiv" in found] == []


def fingerprints(page: Parsed) -> set[str]:
    return {hashlib.sha256(script.encode()).hexdigest() for script in page.scripts}


def test_text_comes_out_as_it_went_in(shown: dict[str, Parsed]) -> None:
    for where, fields in {**OURS, **OTHERS}.items():
        page = shown[f"{where}index.html"]
        for value in texts(fields):
            if MARK in value or value in (TITLE, SUMMARY):
                assert value in page.text, (where, value)
    assert DATASET["name"] in shown["papers/hostile-paper/index.html"].text
    assert RECORD["comment"] in shown["papers/hostile-record/index.html"].text
    assert ", ".join(RECORD["authors"]) in shown["papers/hostile-record/index.html"].text


def test_heads_hold_the_values_and_nothing_else(shown: dict[str, Parsed]) -> None:
    for where, fields in {**OURS, **OTHERS}.items():
        page = shown[f"{where}index.html"]
        assert (fields.get("title") or fields["name"]) in page.inside("title")
        named = " 1 entry of the catalogue names it." if fields is MODEL else ""
        assert page.meta("description") == [f"{SUMMARY}{named}"]
        assert page.inside("h1").strip() == (fields.get("title") or fields["name"])
    page = shown["papers/hostile-paper/index.html"]
    (described,) = map(json.loads, page.data)
    assert (described["headline"], described["description"]) == (TITLE, SUMMARY)
    assert page.meta("citation_title") == [TITLE]
    assert page.meta("citation_author") == PAPER["authors"]
    assert page.meta("citation_doi") == [PAPER["doi"]]
    assert shown["papers/hostile-record/index.html"].meta("citation_author") == RECORD["authors"]


def test_addresses_are_what_was_written(shown: dict[str, Parsed]) -> None:
    for where, fields in {**OURS, **OTHERS}.items():
        links = {link.get("href") for link in shown[f"{where}index.html"].all("a")}
        for key in ("url", "repo", "code", "project", "weights", "paper"):
            if key in fields:
                assert escape.url(fields[key]) in links, (where, key)
        assert {escape.url(address) for address in fields.get("sources", ())} <= links, where
    assert escape.url(ADDRESS) == ADDRESS.replace("[", "%5B").replace("]", "%5D")


def test_a_row_stays_a_row(hostile: Built, shown: dict[str, Parsed]) -> None:
    page = shown["papers/hostile-paper/index.html"]
    assert len(page.all("tr")) == 3, "head, unchanged model, configuration"
    assert len(shown["models/hostile-model/index.html"].all("tr")) == 4, "head and row of sizes, and of papers"
    listed = {
        "families/pruning/index.html": sum(
            filed.entry.family == "pruning" or "pruning" in filed.entry.combines
            for filed in hostile.catalogue.papers.values()
        )
    }
    for name, most in listed.items():
        rows = [
            link for link in shown[name].all("a") if re.fullmatch(r"(\.\./)*papers/hostile-\w+/", link.get("href", ""))
        ]
        assert 0 < len(rows) <= most


# Search


def test_the_search_index_holds_what_entries_say(hostile: Built) -> None:
    document = json.loads((hostile.site / "search/index.json").read_text("utf-8"))
    slugs = json.loads((hostile.site / "browse/entries.json").read_text("utf-8"))["slugs"]
    found = {f"papers/{slug}/": names for slug, names in zip(slugs, document["names"], strict=True)}
    for where, fields in OURS.items():
        for alias in fields.get("aliases", ()) if where.startswith("papers/") else ():
            assert " ".join(alias.split()) in " ".join(found[where].split())


@pytest.fixture(scope="session")
def hostile_server(hostile: Built) -> Iterator[Server]:
    with serving(hostile.site, hostile.knowledge.config.site_url) as running:
        yield running


@pytest.mark.browser
def test_what_the_search_finds_is_shown_as_text(chromium: Browser, hostile_server: Server) -> None:
    with open_pages(chromium, hostile_server) as open_one:
        page = open_one("")
        page.keyboard.press("/")
        for words in ("arXiv names", "alert", "passwd", "HYPERLINK", "2305.99999"):
            page.get_by_role("textbox", name="Search").fill("")
            expect(page.locator(".md-search-result__link")).to_have_count(0)
            page.keyboard.type(words)
            found = page.locator(".md-search-result__link[href*='/hostile-']").first
            found.wait_for()
            assert "<script>alert(1)</script>" in found.inner_text()
            assert page.locator(".md-search-result__list :is(script, img, svg[onload])").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize(
    "where", [*OURS, *OTHERS, "", "papers/", "families/pruning/", "architectures/unet/", "tools/", "models/"]
)
def test_no_page_runs_what_an_entry_says(chromium: Browser, hostile_server: Server, where: str) -> None:
    with open_pages(chromium, hostile_server) as open_one:
        assert_quiet(open_one(where), open_one)


def assert_quiet(page: Page, open_one: Callable[..., Page]) -> None:
    page.wait_for_load_state("networkidle")
    for element in page.locator(".md-content [title]").all()[:3]:
        element.hover(force=True)


# Files for programs


def test_entries_json_holds_exactly_the_values(hostile: Built) -> None:
    document = json.loads((hostile.site / "data/entries.json").read_text("utf-8"))
    for name, fields in ENTRIES.items():
        kind, slug = name.split("/")[0], name.split("/")[-1]
        found = next(one for one in document[kind] if one["slug"] == slug)
        for key, value in fields.items():
            assert found[key] == value, (name, key)
    (dataset,) = [one for one in document["datasets"] if one["slug"] == "hostile-dataset"]
    assert dataset == {"slug": "hostile-dataset", **DATASET}
    record = next(one for one in document["papers"] if one["slug"] == "hostile-record")
    assert record["authors"] == RECORD["authors"]


def test_entries_csv_reads_back_and_starts_no_formula(hostile: Built) -> None:
    raw = (hostile.site / "data/entries.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(raw, newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 1 + len(hostile.entries)
    assert not [cell for row in rows for cell in row if FORMULA.match(cell)]
    read = {
        row[1]: dict(zip(CSV_COLUMNS, map(escape.csv_value, row), strict=True))
        for row in rows[1:]
        if "hostile" in row[1]
    }
    paper = read["hostile-paper"]
    for key in ("title", "short", "venue", "family", "criterion", "summary", "url", "code", "date"):
        assert paper[key] == PAPER[key], key
    for key in ("authors", "sparsity", "granularity", "models", "topics"):
        assert paper[key] == "; ".join(PAPER[key]), key
    assert paper["architectures"] == MODEL["architecture"]
    assert read["hostile-model"]["title"] == MODEL["name"]
    assert read["hostile-model"]["authors"] == MODEL["developer"]
    assert read["hostile-tool"]["title"] == TOOL["name"]
    assert read["hostile-tool"]["authors"] == "; ".join(TOOL["authors"])
    assert read["hostile-article"]["title"] == ARTICLE["title"]
    assert read["hostile-record"]["authors"] == "; ".join(RECORD["authors"])


def test_references_bib_has_one_entry_a_paper_with_its_text(hostile: Built) -> None:
    text = (hostile.site / "data/references.bib").read_text("utf-8")
    raw = parse_string(text)
    assert not raw.failed_blocks
    assert [entry.key for entry in raw.entries] == list(hostile.catalogue.papers)
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    paper = library.entries_dict["hostile-paper"].fields_dict
    assert set_by_tex(paper["title"].value) == TITLE
    assert set_by_tex(paper["booktitle"].value) == f"{PAPER['workshop']}, NeurIPS"
    assert paper["doi"].value == PAPER["doi"]
    assert [unbraced(name) for name in names(raw.entries_dict["hostile-paper"].fields_dict["author"].value)] == [
        escape.bibtex(name) for name in PAPER["authors"]
    ]
    assert set_by_tex(library.entries_dict["hostile-record"].fields_dict["title"].value) == PAPER_WITH_RECORD["title"]


def set_by_tex(value: str) -> str:
    """The text that LaTeX sets; a circumflex that stands alone and two hyphens come back as their look-alikes."""
    return unbraced(value).replace("\u02c6", "^").replace("\u2013", "--")


def unbraced(value: str) -> str:
    """A value without the braces around it that keep its case or make it one name."""
    return value[1:-1] if value.startswith("{") and value.endswith("}") else value


def names(value: str) -> list[str]:
    """The names of a BibTeX list: *and* inside braces does not part them."""
    depth, found, start = 0, [], 0
    for index, character in enumerate(value):
        depth += (character == "{") - (character == "}")
        if depth == 0 and value.startswith(" and ", index):
            found.append(value[start:index])
            start = index + len(" and ")
    return [*found, value[start:]]


def test_the_readme_shows_text_and_only_known_links(hostile: Built) -> None:
    readme = committed_files(hostile.catalogue, hostile.root)["README.md"].decode()
    tokens = list(flat(MarkdownIt("commonmark").enable("table").parse(readme)))
    assert not [token.content for token in tokens if token.type in ("html_inline", "html_block")]
    assert [token.attrs["src"] for token in tokens if token.type == "image"] == ["https://awesome.re/badge.svg"]
    assert not [token for token in tokens if token.type == "code_inline" and MARK in token.content]
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrs["href"])
            assert urlsplit(address).scheme in SCHEMES, address
            assert not address.startswith("//")
        if token.type == "text":
            # What GitHub links, mentions or draws without markup.
            assert not re.search(r"(?i)\b(https?|ftp)://|\bwww\.|\w@\w|(^|\W)@\w|:[\w+-]+:", token.content), (
                token.content
            )
    shown = plain(tokens)
    for fields in (PAPER, PAPER_WITH_RECORD, TOOL, ARTICLE):
        assert f"{fields.get('title') or fields['name']} - {fields['summary']}" in shown


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def plain(tokens: list[Token]) -> str:
    """Text as a reader sees it, without the zero-width spaces that break up automatic links."""
    kept = ("text", "code_inline", "softbreak", "text_special")
    return "".join(token.content for token in tokens if token.type in kept).replace("\u200b", "")

"""One understanding of words: the header's search and Browse find what readers type, and show it as text."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from generator.entries.model import Taxonomy, Term
from generator.pages.search import INDEX, Concepts, Prose, search_index
from tests.site.conftest import Built, Server

Open = Callable[..., Page]
Ask = Callable[..., list[dict[str, Any]]]
QUERIES = Path(__file__).parent / "queries.tsv"
INDEX_BUDGET = 140
"""Bytes of the compressed index for each entry; it is loaded when the box is first used."""
HOSTILE = "<img src=x onerror=alert(1)>\"'</li><script>alert(2)</script>"
ASK = """async ([queries, more]) => {
  const { Index } = await import("../assets/browse-index.js");
  const { best } = await import("../assets/search-index.js");
  const get = async (name) => (await fetch(`../${name}.json`)).json();
  const files = ["browse/entries", "search/index", "browse/summaries"];
  const [entries, names, summaries] = await Promise.all(files.map(get));
  const index = new Index(entries);
  names.texts[0] += more;
  index.addNames(names);
  index.addSummaries(summaries);
  index.prepare();
  const places = entries.slugs.map((slug, id) => `${index.held("kind", id)[0]}s/${slug}/`).concat(names.locations);
  return queries.map((q) => {
    const browse = index.query({ q, facets: new Map(), year: ["", ""], sort: "" }).ids.map((id) => places[id]);
    const found = index.texts.find(q);
    const { ids, most } = best(found, 0, places.length, names.weights);
    ids.sort((a, b) => found.scores[b] - found.scores[a]);
    return { browse, header: ids.map((id) => places[id]), most, asked: found.asked };
  });
}"""


@pytest.fixture
def ask(open_page: Open) -> Ask:
    """Asks the module of words for both searches: addresses of pages, best first; a page may hold more text."""
    page = open_page("decisions/")

    def answers(queries: list[str], more: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = page.evaluate(ASK, [queries, more])
        return found

    return answers


def slug(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


# What is found


@pytest.mark.browser
def test_what_readers_type_is_among_the_first_five(ask: Ask) -> None:
    lines = [line.split("\t") for line in QUERIES.read_text("utf-8").splitlines() if not line.startswith("#")]
    lost = []
    for (query, right, _), answer in zip(lines, ask([line[0] for line in lines]), strict=True):
        for search in ("browse", "header"):
            first = [slug(address) for address in answer[search][:5]]
            if not set(first) & set(right.split()):
                lost.append((search, query, first))
    assert not lost, lost


@pytest.mark.browser
def test_what_readers_type_is_found_on_the_pages(open_page: Open) -> None:
    header, browse = open_page("decisions/"), open_page("browse/")
    header.keyboard.press("/")
    for query, address in (("arXiv:2305.10924v2", "papers/diff-pruning/"), ("bksdm", "papers/bk-sdm/")):
        header.get_by_role("textbox", name="Search").fill(query)
        expect(header.locator(".md-search-result__link").first).to_have_attribute("href", f"{home(header)}{address}")
        browse.locator("input[name=text]").fill(query)
        expect(browse.locator(".browse-rows tbody th a").first).to_have_attribute("href", f"../{address}")


def home(page: Page) -> str:
    found: str = page.evaluate("new URL('..', location.href).href")
    return found


@pytest.mark.browser
@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("https://arxiv.org/pdf/2305.10924v3.pdf#page=2", "papers/diff-pruning/"),
        ("10.48550/arXiv.2305.10924", "papers/diff-pruning/"),
        ("arXiv: 2305.10924 [cs.LG]", "papers/diff-pruning/"),
        ("2305.1092", "papers/diff-pruning/"),
        ("structural pruning for diffusion models", "papers/diff-pruning/"),
        ("pixart-alpha", "papers/pixart-alpha/"),
        ("PixArt-α", "papers/pixart-alpha/"),
        ("∆-DiT", "papers/delta-dit/"),
        ("C++", "tools/stable-diffusion-cpp/"),
        ("N:M", "sparsity/semi-structured/"),
        ("U-Net", "architectures/unet/"),
        ("unet", "architectures/unet/"),
        ("sdxl", "models/sdxl/"),
        ("Stable Diffusion XL", "models/sdxl/"),
        ("caching", "families/caching/"),
        ("retraining-free", "papers/"),
    ],
)
def test_names_and_terms_in_every_spelling(ask: Ask, query: str, address: str) -> None:
    (answer,) = ask([query])
    assert answer["most"] == answer["asked"]
    assert [found for found in answer["header"][:5] if found.startswith(address)], answer["header"][:8]


@pytest.mark.browser
def test_one_word_in_several_forms_finds_the_same(ask: Ask) -> None:
    for group in (
        ["prune unet", "pruning u-net", "pruned UNets", "U-Net prunes"],
        ["training-free caching", "training free cache"],
        ["video 2:4", "videos N:M"],
        ["quantisation transformer", "quantization transformers"],
    ):
        answers = ask(group)
        assert answers[0]["browse"]
        for query, answer in zip(group, answers, strict=True):
            assert set(answer["browse"]) == set(answers[0]["browse"]), query
    # A synonym of the term, which is not in the words of every text.
    written, synonym = (set(answer["browse"]) for answer in ask(["training-free caching", "retraining-free caches"]))
    assert len(synonym) > 0.9 * len(written)
    assert synonym <= written


@pytest.mark.browser
def test_what_one_page_writes_together_hides_no_other(ask: Ask) -> None:
    queries = ["U-Net prunes", "unet pruning json", "text image", "video 2:4", "DiT-XL/2"]
    more = " unet/pruning.json methods/unet/pruning.py unet-pruning text/image"
    for before, after in zip(ask(queries), ask(queries, more), strict=True):
        assert after["browse"]
        assert set(after["browse"]) == set(before["browse"])
        assert len(set(after["header"]) ^ set(before["header"])) <= 1  # the page itself


@pytest.mark.browser
def test_papers_are_found_by_what_they_hold(ask: Ask, built: Built) -> None:
    concepts = built.catalogue
    asked: list[tuple[str, str]] = []
    for name, filed in list(concepts.papers.items())[::7]:
        paper, record = filed.entry, filed.record
        asked += [(one, name) for one in (paper.short, paper.title, paper.arxiv, paper.doi, paper.venue) if one]
        asked += [(author, name) for author in (record.authors if record else paper.authors)[:2]]
        asked += [(alias, name) for alias in paper.aliases]
        asked += [(concepts.models[model].entry.name, name) for model in paper.models]
        asked += [(concepts.datasets[one].name, name) for result in paper.results for one in result.dataset]
        asked += [(concepts.taxonomy.topics[topic].name, name) for topic in paper.topics]
        asked.append((concepts.taxonomy.families[paper.family].name, name))
    asked = list(dict.fromkeys(asked))
    answers = ask([query for query, _ in asked])
    lost = [
        (query, name)
        for (query, name), answer in zip(asked, answers, strict=True)
        if f"papers/{name}/" not in answer["browse"]
    ]
    assert not lost, lost[:20]


@pytest.mark.browser
def test_where_no_entry_has_all_words_those_with_most_are_shown(open_page: Open) -> None:
    page = open_page("browse/?text=knowledge+zzzzzz+distillation")
    expect(page.locator(".browse-status")).to_contain_text("No entry contains all 3 words; these contain 2.")
    expect(page.locator(".browse-rows tbody tr").first).to_be_visible()
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Search").fill("zzzzzz flux")
    expect(page.locator(".md-search-result__meta")).to_contain_text("No page contains all 2 words; these contain 1.")
    page.get_by_role("textbox", name="Search").fill("zzzzzz")
    expect(page.locator(".md-search-result__meta")).to_have_text("Nothing found")


# Words


@pytest.mark.browser
def test_words_are_folded_cut_and_stemmed(open_page: Open) -> None:
    page = open_page("decisions/")
    found = page.evaluate(
        """async () => {
        const { fold, pieces, readQuery, stem } = await import("../assets/search-words.js");
        const cut = (text) => pieces(fold(text)).map(({ raw }) => raw);
        return {
          fold: ["Lefèvre", "Eﬃcient U‑Net", "Łukasz Ørsted", "Δ-DiT", "∆-DiT", "μP", "İstanbul", "Straße"].map(fold),
          cut: ["N:M (2:4)", "C++, C# and c", "SD3.5-Large", "Wan2.1", "v1.5", "int8", "2305.10924.",
            "DiT-XL/2", "16:9"].map(cut),
          ids: ["arXiv:2510.06751", "https://doi.org/10.1007/978-3_9.", "hep-th/9901001",
            "Title 2301.00001v2"].map(readQuery),
          stems: [["prune", "prunes", "pruned", "pruning"], ["cache", "caches", "cached", "caching"],
            ["quantize", "quantized", "quantization", "quantisation"], ["skip", "skips", "skipped", "skipping"],
            ["model", "models", "modelling"], ["distill", "distilled", "distillation"], ["sparse", "sparsity"],
            ["accelerate", "accelerated", "acceleration"], ["layer", "layers"],
            ["study", "studies"]].map((group) => group.map(stem)),
        };
        }"""
    )
    assert found["fold"] == [
        "lefevre",
        "efficient u-net",
        "lukasz orsted",
        "delta-dit",
        "delta-dit",
        "mup",
        "istanbul",
        "strasse",
    ]
    assert found["cut"] == [
        ["n:m", "2:4"],
        ["c++", "c#", "and", "c"],
        ["sd", "3.5", "large"],
        ["wan", "2.1"],
        ["1.5"],
        ["int", "8"],
        ["2305.10924"],
        ["dit", "xl", "2"],
        ["16:9"],
    ]
    assert [one["ids"] for one in found["ids"]] == [
        ["2510.06751"],
        ["10.1007/978-3_9"],
        ["hep-th/9901001"],
        ["2301.00001"],
    ]
    for group in found["stems"]:
        assert len(set(group)) == 1, group


# The file


def test_the_index_is_small_and_belongs_to_the_entries(built: Built) -> None:
    raw = (built.site / INDEX).read_bytes()
    assert len(gzip.compress(raw, 6)) <= INDEX_BUDGET * len(
        json.loads((built.site / "browse/entries.json").read_bytes())["slugs"]
    )
    document = json.loads(raw)
    entries = json.loads((built.site / "browse/entries.json").read_bytes())
    assert document["stamp"] == entries["stamp"]
    for column in ("names", "authors", "has", "also"):
        assert len(document[column]) == len(entries["slugs"]), column
    for column in ("locations", "titles", "texts", "about", "belongs"):
        assert len(document[column]) == len(document["weights"]) - len(entries["slugs"]), column
    pages = {location.partition("#")[0].partition("?")[0] for location in document["locations"]}
    assert {f"{page}index.html" for page in pages} <= set(built.pages)
    assert {f"models/{slug}/" for slug in built.catalogue.models} <= pages
    assert {"", "families/pruning/", "methods/wanda/", "kernels/csr_spmm/", "results/"} <= pages


def test_no_file_of_the_theme_s_search_is_published(built: Built) -> None:
    assert [file.name for file in (built.site / "search").iterdir()] == ["index.json"]
    assert not (built.site / "assets/javascripts/workers").exists()


def test_a_line_that_is_part_of_itself_ends(built: Built) -> None:
    names = list(built.catalogue.models)[:2]
    models = dict(built.catalogue.models)
    for one, other in (names, names[::-1]):
        filed = models[one]
        models[one] = type(filed)(one, filed.path, filed.entry.model_copy(update={"part_of": other}))
    site = type(built.knowledge)(
        type(built.catalogue)(**{**fields(built.catalogue), "models": models}), built.knowledge.config, ""
    )
    assert len(Concepts(site).models(names[:1])) == 2


def fields(catalogue: object) -> dict[str, Any]:
    return {name: getattr(catalogue, name) for name in catalogue.__slots__}  # type: ignore[attr-defined]  # a dataclass with slots, typed as any object


def test_prose_is_plain_text_in_the_index(built: Built) -> None:
    raw = search_index(built.knowledge, [Prose("x/#y", "A &amp; B", "<p>one <b>two</b></p> &lt;3")], [])
    document = json.loads(raw)
    assert (document["titles"][-1], document["texts"][-1]) == ("A & B", "one two <3")


def test_a_term_may_have_synonyms(taxonomy: Taxonomy) -> None:
    for vocabulary in ("families", "sparsity", "training", "topics"):
        for word, term in taxonomy.vocabulary(vocabulary).items():
            names = [name.casefold() for name in (term.name, word, *term.synonyms)]
            assert term.name.casefold() == word or len(set(names)) == len(names), (vocabulary, word)
    assert Term(name="A", text="B.").synonyms == ()


# The box


@pytest.mark.browser
def test_nothing_of_the_search_is_loaded_before_the_box_is_used(open_page: Open, server: Server) -> None:
    server.sent.clear()
    page = open_page("decisions/")
    page.wait_for_load_state("networkidle")
    assert not [path for path in server.sent if "search" in path or path.endswith(".json")], server.sent
    page.get_by_role("textbox", name="Search").focus()
    page.keyboard.type("flux")
    page.locator(".md-search-result__link").first.wait_for()
    assert any(path.endswith(INDEX) for path in server.sent)


@pytest.mark.browser
def test_the_keyboard_walks_through_the_results(open_page: Open) -> None:
    page = open_page("decisions/")
    page.keyboard.press("/")
    page.keyboard.type("diff-pruning")
    links = page.locator(".md-search-result__link")
    expect(links.first).to_contain_text("Diff-Pruning")
    page.wait_for_load_state("networkidle")  # the summaries, with which the results are shown again
    page.keyboard.press("ArrowDown")
    expect(links.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/diff-pruning/")


@pytest.mark.browser
def test_the_results_lead_to_browse(open_page: Open) -> None:
    page = open_page("decisions/")
    page.keyboard.press("/")
    page.keyboard.type("prune flux")
    page.locator(".md-search-result__link", has_text="in Browse").click()
    page.wait_for_url("**/browse/?text=prune%20flux")
    expect(page.locator(".browse-rows mark").first).to_be_visible()


@pytest.mark.browser
def test_without_javascript_there_is_no_box(open_page: Open) -> None:
    expect(open_page("decisions/", java_script_enabled=False).locator(".md-search")).to_be_hidden()


@pytest.mark.browser
def test_a_lost_file_is_said_in_the_box(open_page: Open) -> None:
    page = open_page("decisions/")
    page.route("**/search/index.json", lambda route: route.fulfill(json={"version": 0}))
    page.keyboard.press("/")
    expect(page.locator(".md-search-result__meta")).to_contain_text("could not be loaded")


@pytest.mark.browser
def test_hostile_text_stays_text_in_the_box(open_page: Open) -> None:
    page = open_page("decisions/")

    def hostile(route: Route) -> None:
        document = route.fetch().json()
        for column in ("titles", "texts", "locations", "shorts", "authors", "slugs"):
            if column in document:
                document[column] = [HOSTILE] * len(document[column])
        route.fulfill(json=document)

    page.route("**/browse/entries.json", hostile)
    page.route("**/search/index.json", hostile)
    page.keyboard.press("/")
    page.keyboard.type("onerror")
    expect(page.locator(".md-search-result__link").first).to_contain_text(HOSTILE)
    assert page.locator(".md-search-result__list :is(img, script)").count() == 0

"""README.md is the list itself: fresh, of a size that the code host shows, with links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from generator import escape
from generator.assemble.build import load_site
from generator.assemble.committed import committed_files
from generator.entries.model import Catalogue
from generator.outputs import readme
from generator.site_config import load_config

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
LARGEST = 400_000
"""GitHub cuts a README off at 500 KiB."""
HOSTILE = (
    "**bold** _it_ `code` ~~gone~~ $x_1$ $$y$$",
    "[x](javascript:alert(1)) ![i](https://evil.example/i.png) [r][r] [^1]",
    "<script>alert(1)</script> <b>b</b> <!-- c --> <https://evil.example>",
    "&lt;b&gt; &amp; &#60; \\* \\",
    "a | b | c",
    "# h",
    "> q",
    "1. one",
    "- two",
    "    code",
    "Prune *only* what_you_need #1 @someone :tada: www.evil.example https://evil.example a@b.example",
    "[ ] task [x]",
    "](x) [y](z",
)


@pytest.fixture(scope="module")
def tokens(shipped: Catalogue) -> list[Token]:
    """Of the list as it is rendered now: a pull request for an entry leaves the committed one alone."""
    return list(flat(parsed(committed_files(shipped, ROOT)["README.md"].decode())))


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def shown(tokens: list[Token]) -> str:
    """Text as a reader sees it, without the zero-width spaces that break up automatic links."""
    kept = ("text", "code_inline", "softbreak", "text_special")
    return "".join(token.content for token in tokens if token.type in kept).replace("\u200b", "")


def headings(tokens: list[Token]) -> list[str]:
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def addresses(tokens: list[Token]) -> list[str]:
    return [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]


@pytest.mark.nightly  # a pull request need not render it: a workflow does so on main
def test_it_is_fresh(shipped: Catalogue) -> None:
    assert README.read_bytes() == committed_files(shipped, ROOT)["README.md"], "make refresh"


def test_the_environment_does_not_reach_it(shipped: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    before = committed_files(shipped, ROOT)["README.md"]
    monkeypatch.setenv("SITE_URL", "https://fork.example/")
    monkeypatch.setenv("REPO_URL", "https://fork.example/code")
    assert committed_files(shipped, ROOT)["README.md"] == before


def test_its_size_is_shown_whole() -> None:
    assert README.stat().st_size < LARGEST


def test_every_relative_link_exists(tokens: list[Token]) -> None:
    relative = [address for address in addresses(tokens) if not re.match(r"[a-z]+:|#", address)]
    assert [address for address in relative if not (ROOT / address.partition("#")[0]).exists()] == []


def test_every_link_of_the_contents_has_its_heading(tokens: list[Token]) -> None:
    anchors = [anchor(re.sub(r"[\[\]]|\(.*?\)|!", "", heading)) for heading in headings(tokens)]
    inside = [address.removeprefix("#") for address in addresses(tokens) if address.startswith("#")]
    assert inside
    assert sorted(set(inside) - set(anchors)) == []
    assert [one for one in set(inside) if anchors.count(one) > 1] == []


def test_every_link_to_the_site_has_its_page(tokens: list[Token]) -> None:
    home = load_config(ROOT, {}).site_url
    wanted = {address.removeprefix(home).partition("#")[0] for address in addresses(tokens) if address.startswith(home)}
    assert wanted
    for where in wanted:
        page = ROOT / "docs" / where.rstrip("/")
        assert page.with_suffix(".md").is_file() or (page / "index.md").is_file(), where


def test_all_papers_on_pruning_all_tools_and_all_articles_are_listed(shipped: Catalogue, tokens: list[Token]) -> None:
    text = shown(tokens)
    for filed in shipped.papers.values():
        if filed.entry.family in readme.PAPER_FAMILIES:
            assert f"{filed.entry.title} - {filed.entry.summary}" in text, filed.slug
    for tool in shipped.tools.values():
        assert f"{tool.entry.name} - {tool.entry.summary}" in text, tool.slug
    for article in shipped.articles.values():
        assert f"{article.entry.title} - {article.entry.summary}" in text, article.slug


def test_nothing_is_listed_twice(tokens: list[Token]) -> None:
    items = [token.content for token in tokens if token.type == "inline" and " - " in token.content]
    assert len(items) == len(set(items))


def test_it_holds_no_markup_but_its_own(tokens: list[Token]) -> None:
    assert [token.content for token in tokens if token.type.startswith("html")] == []
    assert [token.attrs["src"] for token in tokens if token.type == "image"] == ["https://awesome.re/badge.svg"]
    assert [address for address in addresses(tokens) if not re.match(r"https://|#|[\w.]", address)] == []


@pytest.mark.parametrize("value", HOSTILE)
def test_text_stays_text(value: str) -> None:
    found = list(flat(parsed(f"- {escape.markdown_link(value, 'https://example.org/(x)')} - {escape.markdown(value)}")))
    plain = " ".join(value.split())
    assert shown(found) == f"{plain} - {plain}"
    assert addresses(found) == ["https://example.org/%28x%29"]
    allowed = {"bullet_list", "list_item", "paragraph", "link"}
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in found}
    assert kinds <= allowed | {"inline", "text", "text_special"}
    for token in found:
        # What GitHub links, mentions or draws without any markup.
        assert not re.search(
            r"(?i)\b(https?|ftp)://|\bwww\.|@\w|:[\w+-]+:", token.content if token.type == "text" else ""
        )


def test_the_site_is_named_where_it_is_served(shipped: Catalogue) -> None:
    text = readme.render_readme(load_site(shipped, ROOT, {"SITE_URL": "https://fork.example/x"}))
    assert "(https://fork.example/x/families/quantization/)" in text
    assert load_config(ROOT, {}).site_url not in text

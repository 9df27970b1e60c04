"""BibTeX: the whole file, each family's and each paper's parse back to exactly the papers and their values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import SeparateCoAuthors
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import escape
from generator.entries.model import Filed, Paper
from generator.outputs.citations import bibtex, bibtex_file, csl_file, ris_file
from generator.pages.downloads import download_files, reference_files
from generator.views.site import Site, address_of, authors_of, date_of

ROOT = Path(__file__).parents[2]
ESCAPED = re.compile(r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\{\"\}|\\([{}%#$&_])")
WORDS = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", '{"}': '"'}
SPECIAL = st.sampled_from("\\{}%#$&_~^\"@,=' \n\tand")
TEXT = st.text(st.one_of(st.characters(codec="utf-8"), SPECIAL), min_size=1).filter(str.strip)
SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@pytest.fixture(params=["shipped_site", "hostile_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Site)
    return found


def plain(value: str) -> str:
    """The text of a BibTeX value."""
    return ESCAPED.sub(lambda found: found[1] or WORDS[found[0]], value)


def unbraced(value: str) -> str:
    assert value.startswith("{")
    assert value.endswith("}")
    return value[1:-1]


def expected_fields(filed: Filed[Paper]) -> dict[str, str]:
    """What a paper says, by the names of BibTeX, written down a second time."""
    paper, record = filed.entry, filed.record
    fields = {"title": escape.collapse(paper.title), "year": date_of(filed)[:4], "url": escape.url(address_of(filed))}
    if paper.venue:
        series, fields["year"] = paper.venue.rsplit(" ", 1)
        where = "journal" if series in ("TMLR", "JMLR", "TPAMI") else "booktitle"
        workshop = f"{escape.collapse(paper.workshop or 'Workshop')}, " if paper.track == "workshop" else ""
        fields[where] = workshop + series
    if paper.arxiv:
        fields |= {"eprint": paper.arxiv, "archiveprefix": "arXiv"}
        if record and record.primary_category:
            fields["primaryclass"] = record.primary_category
    if paper.doi:
        fields["doi"] = paper.doi
    return fields


def check_library(text: str, papers: Iterable[Filed[Paper]]) -> None:
    """The text parses to exactly these papers, with exactly their values."""
    papers = list(papers)
    library = parse_string(text, append_middleware=[SeparateCoAuthors()])
    assert library.failed_blocks == []
    assert (library.comments, library.strings, library.preambles) == ([], [], [])
    assert [entry.key for entry in library.entries] == [filed.slug for filed in papers]
    for entry, filed in zip(library.entries, papers, strict=True):
        read = {field.key: field.value for field in entry.fields}
        authors = [plain(unbraced(name) if name.startswith("{") else name) for name in read.pop("author", [])]
        assert authors == [escape.collapse(author) for author in authors_of(filed)], filed.slug
        read["title"] = unbraced(read["title"])
        url = read.pop("url")
        assert {"url": url, **{key: plain(value) for key, value in read.items()}} == expected_fields(filed), filed.slug


def test_the_whole_file_parses_to_the_papers(site: Site) -> None:
    check_library(download_files(site)["data/references.bib"].decode(), site.catalogue.papers.values())


def test_the_files_of_families_and_papers_are_parts_of_the_whole(site: Site) -> None:
    papers, files = site.catalogue.papers, dict(reference_files(site))
    for slug, filed in papers.items():
        own = f"papers/{slug}/{slug}"
        assert files.pop(f"{own}.bib").decode() == bibtex_file([filed])
        assert files.pop(f"{own}.ris").decode() == ris_file([filed])
        assert files.pop(f"{own}.csl.json").decode() == csl_file([filed])
    for family in site.catalogue.taxonomy.families:
        members = [filed for filed in papers.values() if filed.entry.family == family]
        assert files.pop(f"data/bib/{family}.bib").decode() == bibtex_file(members)
    assert files == {}


def test_the_files_of_hostile_papers_parse(hostile_site: Site) -> None:
    for slug in ("hostile-paper", "hostile-record"):
        raw = reference_files(hostile_site)[f"papers/{slug}/{slug}.bib"]
        check_library(raw.decode(), [hostile_site.catalogue.papers[slug]])


def test_no_paper_makes_an_empty_file() -> None:
    assert bibtex_file([]) == ""


def paper(title: str, authors: Iterable[str]) -> Filed[Paper]:
    entry = Paper(
        title=title,
        url="https://example.org/a{b}c,d%7D=}",
        authors=tuple(authors),
        date="2023",
        family="pruning",
        summary="Prunes.",
        checked="abstract",
        added="2026-11-22",
    )
    return Filed("x", "data/papers/2023/x.yaml", entry)


@SETTINGS
@given(title=TEXT, authors=st.lists(TEXT, min_size=1, max_size=3))
def test_any_text_parses_back(title: str, authors: list[str]) -> None:
    papers = [paper(title, authors), replace(paper(title, authors), slug="y")]
    check_library(bibtex_file(papers), papers)


@pytest.mark.parametrize(
    ("author", "written"),
    [
        ("Gongfan Fang", "Gongfan Fang"),
        ("Team A and B", "{Team A and B}"),
        ("Team A\nand\tB", "{Team A and B}"),
        ("Team A AND B", "{Team A AND B}"),
        ("Name, Odd", "{Name, Odd}"),
        ("others", "{others}"),
        ("Andy Sand", "Andy Sand"),
        ("\\input{x}", r"{\textbackslash{}input\{x\}}"),
    ],
)
def test_a_name_stays_one_name(author: str, written: str) -> None:
    assert f"= {{{written} and B}}," in bibtex(paper("T", [author, "B"]))

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
from generator.entries.names import name_of
from generator.entries.tex import text_of
from generator.outputs.citations import bibtex, bibtex_file, csl_file, ris_file
from generator.pages.downloads import download_files, reference_files
from generator.views.site import Site, address_of, authors_of, date_of

ROOT = Path(__file__).parents[2]
ESCAPED = re.compile(r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\{\"\}|\\([{}%#$&_])")
FORMULA = re.compile(r"(?<!\\)\$([^$]+)(?<!\\)\$")
WORDS = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", '{"}': '"'}
SPECIAL = st.sampled_from("\\{}%#$&_~^\"@,=' \n\tand")
TEXT = st.text(st.one_of(st.characters(codec="utf-8"), SPECIAL), min_size=1).filter(str.strip)
SETTINGS = settings(max_examples=150, derandomize=True, database=None)


@pytest.fixture(params=["shipped_site", "hostile_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Site)
    return found


def plain(value: str) -> str:
    """The text of a BibTeX value."""
    value = FORMULA.sub(lambda found: text_of(found[0]), value)
    return ESCAPED.sub(lambda found: found[1] or WORDS[found[0]], value)


def unbraced(value: str) -> str:
    assert value.startswith("{")
    assert value.endswith("}")
    return value[1:-1]


def as_written(author: str) -> str:
    """A name with a suffix is written in the order that BibTeX wants."""
    parts = name_of(author)
    return f"{parts.family}, {parts.suffix}, {parts.given}" if parts.suffix and "," not in author else author


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
        fields["doi"] = escape.bibtex_verbatim(paper.doi)
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
        assert authors == [as_written(escape.collapse(author)) for author in authors_of(filed)], filed.slug
        read["title"] = unbraced(read["title"])
        verbatim = {key: read.pop(key) for key in ("url", "doi") if key in read}
        said = verbatim | {key: plain(value) for key, value in read.items()}
        assert said == expected_fields(filed), filed.slug


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
        ("The ATLAS Collaboration", "{The ATLAS Collaboration}"),
        ("Team Wan", "{Team Wan}"),
        ("Stability AI", "{Stability AI}"),
        ("Xin Ai", "Xin Ai"),
        ("NVIDIA", "NVIDIA"),
        ("NVIDIA:", "NVIDIA"),
        ("Laurens van der Maaten", "Laurens van der Maaten"),
        ("Miles O'Brien", "Miles O'Brien"),
        ("Robert Downey Jr.", "Downey, Jr., Robert"),
        ("Ludwig van der Berg III", "van der Berg, III, Ludwig"),
        ("Martin Luther King, Jr.", "{Martin Luther King, Jr.}"),
        (r"Paul Erd\H{o}s", "Paul Erdős"),
        ("Andy Sand", "Andy Sand"),
        ("\\input{x}", r"{\textbackslash{}input\{x\}}"),
    ],
)
def test_a_name_stays_one_name(author: str, written: str) -> None:
    assert f"= {{{written} and B}}," in bibtex(paper("T", [author, "B"]))


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("D³ToM", "D$^{3}$ToM"),
        ("D$^{3}$ToM", "D$^{3}$ToM"),
        ("PixArt-α, Δ-DiT", r"PixArt-$\alpha$, $\Delta$-DiT"),
        ("π₀ for x₋₁", r"$\pi_{0}$ for x$_{-1}$"),
        ("2×4 ≤ ∞", r"2$\times$4 $\leq$ $\infty$"),
        ("Möbius, Łukasz & 50%", r"Möbius, Łukasz \& 50\%"),
        ("From $0.01 to $5", r"From \$0.01 to \$5"),
    ],
)
def test_a_title_prints_right(title: str, written: str) -> None:
    assert f"{{{{{written}}}}}" in bibtex(paper(title, ["A B"]))


def test_fields_that_are_read_as_they_stand_are_not_escaped() -> None:
    entry = paper("T", ["A B"]).entry.model_copy(update={"doi": "10.1007/978-3-031-72751-1_9", "url": None})
    text = bibtex(Filed("x", "data/papers/2023/x.yaml", entry))
    assert "doi    = {10.1007/978-3-031-72751-1_9}," in text
    assert "url    = {https://doi.org/10.1007/978-3-031-72751-1_9}," in text


def test_a_colon_is_no_author() -> None:
    text = bibtex(paper("T", ["NVIDIA", ":", "Niket Agarwal", "Arslan Ali"]))
    assert "author = {NVIDIA and Niket Agarwal and Arslan Ali}," in text

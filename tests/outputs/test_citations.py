"""RIS, CSL-JSON and schema.org: read back by libraries that nobody here wrote, to exactly the values of the papers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from rdflib import Graph
from rdflib.namespace import RDF, SDO

from generator import escape
from generator.entries.model import ArxivRecord, Filed, Paper
from generator.entries.names import Name, name_of, names_in
from generator.outputs.citations import article_json_ld, csl, csl_file, ris, ris_file
from generator.views.site import Site, address_of, authors_of, date_of


@pytest.fixture(params=["shipped_site", "hostile_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Site)
    return found


def paper(*authors: str, published: str | None = None, **fields: Any) -> Filed[Paper]:
    given = {
        "title": "Prune Well",
        "family": "pruning",
        "summary": "Prunes.",
        "checked": "abstract",
        "added": "2026-11-22",
        "arxiv": "2305.10924",
        **fields,
    }
    record = ArxivRecord(
        id="2305.10924",
        title="Prune Well",
        authors=authors,
        published=published,
        source="mirror",
        fetched_at="2026-11-22",
    )
    return Filed("prune-well", "data/papers/2023/prune-well.yaml", Paper.model_validate(given), record)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Gongfan Fang", Name("Fang", "Gongfan")),
        ("Laurens van der Maaten", Name("van der Maaten", "Laurens")),
        ("Robert Downey Jr.", Name("Downey", "Robert", "Jr.")),
        ("King, Martin", Name("King", "Martin")),
        ("NVIDIA", Name("NVIDIA")),
        ("The ATLAS Collaboration", Name("The ATLAS Collaboration")),
        ("Team Wan", Name("Team Wan")),
        ("Google DeepMind", Name("Google DeepMind")),
        ("Stability AI", Name("Stability AI")),
        ("Xin Ai", Name("Ai", "Xin")),
        ("The Van Tran", Name("Tran", "The Van")),
        ("Jean d’Alembert", Name("d’Alembert", "Jean")),
        ("Ludwig van der Berg III", Name("van der Berg", "Ludwig", "III")),
        ("Martin Luther King, Jr.", Name("King", "Martin Luther", "Jr.")),
        ("Ngoc Le", Name("Le", "Ngoc")),
        ("Van Nguyen", Name("Nguyen", "Van")),
        ("A  B\nC", Name("C", "A B")),
    ],
)
def test_names_are_taken_apart_as_people_do(author: str, name: Name) -> None:
    assert name_of(author) == name


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (["NVIDIA", ":", "Niket Agarwal"], ("NVIDIA", "Niket Agarwal")),
        (["Team Wan:", "Ang Wang", "–"], ("Team Wan", "Ang Wang")),
        ([r"Paul Erd\H{o}s", r"\L{}ukasz B"], ("Paul Erdős", "Łukasz B")),
    ],
)
def test_what_is_no_name_is_left_out(said: list[str], names: tuple[str, ...]) -> None:
    assert names_in(said) == names
    assert authors_of(paper(*said)) == names


def test_bodies_are_literals() -> None:
    assert csl(paper("The ATLAS Collaboration", ":", "Ang Wang"))["author"] == [
        {"literal": "The ATLAS Collaboration"},
        {"family": "Wang", "given": "Ang"},
    ]


def test_the_whole_ris_file_reads_back(site: Site) -> None:
    papers = list(site.catalogue.papers.values())
    read = rispy.loads(ris_file(papers))
    assert [record["id"] for record in read] == [filed.slug for filed in papers]
    for record, filed in zip(read, papers, strict=True):
        assert record["title"] == escape.collapse(filed.entry.title)
        assert record.get("authors", []) == [escape.collapse(name_of(author).sorted) for author in authors_of(filed)]
        assert record["urls"] == [escape.url(address_of(filed)).replace(";", "%3B")]
        assert record.get("doi") == filed.entry.doi
        assert record["type_of_reference"] in {"UNPB", "JOUR", "CPAPER"}


def test_the_whole_csl_file_reads_back(site: Site) -> None:
    papers = list(site.catalogue.papers.values())
    items = json.loads(csl_file(papers))
    assert [item["id"] for item in items] == [filed.slug for filed in papers]
    sources = CiteProcJSON(items)
    for filed in papers:
        read = sources[filed.slug]
        assert str(read["title"]) == filed.entry.title
        assert read["issued"].year == csl(filed)["issued"]["date-parts"][0][0]
        assert len(read.get("author", ())) == len(authors_of(filed))


def test_a_bibliography_is_set_from_it() -> None:
    filed = paper("Gongfan Fang", "Laurens van der Maaten", "NVIDIA", venue="NeurIPS 2023")
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON([csl(filed)]), formatter.plain)
    bibliography.register(Citation([CitationItem("prune-well")]))
    (line,) = map(str, bibliography.bibliography())
    assert line.startswith("Fang, G., van der Maaten, L. and NVIDIA (2023) “Prune Well”, NeurIPS.")


@pytest.mark.parametrize(
    ("fields", "ris_lines", "csl_fields"),
    [
        ({}, {"TY  - UNPB", "PY  - 2023", "DA  - 2023/05//", "AN  - arXiv:2305.10924"}, {"type": "article"}),
        (
            {"venue": "ICLR 2026", "doi": "10.1007/978-3_9"},
            {"TY  - CPAPER", "PY  - 2026", "T2  - ICLR", "DO  - 10.1007/978-3_9"},
            {"type": "paper-conference", "container-title": "ICLR", "issued": {"date-parts": [[2026]]}},
        ),
        (
            {"venue": "TMLR 2023"},
            {"TY  - JOUR", "T2  - TMLR", "DA  - 2023/05//"},
            {"type": "article-journal", "container-title": "TMLR", "issued": {"date-parts": [[2023, 5]]}},
        ),
        (
            {"venue": "ICML 2024", "track": "workshop", "workshop": "Sparse & Fast"},
            {"TY  - CPAPER", "T2  - Sparse & Fast, ICML"},
            {"container-title": "Sparse & Fast, ICML"},
        ),
    ],
)
def test_kind_place_and_year_follow_the_venue(
    fields: dict[str, Any], ris_lines: set[str], csl_fields: dict[str, Any]
) -> None:
    filed = paper("A B", **fields)
    assert ris_lines <= set(ris(filed).splitlines())
    assert csl(filed).items() >= csl_fields.items()


def test_a_record_of_ris_holds_one_line_a_value() -> None:
    text = ris(paper("A\r\nER  - B", title="Prune\r\nER  - \r\nTY  - BOOK"))
    assert text.count("\r\nER  - ") == 1
    assert "\r\nTY" not in text


JSON_LD = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # in rdflib itself


def graph(document: dict[str, Any]) -> Graph:
    """The statements of a JSON-LD document; the vocabulary is named in it, so that nothing is fetched."""
    assert document["@context"] == "https://schema.org"
    return Graph().parse(data=json.dumps({**document, "@context": {"@vocab": str(SDO)}}), format="json-ld")


@JSON_LD
def test_every_word_of_the_json_ld_is_of_schema_org(site: Site) -> None:
    for filed in site.catalogue.papers.values():
        document = dict(article_json_ld(filed, f"https://example.org/papers/{filed.slug}/"))
        for _, predicate, value in graph(document):
            word = value if predicate == RDF.type else predicate
            assert str(word) in SDO, word


@JSON_LD
def test_the_json_ld_says_what_the_paper_says() -> None:
    filed = paper(
        "Gongfan Fang", "Team Wan", doi="10.1000/x", venue="TMLR 2023", published="2023-05-18", topics=("width",)
    )
    found = graph(dict(article_json_ld(filed, "https://example.org/p/")))
    (article,) = found.subjects(RDF.type, SDO.ScholarlyArticle)
    said = {
        name: {str(value) for value in found.objects(article, SDO[name])}
        for name in ("headline", "datePublished", "url")
    }
    assert said == {"headline": {"Prune Well"}, "datePublished": {date_of(filed)}, "url": {address_of(filed)}}
    kinds = {
        (str(found.value(author, SDO.name)), found.value(author, RDF.type))
        for author in found.objects(article, SDO.author)
    }
    assert kinds == {("Gongfan Fang", SDO.Person), ("Team Wan", SDO.Organization)}
    (series,) = found.objects(article, SDO.isPartOf)
    assert found.value(series, RDF.type) == SDO.Periodical


def test_hostile_text_cannot_leave_its_script() -> None:
    text = escape.script_json(article_json_ld(paper("</script><script>alert(1)</script>"), "https://example.org/p/"))
    assert not {"<", ">", "&"} & set(text)
    assert json.loads(text)["author"][0]["name"].startswith("</script>")

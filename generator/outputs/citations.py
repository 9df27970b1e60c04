"""Papers for reference managers: BibTeX, RIS, CSL-JSON and schema.org. Abstracts are not stored, so not exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generator import escape
from generator.entries.model import Filed, Paper
from generator.entries.names import Name, is_body, name_of
from generator.entries.tex import tex_of
from generator.views.site import address_of, authors_of, date_of

JOURNALS = ("TMLR", "JMLR", "TPAMI")


def series_of(paper: Paper) -> tuple[str, str]:
    """Conference or journal, with the workshop where it is one, and the year; both empty without a venue."""
    series, _, year = (paper.venue or "").rpartition(" ")
    return (f"{paper.workshop or 'Workshop'}, {series}" if series and paper.track == "workshop" else series), year


def is_journal(paper: Paper) -> bool:
    """Whether its venue is a journal."""
    return (paper.venue or "").rpartition(" ")[0] in JOURNALS


def issued(filed: Filed[Paper]) -> str:
    """When it was published: the year of its venue, or the day, month or year of the first version if that agrees."""
    _, year = series_of(filed.entry)
    date = date_of(filed)
    return date if not year or date.startswith(year) else year


@lru_cache(maxsize=8192)  # the page of a paper, its file, its family's and the whole all hold it
def bibtex(filed: Filed[Paper]) -> str:
    """One BibTeX entry; its key is the slug."""
    paper, record = filed.entry, filed.record
    series, _ = series_of(paper)
    fields: dict[str, str] = {"title": "{" + tex_of(escape.bibtex(paper.title)) + "}"}
    authors = authors_of(filed)
    if authors:
        fields["author"] = " and ".join(_bibtex_name(author) for author in authors)
    if series:
        fields["journal" if is_journal(paper) else "booktitle"] = tex_of(escape.bibtex(series))
    fields["year"] = issued(filed)[:4]
    if paper.arxiv:
        fields["eprint"] = paper.arxiv
        fields["archiveprefix"] = "arXiv"
        if record is not None and record.primary_category:
            fields["primaryclass"] = record.primary_category
    if paper.doi:
        fields["doi"] = escape.bibtex_verbatim(paper.doi)
    fields["url"] = escape.bibtex_verbatim(escape.url(address_of(filed)))
    kind = "misc" if not series else "article" if is_journal(paper) else "inproceedings"
    width = max(map(len, fields))
    lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{filed.slug},", *lines, "}"])


def _bibtex_name(author: str) -> str:
    """An author for a BibTeX list: a name that BibTeX would split, drop or misread stays one name, in braces."""
    name = escape.collapse(author)
    escaped = escape.bibtex(name)
    special = escaped != name or "," in name or " and " in f" {name.casefold()} " or name.casefold() == "others"
    if special or is_body(name):
        return f"{{{escaped}}}"
    parts = name_of(name)
    return f"{parts.family}, {parts.suffix}, {parts.given}" if parts.suffix else escaped


@lru_cache(maxsize=8192)
def ris(filed: Filed[Paper]) -> str:
    """One RIS record: a conference paper, a journal article, or an unpublished work; lines end with CR LF."""
    return "".join(f"{tag}  - {escape.collapse(value)}\r\n" for tag, value in _ris_fields(filed))


def _ris_fields(filed: Filed[Paper]) -> Iterator[tuple[str, str]]:
    paper = filed.entry
    series, _ = series_of(paper)
    date = issued(filed)
    yield "TY", "UNPB" if not series else "JOUR" if is_journal(paper) else "CPAPER"
    yield "ID", filed.slug
    yield "TI", paper.title
    for author in authors_of(filed):
        yield "AU", name_of(author).sorted
    yield "PY", date[:4]
    if date == date_of(filed):
        yield "DA", "/".join([*date.split("-"), "", ""][:3]) + "/"
    if series:
        yield "T2", series
    if paper.doi:
        yield "DO", paper.doi
    if paper.arxiv:
        yield "AN", f"arXiv:{paper.arxiv}"
    yield "UR", escape.url(address_of(filed)).replace(";", "%3B")  # a semicolon parts two addresses
    yield "ER", ""


@lru_cache(maxsize=8192)
def csl(filed: Filed[Paper]) -> Mapping[str, Any]:
    """One item of CSL-JSON, the form that citation processors read."""
    paper = filed.entry
    series, _ = series_of(paper)
    item: dict[str, Any] = {
        "id": filed.slug,
        "type": "article" if not series else "article-journal" if is_journal(paper) else "paper-conference",
        "title": paper.title,
        "author": [_csl_name(name_of(author)) for author in authors_of(filed)],
        "issued": {"date-parts": [[int(part) for part in issued(filed).split("-")]]},
        "URL": address_of(filed),
    }
    if series:
        item["container-title"] = series
    if paper.doi:
        item["DOI"] = paper.doi
    if paper.arxiv:
        item |= {"archive": "arXiv", "archive_location": paper.arxiv}
    if not series:
        item["genre"] = "preprint"
    return {key: value for key, value in item.items() if value}


def _csl_name(name: Name) -> Mapping[str, str]:
    if not name.given:
        return {"literal": name.family}
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {key: value for key, value in parts.items() if value}


def article_json_ld(filed: Filed[Paper], page: str) -> Mapping[str, Any]:
    """A paper as schema.org describes a ScholarlyArticle.

    Args:
        filed: the paper.
        page: address of its page here; the article itself is elsewhere.
    """
    paper = filed.entry
    identifiers = [("arXiv", paper.arxiv), ("DOI", paper.doi)]
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "headline": paper.title,
        "alternateName": [*([paper.short] if paper.short else []), *paper.aliases],
        "author": [_json_ld_name(name_of(author)) for author in authors_of(filed)],
        "datePublished": issued(filed),
        "url": address_of(filed),
        "mainEntityOfPage": page,
        "identifier": [
            {"@type": "PropertyValue", "propertyID": name, "value": value} for name, value in identifiers if value
        ],
        "sameAs": [f"https://doi.org/{paper.doi}"] if paper.doi else [],
        "isPartOf": _json_ld_venue(paper),
        "description": paper.summary,
        "keywords": list(paper.topics),
    }
    return {key: value for key, value in document.items() if value}


def _json_ld_venue(paper: Paper) -> Mapping[str, str] | None:
    series, _ = series_of(paper)
    if is_journal(paper):
        return {"@type": "Periodical", "name": series}
    return {"@type": "PublicationIssue", "name": paper.venue} if paper.venue else None


def _json_ld_name(name: Name) -> Mapping[str, str]:
    if not name.given:
        return {"@type": "Organization" if is_body(name.family) else "Person", "name": name.family}
    full = " ".join(part for part in (name.given, name.family, name.suffix) if part)
    return {"@type": "Person", "name": full, "givenName": name.given, "familyName": name.family}


def bibtex_file(papers: Iterable[Filed[Paper]]) -> str:
    """Papers as one BibTeX file."""
    return "\n".join(f"{bibtex(filed)}\n" for filed in papers)


def ris_file(papers: Iterable[Filed[Paper]]) -> str:
    """Papers as one RIS file."""
    return "\r\n".join(map(ris, papers))


def csl_file(papers: Iterable[Filed[Paper]]) -> str:
    """Papers as one list of CSL-JSON, an item a line."""
    items = (json.dumps(csl(filed), ensure_ascii=False, separators=(",", ":")) for filed in papers)
    return "[\n" + ",\n".join(items) + "\n]\n"


@dataclass(frozen=True, slots=True)
class Format:
    """One form for reference managers."""

    name: str
    ending: str
    """Of its files."""
    file: Callable[[Iterable[Filed[Paper]]], str]


FORMATS = (
    Format("BibTeX", "bib", bibtex_file),
    Format("RIS", "ris", ris_file),
    Format("CSL-JSON", "csl.json", csl_file),
)

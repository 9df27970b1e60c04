"""Papers for reference managers: BibTeX, RIS, CSL-JSON and schema.org. Abstracts are not stored, so not exported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generator import escape
from generator.entries.model import Filed, Paper
from generator.views.site import address_of, authors_of, date_of

JOURNALS = ("TMLR", "JMLR", "TPAMI")
_PARTICLES = frozenset(
    {
        *("al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la", "le"),
        *("ten", "ter", "van", "von", "zu", "zum", "zur"),
    }
)
_SUFFIX = re.compile(r"jr\.?|sr\.?|i{1,3}|iv|v", re.IGNORECASE)
_BODY = re.compile(r"\b(collaboration|consortium|team|group|project|lab|labs|inc)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """An author: a person with a family name, or a body with one name that is not taken apart."""

    family: str
    given: str = ""
    suffix: str = ""

    @property
    def sorted(self) -> str:
        """Family name, given name, suffix."""
        return ", ".join(part for part in (self.family, self.given, self.suffix) if part)


def name_of(author: str) -> Name:
    """The parts of a name: particles such as *van der* belong to the family name, a team has one name."""
    text = escape.collapse(author)
    words = text.split(" ")
    if len(words) < 2 or _BODY.search(text):
        return Name(text)
    if "," in text:
        family, _, given = text.partition(",")
        return Name(family.strip(), given.strip())
    suffix = words.pop() if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else ""
    start = len(words) - 1
    while start > 1 and words[start - 1].casefold() in _PARTICLES and words[start - 1].islower():
        start -= 1
    return Name(" ".join(words[start:]), " ".join(words[:start]), suffix)


def series_of(paper: Paper) -> tuple[str, str]:
    """Conference or journal, with the workshop where it is one, and the year; both empty without a venue."""
    series, _, year = (paper.venue or "").rpartition(" ")
    return (f"{paper.workshop or 'Workshop'}, {series}" if series and paper.track == "workshop" else series), year


def _is_journal(paper: Paper) -> bool:
    return (paper.venue or "").rpartition(" ")[0] in JOURNALS


@lru_cache(maxsize=8192)  # the page of a paper, its file, its family's and the whole all hold it
def bibtex(filed: Filed[Paper]) -> str:
    """One BibTeX entry; its key is the slug."""
    paper, record = filed.entry, filed.record
    series, year = series_of(paper)
    fields: dict[str, str] = {"title": "{" + escape.bibtex(paper.title) + "}"}
    authors = authors_of(filed)
    if authors:
        fields["author"] = " and ".join(_bibtex_name(author) for author in authors)
    if series:
        fields["journal" if _is_journal(paper) else "booktitle"] = escape.bibtex(series)
    fields["year"] = year or date_of(filed)[:4]
    if paper.arxiv:
        fields["eprint"] = paper.arxiv
        fields["archiveprefix"] = "arXiv"
        if record is not None and record.primary_category:
            fields["primaryclass"] = record.primary_category
    if paper.doi:
        fields["doi"] = escape.bibtex(paper.doi)
    fields["url"] = escape.url(address_of(filed))
    kind = "misc" if not series else "article" if _is_journal(paper) else "inproceedings"
    width = max(map(len, fields))
    lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{filed.slug},", *lines, "}"])


def _bibtex_name(author: str) -> str:
    """An author for a BibTeX list: a name that BibTeX would split, drop or misread stays one name, in braces."""
    name = escape.collapse(author)
    escaped = escape.bibtex(name)
    special = escaped != name or "," in name or " and " in f" {name.casefold()} " or name.casefold() == "others"
    return f"{{{escaped}}}" if special else escaped


@lru_cache(maxsize=8192)
def ris(filed: Filed[Paper]) -> str:
    """One RIS record: a conference paper, a journal article, or an unpublished work; lines end with CR LF."""
    return "".join(f"{tag}  - {escape.collapse(value)}\r\n" for tag, value in _ris_fields(filed))


def _ris_fields(filed: Filed[Paper]) -> Iterator[tuple[str, str]]:
    paper = filed.entry
    series, year = series_of(paper)
    date = date_of(filed)
    yield "TY", "UNPB" if not series else "JOUR" if _is_journal(paper) else "CPAPER"
    yield "ID", filed.slug
    yield "TI", paper.title
    for author in authors_of(filed):
        yield "AU", name_of(author).sorted
    yield "PY", year or date[:4]
    if not year or date.startswith(year):
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
    series, year = series_of(paper)
    date = [int(part) for part in date_of(filed).split("-")]
    issued = date if not year or str(date[0]) == year else [int(year)]
    item: dict[str, Any] = {
        "id": filed.slug,
        "type": "article" if not series else "article-journal" if _is_journal(paper) else "paper-conference",
        "title": paper.title,
        "author": [_csl_name(name_of(author)) for author in authors_of(filed)],
        "issued": {"date-parts": [issued]},
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
    series, _ = series_of(paper)
    identifiers = [("arXiv", paper.arxiv), ("DOI", paper.doi)]
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "headline": paper.title,
        "alternateName": [*([paper.short] if paper.short else []), *paper.aliases],
        "author": [_json_ld_name(name_of(author)) for author in authors_of(filed)],
        "datePublished": date_of(filed),
        "url": address_of(filed),
        "mainEntityOfPage": page,
        "identifier": [
            {"@type": "PropertyValue", "propertyID": name, "value": value} for name, value in identifiers if value
        ],
        "sameAs": [f"https://doi.org/{paper.doi}"] if paper.doi else [],
        "isPartOf": {"@type": "Periodical" if _is_journal(paper) else "PublicationIssue", "name": paper.venue}
        if series
        else None,
        "description": paper.summary,
        "keywords": list(paper.topics),
    }
    return {key: value for key, value in document.items() if value}


def _json_ld_name(name: Name) -> Mapping[str, str]:
    if not name.given:
        return {"@type": "Organization" if _BODY.search(name.family) else "Person", "name": name.family}
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

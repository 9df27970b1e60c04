"""The start of an entry: all known fields in canonical form, and the names of the fields to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from generator.checks.drafts import TURNED_DOWN, entry_files
from generator.checks.files import slug_fault, slug_of
from generator.checks.model_names import folded
from generator.checks.near_titles import key_of
from generator.checks.urls import CODE_HOSTS, normal, on_host
from generator.contribute.open_fields import optional_fields, required_fields
from generator.entries.dois import dois_in
from generator.entries.format_yaml import HELP, format_entry, scalar
from generator.entries.load_yaml import Document, quoted, read
from generator.entries.model import ArxivRecord, Taxonomy, month_of_arxiv_id
from generator.entries.plain_text import plain
from generator.entries.tex import text_of

OWN_DOI = "10.48550/arxiv."
"""DOIs that arXiv gives to every paper say nothing of a published version."""
_REPOSITORY = re.compile(rf"https://(?:{'|'.join(map(re.escape, CODE_HOSTS))})/[\w.-]+/[\w.-]*\w")


class AlreadyThere(ValueError):
    """The paper or model has an entry; the message names it."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to write."""

    path: str
    """File, relative to the repository."""
    content: bytes
    """Canonical YAML."""
    left: tuple[str, ...]
    """Required fields that a person must fill in, each with what to write."""


@dataclass(frozen=True, slots=True)
class Known:
    """An entry that is there, as far as it can be read."""

    kind: str
    path: str
    """File, relative to the repository."""
    document: Document | None
    """None if it cannot be parsed, which `validate` reports."""

    @property
    def slug(self) -> str:
        """File name without its ending."""
        return self.path.rpartition("/")[2].removesuffix(".yaml")


def known_entries(data: Path) -> tuple[Known, ...]:
    """Every entry in the folder of the catalogue."""
    paths = ((kind, file, f"data/{file.relative_to(data).as_posix()}") for kind, file in entry_files(data))
    return tuple(Known(kind, path, read(file, path)[0]) for kind, file, path in paths)


def find_paper(known: Iterable[Known], arxiv_id: str) -> None:
    """Look for the entry of a paper, before anyone asks arXiv.

    Raises:
        AlreadyThere: an entry has this id.
    """
    for one in known:
        if one.kind == "papers":
            _refuse_twin(one, arxiv_id, "")


def turned_down(data: Path, arxiv_id: str) -> str | None:
    """Why a paper does not belong in the catalogue, with the place where that was written; None if nobody said so."""
    document, _ = read(data / TURNED_DOWN, f"data/{TURNED_DOWN}", long=True)
    papers = document.data.get("papers") if document is not None else None
    for index, paper in enumerate(papers if isinstance(papers, list) else ()):
        if isinstance(paper, dict) and paper.get("arxiv") == arxiv_id and document is not None:
            line = document.place(("papers", index)).line
            return f"{paper.get('reason', 'no reason')} (data/{TURNED_DOWN}:{line})"
    return None


def new_entry(
    arxiv_id: str,
    title: str,
    record: ArxivRecord | None,
    *,
    data: Path,
    taxonomy: Taxonomy,
    today: date,
    known: Iterable[Known] | None = None,
    short: str | None = None,
) -> NewEntry:
    """Begin the entry of a paper.

    Args:
        arxiv_id: bare id.
        title: title of the paper; arXiv's, if it is another one, becomes an alias.
        record: of arXiv, if it was asked; a repository or venue that the authors' comment names is used.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.
        known: what is in that folder, if it has been read.
        short: the name that people use; without it, the one before a colon of the title.

    Raises:
        AlreadyThere: an entry has this id or this title.
        ValueError: no file name can be made of the title.
    """
    title = text_of(title)
    names = set()
    for one in known_entries(data) if known is None else known:
        names.add(one.slug)
        if one.kind == "papers":
            _refuse_twin(one, arxiv_id, title)
    short = short or _short(title)
    slug = _free_slug(short or title, names, (month_of_arxiv_id(arxiv_id), slug_of(arxiv_id)))
    given = (f'arxiv: "{arxiv_id}"',)
    content = "\n".join(_lines(given, title, short, record, taxonomy, today)) + "\n"
    path = f"data/papers/{month_of_arxiv_id(arxiv_id)[:4]}/{slug}.yaml"
    return NewEntry(path, format_entry(content.encode(), "papers", path), _left("papers", taxonomy))


def new_published(
    url: str,
    title: str,
    authors: Sequence[str],
    published: str,
    *,
    data: Path,
    taxonomy: Taxonomy,
    today: date,
    short: str | None = None,
) -> NewEntry:
    """Begin the entry of a paper that is not on arXiv.

    Args:
        url: address of its page.
        title: of the paper.
        authors: in order.
        published: YYYY, YYYY-MM or YYYY-MM-DD of the first publication.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.
        short: the name that people use; without it, the one before a colon of the title.

    Raises:
        AlreadyThere: an entry has this address or this title.
        ValueError: no file name can be made of the title.
    """
    title = text_of(title)
    names = set()
    for one in known_entries(data):
        names.add(one.slug)
        if one.kind == "papers":
            _refuse_same_page(one, url, title)
    short = short or _short(title)
    slug = _free_slug(short or title, names, (published[:7], slug_of(authors[0])))
    given = (f"url: {quoted(url)}", f"authors: [{', '.join(map(quoted, authors))}]", f"date: {quoted(published)}")
    content = "\n".join(_lines(given, title, short, None, taxonomy, today)) + "\n"
    path = f"data/papers/{published[:4]}/{slug}.yaml"
    return NewEntry(path, format_entry(content.encode(), "papers", path), _left("papers", taxonomy))


def new_page(kind: str, url: str, name: str | None, *, data: Path, taxonomy: Taxonomy, today: date) -> NewEntry:
    """Begin the entry of a tool or an article.

    Args:
        kind: tools or articles.
        url: address of the tool's home page or of the article.
        name: of the tool, or title of the article; without it, the address names the file.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.

    Raises:
        AlreadyThere: an entry of this kind has this address or name.
        ValueError: the address is not one, or no file name can be made of it.
    """
    url = url.strip().strip("<>").strip()
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{url!r} is not an https address")
    names = set()
    for one in known_entries(data):
        names.add(one.slug)
        if one.kind == kind:
            _refuse_same_page(one, url, name)
    slug = _free_slug(name or name_of(url), names, (slug_of(parts.hostname),))
    content = "\n".join(_page_lines(kind, url, name, taxonomy, today)) + "\n"
    path = f"data/{kind}/{slug}.yaml"
    left = _left(kind, taxonomy)
    return NewEntry(path, format_entry(content.encode(), kind, path), left[1:] if name and kind == "articles" else left)


def name_of(url: str) -> str:
    """The last part of an address that names something: ``Pruner`` of https://example.org/a/Pruner.html."""
    parts = urlsplit(url.strip().strip("<>"))
    last = [part for part in unquote(parts.path).split("/") if slug_of(part)][-1:]
    stem = re.sub(r"\.(html?|git|md|pdf)$", "", last[0]) if last else ""
    return stem or (parts.hostname or "").removeprefix("www.")


def _left(kind: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    return tuple(f"{field}: {what}" for field, what in required_fields(kind, taxonomy).items())


def _refuse_same_page(one: Known, url: str, name: str | None) -> None:
    path, document = one.path, one.document
    if document is None:
        return
    for key in ("url", "repo"):
        other = document.data.get(key)
        if isinstance(other, str) and normal(other) == normal(url):
            raise AlreadyThere(f"{url} is already at {path}:{document.place((key,)).line}")
    for key in ("name", "title"):
        other = document.data.get(key)
        if name and isinstance(other, str) and key_of(other) == key_of(name):
            raise AlreadyThere(f"{name!r} is already at {path}:{document.place((key,)).line}")


def _page_lines(kind: str, url: str, name: str | None, taxonomy: Taxonomy, today: date) -> Iterator[str]:
    yield f"# yaml-language-server: $schema=../schema/{kind[:-1]}.schema.json"
    required, host = required_fields(kind, taxonomy), urlsplit(url).hostname or ""
    if kind == "tools":
        yield f"name: {quoted(name or name_of(url))}"
        yield f"url: {scalar(url)}"
        if any(on_host(host, one) for one in CODE_HOSTS) and re.fullmatch(r"[^?#]*//[^/?#]+(/[^/?#]+){2,}/?", url):
            yield f"repo: {scalar(url)}"
    else:
        yield f"title: {quoted(name or '')}"
        yield f"url: {scalar(url)}"
    yield from _optional(kind, taxonomy)
    yield f"{HELP} category: {required['category']}"
    yield 'category: ""'
    yield f"{HELP} summary: {required['summary']}"
    yield 'summary: ""'
    yield f"added: {today.isoformat()}"


def new_model(name: str, *, data: Path, taxonomy: Taxonomy, today: date, source: str | None = None) -> NewEntry:
    """Begin the entry of a model.

    Args:
        name: as its developers write it.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.
        source: a page with facts about it.

    Raises:
        AlreadyThere: a model has this name or alias, or its file.
        ValueError: no file name can be made of the name.
    """
    slug = slug_of(name)
    if fault := slug_fault(slug):
        raise ValueError(f"no file name can be made of {name!r}: it {fault}; give a name with Latin letters")
    for one in known_entries(data):
        if one.kind == "models":
            _refuse_same_name(one, name)
    path = f"data/models/{slug}.yaml"
    if (data / "models" / f"{slug}.yaml").exists():
        raise AlreadyThere(f"{name!r} would be {path}, which another model has")
    content = "\n".join(_model_lines(name, taxonomy, today, source)) + "\n"
    left = _left("models", taxonomy)
    return NewEntry(path, format_entry(content.encode(), "models", path), left[:2] if source else left)


def _refuse_same_name(one: Known, name: str) -> None:
    document = one.document
    if document is None:
        return
    aliases = document.data.get("aliases")
    for spelling in (document.data.get("name"), *(aliases if isinstance(aliases, list) else ())):
        if isinstance(spelling, str) and folded(spelling) == folded(name):
            raise AlreadyThere(f"{name!r} is already a name of {one.path}")


def _model_lines(name: str, taxonomy: Taxonomy, today: date, source: str | None) -> Iterator[str]:
    required = required_fields("models", taxonomy)
    yield "# yaml-language-server: $schema=../schema/model.schema.json"
    yield f"name: {quoted(name)}"
    yield f"{HELP} output: {required['output']}"
    yield 'output: ""'
    yield from _optional("models", taxonomy)
    yield f"{HELP} summary: {required['summary']}"
    yield 'summary: ""'
    yield f"{HELP} sources: {required['sources']}; checked_on: the day"
    if source:
        yield f"sources: [{quoted(source)}]"
        yield f"checked_on: {today.isoformat()}"
    else:
        yield f"{HELP} sources: [https://example.org/model-card]"
        yield f"{HELP} checked_on: {today.isoformat()}"
    yield f"added: {today.isoformat()}"


def _refuse_twin(one: Known, arxiv_id: str, title: str) -> None:
    name, document = one.path, one.document
    if document is None:
        return
    if document.data.get("arxiv") == arxiv_id:
        raise AlreadyThere(f"{arxiv_id} is already at {name}:{document.place(('arxiv',)).line}")
    other = document.data.get("title")
    if isinstance(other, str) and key_of(other) == key_of(title):
        raise AlreadyThere(f"{title!r} is already at {name}:{document.place(('title',)).line}")


def _short(title: str) -> str | None:
    """The name before the colon, as in ``DepGraph: Towards Any Structural Pruning``."""
    name, colon, _ = title.partition(":")
    return name.strip() if colon and len(name.split()) <= 3 else None


def _free_slug(name: str, taken: set[str], endings: tuple[str, ...]) -> str:
    """A file name nobody has: the name itself, otherwise with one of the endings.

    Raises:
        ValueError: the name has no Latin letter or digit.
    """
    words = slug_of(name).split("-")
    slug = "-".join(words[:6])
    for candidate in (slug, *(f"{slug}-{ending}" for ending in endings)):
        if slug_fault(candidate) is None and candidate not in taken:
            return candidate
    raise ValueError(f"no file name can be made of {name!r}; give a name with Latin letters by --title")


def _lines(
    given: Sequence[str], title: str, short: str | None, record: ArxivRecord | None, taxonomy: Taxonomy, today: date
) -> Iterator[str]:
    """The lines of a paper; ``given`` are those that identify it."""
    required, comment = required_fields("papers", taxonomy), (record.comment if record else None) or ""
    yield "# yaml-language-server: $schema=../../schema/paper.schema.json"
    yield f"title: {quoted(title)}"
    if short:
        yield f"short: {quoted(short)}"
    if record is not None and plain(text_of(record.title)) != plain(title):
        yield f"aliases: [{quoted(text_of(record.title))}]"
    yield from given
    dois = [doi for doi in dois_in((record.doi if record else None) or "") if not doi.casefold().startswith(OWN_DOI)]
    if dois:
        yield f"doi: {quoted(dois[0])}"
        if dois[1:]:
            yield f"{HELP} arXiv names other DOIs, too: {', '.join(dois[1:])}"
    if venue := _venue(comment, taxonomy):
        yield f"{HELP} From the authors' comment: {_one_line(comment)}"
        yield f"venue: {quoted(venue)}"
    if code := _REPOSITORY.search(comment):
        yield f"code: {quoted(code[0])}"
    yield f"{HELP} family: {required['family']}"
    yield 'family: ""'
    yield from _optional("papers", taxonomy, {"venue": venue, "code": code})
    yield f"{HELP} summary: {required['summary']}"
    yield 'summary: ""'
    yield f"{HELP} checked: {required['checked']}"
    yield 'checked: ""'
    yield f"checked_on: {today.isoformat()}"
    yield f"added: {today.isoformat()}"


def _optional(kind: str, taxonomy: Taxonomy, written: Mapping[str, object] = MappingProxyType({})) -> Iterator[str]:
    """Help for the fields that are not written yet."""
    yield f"{HELP} Where known, add the lines that apply: delete the {HELP} and what does not apply."
    yield f"{HELP} Leave out what you do not know. data/TEMPLATE.yaml explains each field."
    for field, what in optional_fields(kind, taxonomy).items():
        if not written.get(field):
            yield f"{HELP} {field}: {what}"


def _one_line(comment: str) -> str:
    """Text of others inside our comment: printable characters on one line, truncated."""
    return "".join(character for character in " ".join(comment.split()) if character.isprintable())[:80]


def _venue(comment: str, taxonomy: Taxonomy) -> str | None:
    """A venue that the authors' comment names with its year."""
    for series in sorted(taxonomy.venues, key=len, reverse=True):
        match = re.search(rf"\b{re.escape(series)}\W{{0,2}}((?:19|20)\d\d)\b", comment, re.IGNORECASE)
        if match and not re.search(r"workshop|submitted|under review", comment, re.IGNORECASE):
            return f"{series} {match[1]}"
    return None

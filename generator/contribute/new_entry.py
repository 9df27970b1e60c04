"""The start of an entry: all known fields in canonical form, and the names of the fields to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from generator.checks.drafts import entry_files
from generator.checks.files import slug_fault, slug_of
from generator.checks.model_names import folded
from generator.checks.near_titles import key_of
from generator.checks.urls import CODE_HOSTS
from generator.entries.dois import dois_in
from generator.entries.format_yaml import format_entry, quoted
from generator.entries.load_yaml import read
from generator.entries.model import ArxivRecord, Taxonomy, month_of_arxiv_id
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


def new_entry(
    arxiv_id: str, title: str, record: ArxivRecord | None, *, data: Path, taxonomy: Taxonomy, today: date
) -> NewEntry:
    """Begin the entry of a paper.

    Args:
        arxiv_id: bare id.
        title: title of the paper.
        record: of arXiv, if it was asked; a repository or venue that the authors' comment names is used.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.

    Raises:
        AlreadyThere: an entry has this id or this title.
        ValueError: no file name can be made of the title.
    """
    title = text_of(title)
    names = set()
    for kind, file in entry_files(data):
        names.add(file.stem)
        if kind == "papers":
            _refuse_twin(file, f"data/{file.relative_to(data).as_posix()}", arxiv_id, title)
    short = _short(title)
    slug = _free_slug(short or title, names, arxiv_id)
    content = "\n".join(_lines(arxiv_id, title, short, record, taxonomy, today)) + "\n"
    path = f"data/papers/{month_of_arxiv_id(arxiv_id)[:4]}/{slug}.yaml"
    left = (
        f"family: one of {', '.join(taxonomy.families)}",
        "summary: one to three sentences of your own: what is removed, how it is chosen, what it costs to recover",
        "checked: abstract, if you compared the summary with the abstract, else secondary",
    )
    return NewEntry(path, format_entry(content.encode(), "papers", path), left)


def new_model(name: str, *, data: Path, taxonomy: Taxonomy, today: date) -> NewEntry:
    """Begin the entry of a model.

    Args:
        name: as its developers write it.
        data: the folder of the catalogue.
        taxonomy: for the choices that the entry lists.
        today: the entry's ``added``.

    Raises:
        AlreadyThere: a model has this name or alias, or its file.
        ValueError: no file name can be made of the name.
    """
    slug = slug_of(name)
    if fault := slug_fault(slug):
        raise ValueError(f"no file name can be made of {name!r}: it {fault}; give a name with Latin letters")
    for kind, file in entry_files(data):
        if kind == "models":
            _refuse_same_name(file, f"data/{file.relative_to(data).as_posix()}", name)
    path = f"data/models/{slug}.yaml"
    if (data / "models" / f"{slug}.yaml").exists():
        raise AlreadyThere(f"{name!r} would be {path}, which another model has")
    content = "\n".join(_model_lines(name, taxonomy, today)) + "\n"
    left = (
        f"output: one of {', '.join(taxonomy.outputs)}",
        "summary: one to three sentences of your own: what it is, and what matters for making it cheaper",
        "sources: the pages that you read for its facts",
    )
    return NewEntry(path, format_entry(content.encode(), "models", path), left)


def _refuse_same_name(file: Path, path: str, name: str) -> None:
    document, _ = read(file, path)
    if document is None:
        return  # `validate` reports it
    aliases = document.data.get("aliases")
    for spelling in (document.data.get("name"), *(aliases if isinstance(aliases, list) else ())):
        if isinstance(spelling, str) and folded(spelling) == folded(name):
            raise AlreadyThere(f"{name!r} is already a name of {path}")


def _model_lines(name: str, taxonomy: Taxonomy, today: date) -> Iterator[str]:
    yield "# yaml-language-server: $schema=../schema/model.schema.json"
    yield f"name: {quoted(name)}"
    yield "# Every other spelling that papers and hubs use, and the model line that it belongs to:"
    yield "# aliases: [other spellings]"
    yield "# part_of: slug of data/models"
    yield f"# One of: {', '.join(taxonomy.outputs)}"
    yield 'output: ""'
    yield "# Where known, add the lines that apply; leave out what you did not read:"
    yield f"# architecture: {' | '.join(taxonomy.architectures)}"
    yield "# developer, released, paper, weights, licence, resolution, steps, calls_per_step, diffusers"
    yield "# parameters: {denoiser: millions, text_encoders: millions, decoder: millions, source: address and place}"
    yield "# One to three sentences of your own: what it is, and what matters for making it cheaper."
    yield 'summary: ""'
    yield "# The pages that you read for these facts, and the day:"
    yield "# sources: [https://example.org/model-card]"
    yield f"# checked_on: {today.isoformat()}"
    yield f"added: {today.isoformat()}"


def _refuse_twin(file: Path, name: str, arxiv_id: str, title: str) -> None:
    document, _ = read(file, name)
    if document is None:
        return  # `validate` reports it
    if document.data.get("arxiv") == arxiv_id:
        raise AlreadyThere(f"{arxiv_id} is already at {name}:{document.place(('arxiv',)).line}")
    other = document.data.get("title")
    if isinstance(other, str) and key_of(other) == key_of(title):
        raise AlreadyThere(f"{title!r} is already at {name}:{document.place(('title',)).line}")


def _short(title: str) -> str | None:
    """The name before the colon, as in ``DepGraph: Towards Any Structural Pruning``."""
    name, colon, _ = title.partition(":")
    return name.strip() if colon and len(name.split()) <= 3 else None


def _free_slug(name: str, taken: set[str], arxiv_id: str) -> str:
    """A file name nobody has: the name itself, otherwise with the month of the id.

    Raises:
        ValueError: the name has no Latin letter or digit.
    """
    words = slug_of(name).split("-")
    slug = "-".join(words[:6])
    for candidate in (slug, f"{slug}-{month_of_arxiv_id(arxiv_id)}", f"{slug}-{slug_of(arxiv_id)}"):
        if slug_fault(candidate) is None and candidate not in taken:
            return candidate
    raise ValueError(f"no file name can be made of {name!r}; give a title with Latin letters by --title")


def _lines(
    arxiv_id: str, title: str, short: str | None, record: ArxivRecord | None, taxonomy: Taxonomy, today: date
) -> Iterator[str]:
    comment = (record.comment if record else None) or ""
    yield "# yaml-language-server: $schema=../../schema/paper.schema.json"
    yield f"title: {quoted(title)}"
    if short:
        yield f"short: {quoted(short)}"
    yield f'arxiv: "{arxiv_id}"'
    dois = [doi for doi in dois_in((record.doi if record else None) or "") if not doi.casefold().startswith(OWN_DOI)]
    if dois:
        yield f"doi: {quoted(dois[0])}"
        if dois[1:]:
            yield f"# arXiv names other DOIs, too: {', '.join(dois[1:])}"
    if venue := _venue(comment, taxonomy):
        yield f"# From the authors' comment: {_one_line(comment)}"
        yield f"venue: {quoted(venue)}"
    if code := _REPOSITORY.search(comment):
        yield f"code: {quoted(code[0])}"
    yield f"# One of: {', '.join(taxonomy.families)}"
    yield 'family: ""'
    yield "# Where known, add the lines that apply; data/TEMPLATE.yaml explains each:"
    yield f"# sparsity: [{', '.join(taxonomy.sparsity)}]"
    yield f"# granularity: [{', '.join(taxonomy.granularity)}]"
    yield "# models: [slugs of data/models]"
    yield f"# training: {' | '.join(taxonomy.training)}"
    yield "# One to three sentences of your own: what is removed, how it is chosen, what it costs to recover."
    yield 'summary: ""'
    yield "# abstract, if you compared the summary with the abstract, else secondary"
    yield 'checked: ""'
    yield f"added: {today.isoformat()}"


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

"""The files under data/ as drafts: what every stage that reads the catalogue starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationError
from pydantic_core import PydanticCustomError

from generator.checks.draft import Draft
from generator.checks.urls import ADDRESS_FIELDS
from generator.entries.load_yaml import Document, read
from generator.entries.model import KINDS, SLUG, Dataset, Record, Taxonomy
from generator.entries.problem import Code, Problem
from generator.escape import terminal

TAXONOMY = "taxonomy.yaml"
DATASETS = "datasets.yaml"
CHOOSE = "choose.yaml"
TEMPLATE = "TEMPLATE.yaml"

CODES = (
    Code(
        "E413",
        "Under data/ are only entries, taxonomy, data sets, rules of Choose, template, schemas, records and licence.",
        wrong="data/papers/diff-pruning.yaml, outside a year folder",
        right="data/papers/2023/diff-pruning.yaml",
    ),
    Code(
        "E500",
        "data/taxonomy.yaml holds the vocabularies, each term with a name and a sentence.",
        wrong="a term without text: in data/taxonomy.yaml",
        right="name and text, as its neighbours have them",
    ),
    Code(
        "E505",
        "data/datasets.yaml holds the data sets, each with a name, a kind and a sentence.",
        wrong="a data set without kind: in data/datasets.yaml",
        right="name, kind and text, as its neighbours have them",
    ),
)


def _slug(key: str) -> str:
    if SLUG.fullmatch(key) is None:
        raise PydanticCustomError("slug", "a slug is expected: a-z, 0-9 and single dashes")
    return key


class _Datasets(Record):
    datasets: dict[Annotated[str, AfterValidator(_slug)], Dataset]


def entry_files(data: Path) -> Iterator[tuple[str, Path]]:
    """Kind and file of every entry, in a fixed order."""
    for kind in KINDS:
        pattern = "*/*.yaml" if kind == "papers" else "*.yaml"
        for file in sorted((data / kind).glob(pattern)):
            yield kind, file


def read_drafts(data: Path, problems: list[Problem]) -> Iterator[Draft]:
    """Every entry that can be parsed; what is wrong on the way goes into ``problems``."""
    entries = {file: kind for kind, file in entry_files(data)}
    known = {data / name for name in (TAXONOMY, DATASETS, CHOOSE, TEMPLATE, "LICENSE")}
    for file in sorted(data.rglob("*")):
        relative = file.relative_to(data)
        if (
            file in entries
            or file in known
            or relative.parts[0] in ("arxiv", "schema")
            or (file.is_dir() and not file.is_symlink())
        ):
            continue
        name = terminal(f"data/{relative.as_posix()}")
        problems.append(
            Problem(
                name,
                1,
                1,
                "E413",
                "not an entry",
                "papers/<year>/<slug>.yaml, or <slug>.yaml in tools/, articles/ or models/",
            )
        )
    for file, kind in entries.items():
        document, faults = read(file, terminal(f"data/{file.relative_to(data).as_posix()}"))
        problems.extend(faults)
        if document is not None:
            yield Draft(kind, file.name.removesuffix(".yaml"), document)


def read_taxonomy(data: Path, problems: list[Problem]) -> tuple[Taxonomy | None, Document | None]:
    """The vocabularies and where they stand; what is wrong with them goes into ``problems``."""
    name = f"data/{TAXONOMY}"
    document, faults = read(data / TAXONOMY, name)
    problems.extend(faults)
    if document is None:
        return None, None
    try:
        return Taxonomy.model_validate(document.data), document
    except ValidationError as error:
        problems.extend(misshapen(document, error, (), "E500", "write name and text, as its neighbours do"))
        return None, document


def read_datasets(data: Path, problems: list[Problem]) -> tuple[Mapping[str, Dataset] | None, Document | None]:
    """The data sets by slug and where they stand; what is wrong with them goes into ``problems``."""
    document, found = read(data / DATASETS, f"data/{DATASETS}")
    problems.extend(found)
    if document is None:
        return None, None
    try:
        return _Datasets.model_validate({"datasets": document.data}).datasets, document
    except ValidationError as error:
        fix = "write name, kind and text, as its neighbours do"
        problems.extend(misshapen(document, error, ("datasets",), "E505", fix))
        return None, document


def misshapen(
    document: Document, error: ValidationError, above: tuple[str, ...], code: str, fix: str
) -> Iterator[Problem]:
    """What pydantic found, at its place in the file; ``above`` are the steps that the file does not have."""
    for detail in error.errors(include_url=False):
        steps = tuple(detail["loc"])[len(above) :]
        place = document.place(steps)
        message = f"{terminal('.'.join(map(str, steps)))}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
        yield Problem(document.path, place.line, place.column, code, message, fix)


def arxiv_ids(data: Path) -> tuple[str, ...]:
    """The arXiv ids of all papers, in the order of the files."""
    drafts = read_drafts(data, [])
    return tuple(text for draft in drafts if draft.kind == "papers" and (text := draft.text("arxiv")))


def addresses(data: Path) -> Iterator[tuple[str, str, int]]:
    """Every address of every entry, with its file and line."""
    for draft in read_drafts(data, []):
        for key in ADDRESS_FIELDS:
            for steps, text in draft.items(key):
                if text.strip():
                    yield text, draft.path, draft.document.place(steps).line

"""The files under data/ as drafts: what every stage that reads the catalogue starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, RootModel, ValidationError
from pydantic_core import PydanticCustomError

from generator.checks.draft import Draft
from generator.checks.urls import ADDRESS_FIELDS
from generator.entries.leftovers import is_leftover
from generator.entries.load_yaml import Document, read
from generator.entries.model import KINDS, SLUG, Dataset, Taxonomy
from generator.entries.problem import Code, Problem
from generator.escape import terminal

TAXONOMY = "taxonomy.yaml"
DATASETS = "datasets.yaml"
CHOOSE = "choose.yaml"
GLOSSARY = "glossary.yaml"
TURNED_DOWN = "turned-down.yaml"
QUERIES = "queries.yaml"
TEMPLATE = "TEMPLATE.yaml"

CODES = (
    Code(
        "E413",
        "data/ contains only entries, records, digests, schemas, licence, and the files of terms, lists and queries.",
        wrong="data/papers/diff-pruning.yaml, outside a year folder",
        right="data/papers/2023/diff-pruning.yaml",
    ),
    Code(
        "E500",
        "data/taxonomy.yaml contains the vocabularies, each term with a name and a sentence.",
        wrong="a term without text: in data/taxonomy.yaml",
        right="name and text, as in the other terms",
    ),
    Code(
        "E505",
        "data/datasets.yaml contains the data sets, each with a name, a kind and a sentence.",
        wrong="a data set without kind: in data/datasets.yaml",
        right="name, kind and text, as in the other data sets",
    ),
)


def _slug(key: str) -> str:
    if SLUG.fullmatch(key) is None:
        raise PydanticCustomError("slug", "a slug is expected: a-z, 0-9 and single dashes")
    return key


class _Datasets(RootModel[dict[Annotated[str, AfterValidator(_slug)], Dataset]]):
    pass


M = TypeVar("M", bound=BaseModel)


def entry_files(data: Path) -> Iterator[tuple[str, Path]]:
    """Kind and file of every entry, in a fixed order."""
    for kind in KINDS:
        pattern = "*/*.yaml" if kind == "papers" else "*.yaml"
        for file in sorted((data / kind).glob(pattern)):
            if not is_leftover(file.name):
                yield kind, file


def read_drafts(data: Path, problems: list[Problem]) -> Iterator[Draft]:
    """Every entry that can be parsed; faults are added to ``problems``."""
    entries = {file: kind for kind, file in entry_files(data)}
    known = {data / name for name in (TAXONOMY, DATASETS, CHOOSE, GLOSSARY, TURNED_DOWN, QUERIES, TEMPLATE, "LICENSE")}
    for file in sorted(data.rglob("*")):
        relative = file.relative_to(data)
        if (
            file in entries
            or file in known
            or relative.parts[0] in ("arxiv", "digests", "schema")
            or any(map(is_leftover, relative.parts))
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
                "move it to papers/<year>/<slug>.yaml, or to <slug>.yaml in tools/, articles/ or models/",
            )
        )
    for file, kind in entries.items():
        document, faults = read(file, terminal(f"data/{file.relative_to(data).as_posix()}"))
        problems.extend(faults)
        if document is not None:
            yield Draft(kind, file.name.removesuffix(".yaml"), document)


def read_taxonomy(data: Path, problems: list[Problem]) -> tuple[Taxonomy | None, Document | None]:
    """The vocabularies and their places in the file; their faults are added to ``problems``."""
    return read_as(Taxonomy, data, TAXONOMY, "E500", "write name and text, as the other terms do", problems)


def read_datasets(data: Path, problems: list[Problem]) -> tuple[Mapping[str, Dataset] | None, Document | None]:
    """The data sets by slug and their places in the file; their faults are added to ``problems``."""
    fix = "write name, kind and text, as the other data sets do"
    datasets, document = read_as(_Datasets, data, DATASETS, "E505", fix, problems)
    return (None if datasets is None else datasets.root), document


def read_as(
    model: type[M], data: Path, file: str, code: str, fix: str, problems: list[Problem]
) -> tuple[M | None, Document | None]:
    """A file below ``data`` as one record, and the places of its parts.

    Args:
        model: of the record.
        data: the folder of the catalogue.
        file: name of the file.
        code: of the problems of its types.
        fix: of these problems.
        problems: takes the faults.

    Returns:
        The record, None if a value has the wrong type; and the document, None if it cannot be parsed.
    """
    document, faults = read(data / file, f"data/{file}")
    problems.extend(faults)
    if document is None:
        return None, None
    try:
        return model.model_validate(document.data), document
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = document.place(tuple(detail["loc"]))
            message = f"{terminal('.'.join(map(str, detail['loc'])))}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
            problems.append(Problem(document.path, place.line, place.column, code, message, fix))
        return None, document


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

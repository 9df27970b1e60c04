"""The arXiv records on disk, ``data/arxiv/<year>/<id>.json``: read all at once, written one by one and whole.

A record is replaced only by a better one, and only when its content changes, so a refresh that finds nothing
new leaves an empty diff. No network here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from generator.entries.leftovers import is_leftover
from generator.entries.model import ArxivRecord, month_of_arxiv_id
from generator.entries.plain_text import plain
from generator.entries.problem import Code, Problem
from generator.write import write_file

CODES = (
    Code(
        "E607",
        "data/arxiv/ contains only records as `enrich` wrote them, named by id.",
        wrong="a record edited by hand that is no longer JSON",
        right="make enrich ID=2305.10924 writes it again",
    ),
)

MAX_BYTES = 1024 * 1024
"""The longest author lists of arXiv (about 3,000 names) take a tenth of this."""

MAX_TITLE = 500
MOST_TITLES = 10
"""So many former titles of so many characters are kept."""

_PLACE = "data/arxiv"
# What the API gives for every paper. A new record without one of these comes from a damaged answer; a comment,
# a DOI or a journal reference, on the other hand, may be taken back by the authors.
_ALWAYS_SAID = ("version", "published", "updated", "primary_category", "categories")


class RecordError(ValueError):
    """A record file that cannot be used; ``problem`` names it and the command that replaces it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text())
        self.problem = problem


def record_path(root: Path, arxiv_id: str) -> Path:
    """File of a record in the folder ``root``.

    Raises:
        ValueError: the id has neither the new nor the old form, so it names no year and might name any file.
    """
    return root / month_of_arxiv_id(arxiv_id)[:4] / f"{arxiv_id.replace('/', '__')}.json"


def problem_path(arxiv_id: str) -> str:
    """File of a record as problems name it; the folder, if the id is none."""
    try:
        return record_path(Path(_PLACE), arxiv_id).as_posix()
    except ValueError:
        return _PLACE


def read(root: Path, arxiv_id: str) -> ArxivRecord | None:
    """The record of a paper, or None if there is no file.

    Raises:
        ValueError: the id has neither the new nor the old form.
        RecordError: the file is damaged, has unknown keys or is the record of another paper.
    """
    file = record_path(root, arxiv_id)
    return _load(root, file) if os.path.lexists(file) else None


def read_all(root: Path) -> tuple[dict[str, ArxivRecord], list[Problem]]:
    """Every record by id, and a problem for every other file in the folder."""
    records: dict[str, ArxivRecord] = {}
    problems: list[Problem] = []
    for file in sorted(_files(root)):
        try:
            record = _load(root, file)
        except RecordError as error:
            problems.append(error.problem)
        else:
            records[record.id] = record
    return records, problems


def _files(root: Path) -> Iterator[Path]:
    """Files at any depth, without dot files, which are temporary or a .gitkeep."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names if not (name.startswith(".") or is_leftover(name)))


def _load(root: Path, file: Path) -> ArxivRecord:
    arxiv_id = file.stem.replace("__", "/")
    place = f"{_PLACE}/{file.relative_to(root).as_posix()}"
    again = f"run make enrich ID={arxiv_id}"

    def refused(why: str, fix: str = again) -> RecordError:
        return RecordError(Problem(place, 1, 1, "E607", why, fix))

    try:
        expected = record_path(root, arxiv_id)
    except ValueError:
        raise refused(f"{file.name!r} does not name a record", "delete the file") from None
    if file != expected:
        raise refused(f"{arxiv_id} belongs in {problem_path(arxiv_id)}", f"delete this file, then {again}")
    # A pull request can have anything under this name: a link to another file, or a huge file.
    if file.is_symlink() or not file.is_file():
        raise refused("this is not a plain file", f"delete it, then {again}")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise refused(f"the file is larger than {MAX_BYTES // 1024} KiB")
        record = ArxivRecord.model_validate(json.loads(content))
    except OSError as error:
        raise refused(f"the file cannot be read: {error.strerror}", "make the file readable") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise refused(f"{key!r}: {first['msg']}") from error
    except RecordError:
        raise
    except (ValueError, RecursionError) as error:
        raise refused(f"the file is not JSON: {error}") from error
    if record.id != arxiv_id:
        raise refused(f"the file is the record of {record.id!r}")
    return record


def same_content(new: ArxivRecord, old: ArxivRecord) -> bool:
    """Whether two records have the same content, whenever they were fetched."""
    return new.model_copy(update={"fetched_at": old.fetched_at}) == old


def with_former_titles(new: ArxivRecord, old: ArxivRecord | None) -> ArxivRecord:
    """The new record, which keeps the titles that the paper had: so a renamed paper does not look like another one."""
    if old is None:
        return new
    known = dict.fromkeys((*old.former_titles, old.title, *new.former_titles))
    former = [title for title in known if len(title) <= MAX_TITLE and plain(title) != plain(new.title)]
    return new.model_copy(update={"former_titles": tuple(former[-MOST_TITLES:])})


def is_better(new: ArxivRecord, old: ArxivRecord) -> bool:
    """Whether ``new`` may replace ``old``: its content differs, it is not older, and it has every required field.

    arXiv itself is better than a mirror; an older version or a record without authors is never better.
    """
    if same_content(new, old) or (old.authors and not new.authors):
        return False
    if new.version is not None and old.version is not None and new.version < old.version:
        return False
    if new.source != old.source:
        return new.source == "arxiv-api"
    if any(getattr(old, field) and not getattr(new, field) for field in _ALWAYS_SAID):
        return False
    return _age(new) >= _age(old)


def _age(record: ArxivRecord) -> tuple[int, str, str]:
    return record.version or 0, record.updated or "", record.fetched_at


def write(root: Path, record: ArxivRecord) -> bool:
    """Store a record unless the stored one is as good; True if the file changed.

    Safe against a second run and a kill at any moment. A stored record that cannot be read is replaced.

    Raises:
        ValueError: the id has neither the new nor the old form.
        OSError: the folder cannot be written or is full; the stored record is untouched.
    """
    file = record_path(root, record.id)
    with _locked(root):
        try:
            old = read(root, record.id)
        except RecordError:
            old = None
        record = with_former_titles(record, old)
        if old is not None and not is_better(record, old):
            return False
        write_file(file, _content(record))
        return True


def _content(record: ArxivRecord) -> bytes:
    """Canonical JSON; empty fields are left out, unless they are required."""
    values = {
        key: value
        for key, value in record.model_dump(mode="json").items()
        if value not in (None, "", []) or ArxivRecord.model_fields[key].is_required()
    }
    return f"{json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()


def sweep(root: Path) -> int:
    """Delete the half-written files of killed runs; return their number.

    Raises:
        OSError: the folder cannot be written.
    """
    if not root.is_dir():
        return 0
    # Writers hold the lock for as long as their temporary file lives: one that is here now has no writer.
    with _locked(root):
        stale = list(root.glob("*/.*.json.*"))
        for file in stale:
            file.unlink()
    return len(stale)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One writer at a time. The lock file beside the folder stays, and that of a killed run locks nobody out."""
    from filelock import FileLock  # imported late: only what writes needs it

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(f".{root.name}.lock")):
        yield

"""The committed digests of finished months: read, and compared with themselves."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from generator.entries.leftovers import is_leftover
from generator.entries.model import KINDS, SLUG, Digest, DigestChange, DigestEntry
from generator.entries.problem import Code, Problem
from generator.escape import terminal

FOLDER = "digests"
CODES = (
    Code(
        "E550",
        "data/digests/ contains only digests as `digest` wrote them, named by month.",
        wrong="a digest whose counts were edited by hand",
        right="python -m generator digest 2026-11 writes it again",
    ),
)

MAX_BYTES = 2 * 1024 * 1024
"""The digest of a month with 5,000 new entries takes half of this."""
MONTH = re.compile(r"20\d{2}-(0[1-9]|1[0-2])", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)


def read_digests(data: Path, problems: list[Problem]) -> tuple[Digest, ...]:
    """The digests that can be used, oldest first; the faults of the others are added to ``problems``."""
    folder = data / FOLDER
    digests = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if is_leftover(file.name):
            continue
        try:
            digests.append(_load(file))
        except ValueError as error:
            place = terminal(f"data/{FOLDER}/{file.name}")
            again = f"run python -m generator digest {file.stem}"
            fix = again if MONTH.fullmatch(file.stem) else "delete the file"
            problems.append(Problem(place, 1, 1, "E550", terminal(str(error)).replace("\n", "\\n"), fix))
    return tuple(digests)


def digest_path(root: Path, month: str) -> Path:
    """File of the digest of a month in the repository ``root``."""
    return root / "data" / FOLDER / f"{month}.json"


def as_json(digest: Digest) -> bytes:
    """A digest as its file contains it."""
    document = digest.model_dump(mode="json", exclude_defaults=True)
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _load(file: Path) -> Digest:
    if MONTH.fullmatch(file.stem) is None or file.suffix != ".json":
        raise ValueError(f"{file.name!r} does not name a month")
    # A pull request can have anything under this name: a link to another file, or a huge file.
    if file.is_symlink() or not file.is_file():
        raise ValueError("this is not a plain file")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        digest = Digest.model_validate(json.loads(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{key!r}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the file is not JSON: {error}") from error
    for fault in _faults(digest, file.stem):
        raise ValueError(fault)
    return digest


def _values(entry: DigestEntry) -> Iterator[str]:
    for fact in entry.facts if isinstance(entry, DigestChange) else ():
        yield from (fact.field, *fact.was, *fact.now)


def _faults(digest: Digest, month: str) -> Iterator[str]:
    if digest.month != month:
        yield f"the file is the digest of {digest.month!r}"
    if _COMMIT.fullmatch(digest.commit) is None:
        yield f"{digest.commit!r} is not a commit"
    groups: dict[str, tuple[DigestEntry, ...]] = {
        "added": digest.added,
        "changed": digest.changed,
        "removed": digest.removed,
    }
    for name, group in groups.items():
        keys = [(entry.kind, entry.slug) for entry in group]
        if keys != sorted(set(keys)):
            yield f"{name!r} is not sorted by kind and slug, each once"
        for entry in group:
            if SLUG.fullmatch(entry.slug) is None or (entry.family and SLUG.fullmatch(entry.family) is None):
                yield f"{name!r}: {entry.slug!r} of family {entry.family!r} is not an entry"
            texts = (entry.title, *_values(entry))
            if not all(map(str.isprintable, texts)):
                yield f"{name!r}: {entry.slug!r} has a character that cannot be seen"
    if not any(groups.values()):
        yield "nothing was added, changed or removed"
    added, removed = (Counter(str(entry.kind) for entry in group) for group in (digest.added, digest.removed))
    for kind in KINDS:
        before, after = (counts.get(kind, -1) for counts in (digest.before, digest.after))
        if min(before, after) < 0 or before + added[kind] - removed[kind] != after:
            yield (
                f"{kind}: {before} before, {added[kind]} added, {removed[kind]} removed and {after} after do not agree"
            )
    if not KINDS.keys() == digest.before.keys() == digest.after.keys():
        yield "the counts are not those of the four kinds of entries"

"""What changed in the catalogue between two commits, for programs and for the notes of a release.

Reads the objects of git, never the files on disk. Entries go through the guarded reader and no check, so any revision
can be read, whatever the rules were then; values stay the text of the file.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from generator import escape
from generator.entries.load_yaml import MAX_BYTES, load
from generator.entries.model import KINDS
from generator.entries.tex import text_of
from generator.views.site import ARXIV_ABSTRACT, DOI_RESOLVER

FORMATS = ("text", "json", "markdown")
CHANGES_VERSION = 1
LISTED = 200
"""Largest number of entries in one list of the Markdown form: a release takes 125,000 characters of notes."""
SHORT = 80
"""Values up to this length are shown in full to people; programs get all of them."""

_ENTRY = re.compile(r"data/(?:(papers)/[^/]+|(tools|articles|models))/(?P<slug>[^/\n]+)\.yaml")
_RECORD = re.compile(r"data/arxiv/.+\.json")
_FILE_MODES = ("100644", "100755")
_DISK = "on disk: "
"""Start of the id of a file that is not in git; what follows is its path."""
_SAME_WORK = ("arxiv", "doi", "url", "repo", "title", "name")
"""Fields that identify a renamed entry, the most reliable first."""

Key = tuple[str, str]
"""Kind and slug."""


class RevisionError(ValueError):
    """A revision that git does not know here, or no git at all; the message says which."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, a tag or a tree."""

    name: str
    """As given on the command line."""
    id: str
    """Hash of the commit, or of the tree where there is no commit."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one entry. A missing value is None."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry; for a removed one everything is as it was."""

    kind: str
    slug: str
    title: str
    url: str | None
    old_slug: str | None = None
    """The former name of a renamed entry."""
    family: str | None = None
    """Family of a paper."""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that cannot be read at one of the revisions, so that it cannot be compared."""

    kind: str
    slug: str
    revision: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many arXiv records differ."""

    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs, by kind and slug."""

    old: Revision
    new: Revision
    added: tuple[EntryChange, ...]
    changed: tuple[EntryChange, ...]
    renamed: tuple[EntryChange, ...]
    removed: tuple[EntryChange, ...]
    unreadable: tuple[Unreadable, ...]
    arxiv_records: RecordCounts


@dataclass(frozen=True, slots=True)
class _Blob:
    mode: str
    id: str
    size: int


def changes(root: Path, old: str, new: str | None) -> Changes:
    """Compare ``data/`` of the repository ``root`` at two revisions.

    Args:
        root: of the repository.
        old: the revision to start from.
        new: the one to end with; None for the files on disk, committed or not.

    Raises:
        RevisionError: git does not know a revision, ``root`` is no repository, or there is no git.
    """
    before = _revision(root, old)
    was = _files(root, before)
    if new is None:
        after, now = Revision("the files", ""), _on_disk(root, before, was)
    else:
        after = _revision(root, new)
        now = _files(root, after)
    if not was and not now:
        raise RevisionError(f"neither {old!r} nor {after.name!r} has a file below data/ of this folder")
    old_blobs, new_blobs = _entries(was), _entries(now)
    touched = [key for key in sorted(old_blobs.keys() | new_blobs.keys()) if old_blobs.get(key) != new_blobs.get(key)]
    sides = (old_blobs, before), (new_blobs, after)
    contents = _contents(root, [blobs[key] for blobs, _ in sides for key in touched if key in blobs])
    unreadable: list[Unreadable] = []
    texts: list[dict[Key, Mapping[str, Any]]] = []
    for blobs, revision in sides:
        readable: dict[Key, Mapping[str, Any]] = {}
        for key in touched:
            if key in blobs:
                data = _read(key, blobs[key], contents)
                if isinstance(data, str):
                    unreadable.append(Unreadable(*key, revision.name, data))
                else:
                    readable[key] = data
        texts.append(readable)
    unknown = {(lost.kind, lost.slug) for lost in unreadable}
    old_texts, new_texts = ({key: side[key] for key in side if key not in unknown} for side in texts)
    gone = {key: old_texts[key] for key in old_texts if key not in new_texts}
    come = {key: new_texts[key] for key in new_texts if key not in old_texts}
    names = _renamed(gone, come)
    stayed = [key for key in new_texts if key in old_texts and old_texts[key] != new_texts[key]]
    return Changes(
        old=before,
        new=after,
        added=tuple(_entry_change(key, come[key]) for key in come if key not in names),
        changed=tuple(_entry_change(key, new_texts[key], old_texts[key]) for key in stayed),
        renamed=tuple(_entry_change(key, come[key], gone[former], former[1]) for key, former in sorted(names.items())),
        removed=tuple(_entry_change(key, gone[key]) for key in gone if key not in names.values()),
        unreadable=tuple(sorted(unreadable, key=lambda lost: (lost.kind, lost.slug, lost.revision != before.name))),
        arxiv_records=_records(was, now),
    )


def changed_files(root: Path, old: str) -> frozenset[str]:
    """The files below ``data/`` that are on disk and differ from a revision, or are not in it.

    Raises:
        RevisionError: git does not know the revision, ``root`` is no repository, or there is no git.
    """
    before = _revision(root, old)
    was = _files(root, before)
    now = _on_disk(root, before, was)
    return frozenset(path for path, blob in now.items() if was.get(path) != blob)


def last_until(root: Path, day: str) -> str | None:
    """Hash of the last commit of the current branch until the end of ``day`` (YYYY-MM-DD, UTC); None without one.

    Raises:
        RevisionError: ``root`` is no repository, has no commit or only a part of its history, or there is no git.
    """
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise RevisionError("this clone has only a part of the history; run git fetch --unshallow")
    limit = f"--before={day}T23:59:59Z"
    return _git(root, "rev-list", "--first-parent", "--max-count=1", limit, "HEAD").decode("ascii").strip() or None


def empty_tree(root: Path) -> str:
    """Hash of the state without any file, as the repository ``root`` computes hashes.

    Raises:
        RevisionError: ``root`` is no repository, or there is no git.
    """
    return _git(root, "hash-object", "-t", "tree", "--stdin").decode("ascii").strip()


def numbers(root: Path, revision: str, without: Collection[Key] = ()) -> Mapping[str, int]:
    """How many entries of each kind there were at a revision, those of ``without`` not counted.

    Raises:
        RevisionError: git does not know the revision, ``root`` is no repository, or there is no git.
    """
    entries = _entries(_files(root, _revision(root, revision)))
    counted = Counter(key[0] for key in entries if key not in without)
    return {kind: counted[kind] for kind in KINDS}


def _git(root: Path, *words: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  no shell; what people typed has been resolved to a hash, or cannot be an option
            ["git", "-C", str(root), *words],  # noqa: S607  whichever git is in the path
            input=given,
            capture_output=True,
            check=True,
        )
    except OSError as error:
        raise RevisionError(f"git cannot be run: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()
        raise RevisionError(said.removeprefix("fatal: ") or f"git {words[0]} ended with {error.returncode}") from error
    return done.stdout


def _revision(root: Path, name: str) -> Revision:
    _git(root, "rev-parse", "--git-dir")  # separates a folder without a repository from an unknown revision
    if name and not name.startswith("-") and "\0" not in name:
        named = _object(root, name)
        commit = named and (_object(root, f"{named}^{{commit}}") or _object(root, f"{named}^{{tree}}"))
        if commit:
            return Revision(name, commit)
    raise RevisionError(f"{name!r} is not a commit, a tag or a tree of this repository")


def _object(root: Path, name: str) -> str | None:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", name).decode("ascii").strip()
    except RevisionError:
        return None


def _files(root: Path, revision: Revision) -> dict[str, _Blob]:
    """Every file below data/ of a revision, by its path; none if there was no such folder."""
    blobs = {}
    for line in _git(root, "ls-tree", "-r", "-l", "-z", revision.id, "--", "data/").split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            mode, kind, name, size = about.decode("ascii").split()
            if kind == "blob":
                blobs[path.decode("utf-8", "replace")] = _Blob(mode, name, int(size))
    return blobs


def _on_disk(root: Path, before: Revision, was: Mapping[str, _Blob]) -> dict[str, _Blob]:
    """Every file below data/ as it is on disk, by its path; those that differ have no hash of git."""
    files = dict(was)
    differing = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", before.id, "--", "data/")
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "data/")
    for raw in filter(None, (differing + new).split(b"\0")):
        path = os.fsdecode(raw)
        name = raw.decode("utf-8", "replace")
        try:
            found = (root / path).lstat()
        except OSError:
            files.pop(name, None)
            continue
        mode = _FILE_MODES[0] if stat.S_ISREG(found.st_mode) else "other"
        files[name] = _Blob(mode, f"{_DISK}{path}", found.st_size)
    return files


def _entries(files: Mapping[str, _Blob]) -> dict[Key, _Blob]:
    """The entries among the files. The year of a paper's folder is not part of its name."""
    matches = ((_ENTRY.fullmatch(path), blob) for path, blob in files.items())
    return {(match[1] or match[2], match["slug"]): blob for match, blob in matches if match}


def _records(was: Mapping[str, _Blob], now: Mapping[str, _Blob]) -> RecordCounts:
    old, new = ({path: files[path] for path in files if _RECORD.fullmatch(path)} for files in (was, now))
    changed = sum(old[path].id != new[path].id for path in old.keys() & new.keys())
    return RecordCounts(len(new.keys() - old.keys()), changed, len(old.keys() - new.keys()))


def _contents(root: Path, blobs: Iterable[_Blob]) -> dict[str, bytes]:
    """The bytes of the files that are worth reading, by hash, from one process."""
    every = {blob.id for blob in blobs if blob.mode in _FILE_MODES and blob.size <= MAX_BYTES}
    on_disk = {blob for blob in every if blob.startswith(_DISK)}
    wanted = sorted(every - on_disk)
    answer = _git(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted).encode("ascii"))
    contents, start = {blob: _of_file(root / blob.removeprefix(_DISK)) for blob in on_disk}, 0
    for blob in wanted:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[2])
        contents[blob] = answer[end + 1 : end + 1 + size]
        start = end + 1 + size + 1
    return contents


def _of_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""  # the checks report why


def _read(key: Key, blob: _Blob, contents: Mapping[str, bytes]) -> Mapping[str, Any] | str:
    """The entry as text, lists and mappings, or why it cannot be read."""
    if blob.mode not in _FILE_MODES:
        return "not a regular file"
    if blob.size > MAX_BYTES:
        return f"larger than {MAX_BYTES} bytes"
    document, problems = load(contents[blob.id], "/".join(key))
    if document is None:
        return problems[-1].message  # the one that stopped the reader
    return document.data


def _renamed(gone: Mapping[Key, Mapping[str, Any]], come: Mapping[Key, Mapping[str, Any]]) -> dict[Key, Key]:
    """New key -> former key of the entries of one kind that are the same work under another name."""
    names: dict[Key, Key] = {}
    for field in _SAME_WORK:
        old, new = _by_value(field, gone, names.values()), _by_value(field, come, names)
        for same in old.keys() & new.keys():
            if len(old[same]) == len(new[same]) == 1:
                names[new[same][0]] = old[same][0]
    return names


def _by_value(
    field: str, entries: Mapping[Key, Mapping[str, Any]], settled: Iterable[Key]
) -> dict[tuple[str, str], list[Key]]:
    keys: dict[tuple[str, str], list[Key]] = {}
    done = set(settled)
    for key, data in entries.items():
        value = data.get(field)
        if key not in done and isinstance(value, str) and value:
            keys.setdefault((key[0], value.casefold()), []).append(key)
    return keys


def _entry_change(
    key: Key, data: Mapping[str, Any], old: Mapping[str, Any] | None = None, old_slug: str | None = None
) -> EntryChange:
    kind, slug = key
    texts = {field: value for field, value in data.items() if isinstance(value, str)}
    title = escape.collapse(text_of(texts.get("title") or texts.get("name") or slug))
    address = texts.get("url")
    if "arxiv" in texts:
        address = ARXIV_ABSTRACT + texts["arxiv"]
    elif address is None and "doi" in texts:
        address = DOI_RESOLVER + texts["doi"]
    fields = tuple(_fields(kind, old, data)) if old else ()
    return EntryChange(kind, slug, title, address, old_slug, texts.get("family"), fields)


def _fields(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    """What differs, in the order of the model; fields that the model does not know come last, by name."""
    order = {field: place for place, field in enumerate(KINDS[kind].model_fields)}
    for field in sorted(old.keys() | new.keys(), key=lambda name: (order.get(name, len(order)), name)):
        if old.get(field) != new.get(field):
            yield FieldChange(field, old.get(field), new.get(field))


def render(report: Changes, form: str) -> str:
    """The changes as lines of text, as one JSON document, or as Markdown for the notes of a release.

    Raises:
        ValueError: ``form`` is none of ``FORMATS``.
    """
    if form == "json":
        return json.dumps({"changes_version": CHANGES_VERSION, **asdict(report)}, indent=1)
    if form == "markdown":
        return "\n".join(_markdown(report))
    if form == "text":
        return "\n".join(_text(report))
    raise ValueError(f"format {form!r} is not one of {', '.join(FORMATS)}")


def _text(report: Changes) -> Iterator[str]:
    for word, group in _groups(report):
        for entry in group:
            former = f" (was {entry.old_slug})" if entry.old_slug else ""
            yield f"{word} {entry.kind}/{entry.slug}{former}: {entry.title}"
            yield from (f"    {change.field}: {_in_words(change)}" for change in entry.fields)
    for lost in report.unreadable:
        yield f"unreadable {lost.kind}/{lost.slug} at {lost.revision}: {lost.why}"
    yield _counts(report)


def _markdown(report: Changes) -> Iterator[str]:
    yield f"## Entries from {escape.markdown(report.old.name)} to {escape.markdown(report.new.name)}"
    yield ""
    yield _counts(report)
    for word, group in _groups(report):
        for kind in KINDS:
            members = [entry for entry in group if entry.kind == kind]
            if members:
                yield ""
                yield f"### {word.capitalize()} {kind} ({len(members)})"
                yield ""
                yield from _first(members, _item)
    if report.unreadable:
        yield ""
        yield f"### Unreadable ({len(report.unreadable)})"
        yield ""
        yield from _first(report.unreadable, _lost_item)


def _first(members: Iterable[Any], item: Callable[[Any], str]) -> Iterator[str]:
    rows = [item(member) for member in members]
    yield from rows[:LISTED]
    if len(rows) > LISTED:
        yield f"- and {len(rows) - LISTED} more"


def _item(entry: EntryChange) -> str:
    try:
        title = escape.markdown_link(entry.title, entry.url) if entry.url else escape.markdown(entry.title)
    except ValueError:  # an address of a time when addresses were not checked
        title = escape.markdown(entry.title)
    details = [f"was {entry.old_slug}"] if entry.old_slug else []
    details += [f"{change.field} {_in_words(change)}" for change in entry.fields]
    return f"- {title}{': ' if details else ''}{escape.markdown('; '.join(details))}"


def _lost_item(lost: Unreadable) -> str:
    return f"- {escape.markdown(f'{lost.kind}/{lost.slug} at {lost.revision}: {lost.why}')}"


def _groups(report: Changes) -> tuple[tuple[str, tuple[EntryChange, ...]], ...]:
    names = ("added", "changed", "renamed", "removed")
    return tuple((name, getattr(report, name)) for name in names)


def _counts(report: Changes) -> str:
    counts = ", ".join(f"{len(group)} {word}" for word, group in _groups(report))
    lost = f", {len(report.unreadable)} unreadable" if report.unreadable else ""
    records = report.arxiv_records
    return (
        f"Entries: {counts}{lost}. arXiv records: {records.added} added, {records.changed} changed,"
        f" {records.removed} removed."
    )


def _in_words(change: FieldChange) -> str:
    """A change for people: short values in full, lists by what was added and removed."""
    old, new = change.old, change.new
    if all(isinstance(value, list) for value in (old, new) if value is not None):
        return _of_lists(old or [], new or [])
    if old is None:
        return f"set to {_short(new)}"
    if new is None:
        return f"dropped, was {_short(old)}"
    if all(isinstance(value, str) and len(value) <= SHORT for value in (old, new)):
        return f"{_short(old)} → {_short(new)}"
    return "reworded"


def _short(value: Any) -> str:
    """A value on one line, truncated if it is long."""
    line = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def _of_lists(old: list[Any], new: list[Any]) -> str:
    """Items added to and removed from a list; rows of results are only counted."""
    was, now = (Counter(json.dumps(item, ensure_ascii=False, sort_keys=True) for item in side) for side in (old, new))
    parts = []
    for word, some in (("added", now - was), ("removed", was - now)):
        values = [json.loads(item) for item in some.elements()]
        if values and all(isinstance(value, str) for value in values):
            parts.append(f"{word} {', '.join(map(_short, values))}")
        elif values:
            parts.append(f"{word} {len(values)} row{'s' if len(values) > 1 else ''}")
    return ", ".join(parts) or "reordered"

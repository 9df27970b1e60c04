"""Records on disk: round trip, what replaces what, damaged files, kills, two writers, disks that fail."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.arxiv import records as arxiv_records
from generator.entries.model import ARXIV_NEW, ARXIV_OLD, ArxivRecord
from tests.work import ENDLESS

REPOSITORY = Path(__file__).parents[2]
ID = "2305.10924"
Make = Callable[..., ArxivRecord]

text = st.text(min_size=1, max_size=40)
day = st.dates().map(str)
records = st.builds(
    ArxivRecord,
    id=st.from_regex(ARXIV_NEW, fullmatch=True) | st.from_regex(ARXIV_OLD, fullmatch=True),
    version=st.none() | st.integers(0, 10**6),
    title=text,
    authors=st.lists(text, max_size=4).map(tuple),
    published=st.none() | day,
    updated=st.none() | day,
    primary_category=st.none() | text,
    categories=st.lists(text, max_size=3).map(tuple),
    doi=st.none() | text,
    journal_ref=st.none() | text,
    comment=st.none() | text,
    source=st.sampled_from(["arxiv-api", "mirror"]),
    fetched_at=day,
)


@given(records)
def test_round_trip(record: ArxivRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        assert arxiv_records.write(root, record)
        assert arxiv_records.read(root, record.id) == record
        assert arxiv_records.read_all(root) == ({record.id: record}, [])
        before = arxiv_records.record_path(root, record.id).read_bytes()
        assert not arxiv_records.write(root, record)
        assert arxiv_records.record_path(root, record.id).read_bytes() == before
        assert before == (json.dumps(json.loads(before), ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


@given(records, records)
def test_better_is_never_mutual_and_never_reflexive(one: ArxivRecord, other: ArxivRecord) -> None:
    other = other.model_copy(update={"id": one.id})
    assert not arxiv_records.is_better(one, one)
    if one.fetched_at != other.fetched_at:
        assert not (arxiv_records.is_better(one, other) and arxiv_records.is_better(other, one))


def test_form_of_a_file(tmp_path: Path, record: Make) -> None:
    arxiv_records.write(tmp_path, record(title="Größe\u2028ℓ₀", doi=None, categories=()))
    file = tmp_path / "2023" / "2305.10924.json"
    assert file.read_bytes().decode() == (
        '{\n "authors": [\n  "Gongfan Fang",\n  "Xinyin Ma",\n  "Xinchao Wang"\n ],\n'
        ' "comment": "NeurIPS 2023",\n "fetched_at": "2026-01-02",\n "id": "2305.10924",\n'
        ' "primary_category": "cs.LG",\n'
        ' "published": "2023-05-18",\n "source": "arxiv-api",\n "title": "Größe\u2028ℓ₀",\n'
        ' "updated": "2023-10-01",\n "version": 2\n}\n'
    )
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.rglob("*")) == [tmp_path / "2023", file]


@pytest.mark.parametrize(
    ("arxiv_id", "path"),
    [
        ("2305.10924", "2023/2305.10924.json"),
        ("0704.0001", "2007/0704.0001.json"),
        ("quant-ph/0201082", "2002/quant-ph__0201082.json"),
        ("math.GT/9309136", "1993/math.GT__9309136.json"),
    ],
)
def test_path(arxiv_id: str, path: str) -> None:
    assert arxiv_records.record_path(Path("r"), arxiv_id) == Path("r") / path
    assert arxiv_records.problem_path(arxiv_id) == f"data/arxiv/{path}"


@pytest.mark.parametrize("arxiv_id", ["", "abc", "../2305.10924", "2305.10924v1", "2305.10924\n", "a/../0201082", "/x"])
def test_no_path_for_what_is_no_id(arxiv_id: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not an arXiv id"):
        arxiv_records.record_path(tmp_path, arxiv_id)
    assert arxiv_records.problem_path(arxiv_id) == "data/arxiv"


BETTER: dict[str, tuple[dict[str, object], dict[str, object], bool]] = {
    "newer version": ({"version": 3}, {"version": 2}, True),
    "older version": ({"version": 1, "title": "Older"}, {"version": 2}, False),
    "older version from the api": ({"version": 1}, {"version": 2, "source": "mirror"}, False),
    "same content, later day": ({"fetched_at": "2026-11-22"}, {}, False),
    "no authors": ({"version": 3, "authors": ()}, {}, False),
    "authors at last": ({}, {"authors": ()}, True),
    "version lost": ({"version": None, "title": "X"}, {}, False),
    "categories lost": ({"categories": (), "title": "X"}, {}, False),
    "date lost": ({"published": None, "title": "X"}, {}, False),
    "comment taken back": ({"comment": None, "fetched_at": "2026-11-22"}, {}, True),
    "comment changed later": ({"comment": "b", "fetched_at": "2026-11-22"}, {"comment": "a"}, True),
    "comment changed earlier": ({"comment": "b", "fetched_at": "2025-11-22"}, {"comment": "a"}, False),
    "api for mirror": ({"fetched_at": "2026-11-22"}, {"source": "mirror"}, True),
    "api for mirror with fewer fields": (
        {"version": None},
        {"source": "mirror", "version": None, "doi": "x"},
        True,
    ),
    "mirror for api": ({"source": "mirror", "version": 9}, {}, False),
    "mirror for mirror": ({"source": "mirror", "doi": "x"}, {"source": "mirror"}, True),
}


@pytest.mark.parametrize("name", BETTER)
def test_is_better(name: str, record: Make, tmp_path: Path) -> None:
    new, old, expected = BETTER[name]
    assert arxiv_records.is_better(record(**new), record(**old)) is expected
    arxiv_records.write(tmp_path, record(**old))
    assert arxiv_records.write(tmp_path, record(**new)) is expected
    assert arxiv_records.read(tmp_path, ID) == (record(**new) if expected else record(**old))


def test_nothing_there(tmp_path: Path) -> None:
    assert arxiv_records.read(tmp_path, ID) is None
    assert arxiv_records.read_all(tmp_path / "none") == ({}, [])
    assert arxiv_records.sweep(tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()


GOOD = '{"id": "2305.10924", "title": "T", "authors": ["A"], "source": "mirror", "fetched_at": "2026-01-01"}'
DAMAGED = {
    "empty": (b"", "not JSON"),
    "cut": (GOOD[:30].encode(), "not JSON"),
    "not UTF-8": (b'{"id": "\xff"}', "not JSON"),
    "deep": (b"[" * 100_000, "not JSON"),
    "long number": (b'{"version": ' + b"9" * 5000 + b"}", "not JSON"),
    "a list": (b"[]", "'the file': Input should be"),
    "of the future": (GOOD.replace('"title"', '"schema": 2, "title"').encode(), "'schema': Extra inputs"),
    "without title": (GOOD.replace('"title": "T",', "").encode(), "'title': Field required"),
    "empty title": (GOOD.replace('"T"', '""').encode(), "'title': String should have"),
    "lone surrogate": (GOOD.replace('"T"', r'"\ud800"').encode(), "'title': Input should be"),
    "of another paper": (GOOD.replace("10924", "10925").encode(), "is the record of '2305.10925'"),
    "large": (b" " * 2**21, "larger than 1024 KiB"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_named_and_replaced(name: str, tmp_path: Path, record: Make) -> None:
    content, message = DAMAGED[name]
    arxiv_records.write(tmp_path, record("2305.10000"))
    file = tmp_path / "2023" / "2305.10924.json"
    file.write_bytes(content)
    found, (problem,) = arxiv_records.read_all(tmp_path)
    assert list(found) == ["2305.10000"]
    assert (problem.path, problem.code, problem.severity) == (
        "data/arxiv/2023/2305.10924.json",
        "E607",
        "error",
    )
    assert message in problem.message
    assert problem.fix == "run make enrich ID=2305.10924"
    with pytest.raises(arxiv_records.RecordError) as caught:
        arxiv_records.read(tmp_path, ID)
    assert caught.value.problem == problem
    assert arxiv_records.write(tmp_path, record())
    assert arxiv_records.read_all(tmp_path)[1] == []


@pytest.mark.parametrize(
    ("place", "message", "fix"),
    [
        (
            "2022/2305.10924.json",
            "2305.10924 belongs in data/arxiv/2023/2305.10924.json",
            "delete this file, then run make enrich ID=2305.10924",
        ),
        (
            "2305.10924.json",
            "2305.10924 belongs in data/arxiv/2023/2305.10924.json",
            "delete this file, then run make enrich ID=2305.10924",
        ),
        ("2023/notes.txt", "'notes.txt' does not name a record", "delete the file"),
    ],
)
def test_misfiled(place: str, message: str, fix: str, tmp_path: Path) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(GOOD)
    found, (problem,) = arxiv_records.read_all(tmp_path)
    assert found == {}
    assert (problem.path, problem.message, problem.fix) == (f"data/arxiv/{place}", message, fix)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(GOOD)
    root = tmp_path / "arxiv"
    (root / "2023").mkdir(parents=True)
    (root / "2023" / "2305.10924.json").symlink_to(tmp_path / "elsewhere.json")
    found, (problem,) = arxiv_records.read_all(root)
    assert found == {}
    assert problem.message == "this is not a plain file"


def test_many(tmp_path: Path, record: Make) -> None:
    for number in range(500):
        made = record(f"{20 + number % 6}01.{number:05}", authors=tuple(f"Author {i}" for i in range(8)))
        file = arxiv_records.record_path(tmp_path, made.id)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(arxiv_records._content(made))
    found, problems = arxiv_records.read_all(tmp_path)
    assert (len(found), problems) == (500, [])


# What a disk does


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_read_only(code: int, tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    arxiv_records.write(tmp_path, record())

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OSError, match=os.strerror(code)):
        arxiv_records.write(tmp_path, record(version=3))
    assert arxiv_records.read(tmp_path, ID) == record()


@pytest.mark.parametrize("failing", ["fsync", "replace", "interrupt"])
def test_full_disk(failing: str, tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    arxiv_records.write(tmp_path, record())
    raised: BaseException = KeyboardInterrupt() if failing == "interrupt" else OSError(errno.ENOSPC, "No space")

    def refuse(*args: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace" if failing == "replace" else "os.fsync", refuse)
        with pytest.raises(type(raised)):
            arxiv_records.write(tmp_path, record(version=3))
    assert arxiv_records.read(tmp_path, ID) == record()
    assert [file.name for file in (tmp_path / "2023").iterdir()] == ["2305.10924.json"]
    assert arxiv_records.write(tmp_path, record(version=3))  # The lock was let go.


# Kills. The child writes versions of three records until it is killed, at a stage of a write or at any time.

CHILD = """
import os, pathlib, signal, sys, tempfile
from generator.arxiv import records as arxiv_records
from generator.entries.model import ArxivRecord

root, first, last, stages = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def half(descriptor, mode):
    os.write(descriptor, b'{"authors": [')
    die()

def after(owner, name):
    act = getattr(owner, name)
    def acted(*args, **kwargs):
        act(*args, **kwargs)
        die()
    setattr(owner, name, acted)

import filelock  # the first write would import it, which takes as long as many writes
print("ready", flush=True)
stage = ""
for name in stages:  # a child for each, which goes on below
    if os.fork() == 0:
        root, stage = root / name, name
        break
    _, status = os.wait()
    print(name, os.waitstatus_to_exitcode(status), flush=True)
else:
    if stages:
        sys.exit()
if stage == "made": after(tempfile, "mkstemp")
if stage == "half": os.fdopen = half
if stage == "unsynced": os.fsync = die
if stage == "synced": after(os, "fsync")
if stage == "unnamed": pathlib.Path.replace = die
if stage == "named": after(pathlib.Path, "replace")
if stage.isdigit():
    now = iter([False] * int(stage) + [True])
    sys.addaudithook(lambda *_: die() if next(now, False) else None)
for version in range(first, last):
    for number in range(3):
        arxiv_records.write(root, ArxivRecord(
            id=f"2305.0000{number}", version=version, title=f"Title {version} " + "x" * 20_000,
            authors=("Ada",), source="arxiv-api", fetched_at="2026-01-01"))
"""


def child(root: Path, first: int, last: int, *stages: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(root), str(first), str(last), *stages]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def whole(root: Path) -> dict[str, int | None]:
    """Versions of the records, all of which must be whole."""
    found, problems = arxiv_records.read_all(root)
    assert problems == []
    assert all(r.title == f"Title {r.version} " + "x" * 20_000 for r in found.values())
    return {arxiv_id: r.version for arxiv_id, r in found.items()}


def test_killed_at_each_stage(tmp_path: Path) -> None:
    old = ArxivRecord(
        id="2305.00000",
        version=1,
        title="Title 1 " + "x" * 20_000,
        authors=("Ada",),
        source="arxiv-api",
        fetched_at="2026-01-01",
    )
    stages = ("made", "half", "unsynced", "synced", "unnamed", "named")
    for stage in stages:
        arxiv_records.write(tmp_path / stage, old)
    with child(tmp_path, 2, 3, *stages) as process:
        output, _ = process.communicate(timeout=ENDLESS)
    assert output.splitlines() == ["ready", *(f"{stage} {-signal.SIGKILL}" for stage in stages)]
    for stage in stages:
        root = tmp_path / stage
        assert whole(root) == {"2305.00000": 2 if stage == "named" else 1}, stage
        assert arxiv_records.sweep(root) == (0 if stage == "named" else 1), stage
        assert [file.name for file in (root / "2023").iterdir()] == ["2305.00000.json"], stage


def test_killed_at_any_time(tmp_path: Path) -> None:
    """In front of anything that Python reports to an audit hook: the operations on files, and others."""
    events = [str(number) for number in sorted(random.Random(0).sample(range(1_000), 20))]
    with child(tmp_path, 1, 10**6, *events) as process:
        output, _ = process.communicate(timeout=ENDLESS)
    assert output.splitlines() == ["ready", *(f"{event} {-signal.SIGKILL}" for event in events)]
    written = []
    for event in events:
        versions = [version or 0 for version in whole(tmp_path / event).values()]
        assert versions == sorted(versions, reverse=True)
        assert max(versions, default=0) - min(versions, default=0) <= 1
        written.append(sum(versions))
        arxiv_records.sweep(tmp_path / event)
        assert all(file.suffix == ".json" for file in (tmp_path / event).glob("*/*"))
    assert written == sorted(written)
    assert written[-1] > 6


def test_two_writers(tmp_path: Path) -> None:
    with child(tmp_path, 1, 80) as one, child(tmp_path, 41, 120) as other:
        while one.poll() is None or other.poll() is None:
            whole(tmp_path)
            arxiv_records.sweep(tmp_path)  # Must not take what a living writer is about to name.
    assert (one.returncode, other.returncode) == (0, 0)
    assert whole(tmp_path) == {f"2305.0000{number}": 119 for number in range(3)}
    assert len(list(tmp_path.glob("*/*"))) == 3

"""The committed digests: what is read, and what is rejected with which message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from generator.checks.digests import MAX_BYTES, as_json, read_digests
from generator.checks.validate import validate
from generator.entries.model import Digest
from generator.entries.problem import Problem

ROOT = Path(__file__).parents[2]
ZERO = {"papers": 0, "tools": 0, "articles": 0, "models": 0}
ENTRY = {"kind": "papers", "slug": "wanda", "title": "Wanda", "family": "pruning"}
AGAIN = "fix: run python -m generator digest 2026-10"


def document(**changes: Any) -> dict[str, Any]:
    """A digest in which one paper was added."""
    return {
        "month": "2026-10",
        "commit": "a" * 40,
        "before": ZERO,
        "after": {**ZERO, "papers": 1},
        "added": [ENTRY],
        **changes,
    }


def read(
    data: Path, content: bytes | dict[str, Any], name: str = "2026-10.json"
) -> tuple[tuple[Digest, ...], list[str]]:
    file = data / "digests" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    problems: list[Problem] = []
    return read_digests(data, problems), [problem.text() for problem in problems]


def test_digests_are_read_in_the_order_of_their_months(tmp_path: Path) -> None:
    read(tmp_path, document(month="2026-11"), "2026-11.json")
    found, problems = read(tmp_path, document())
    assert [digest.month for digest in found] == ["2026-10", "2026-11"]
    assert problems == []


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    fact = {"field": "venue", "now": ["ICLR 2027"]}
    digest = Digest.model_validate(document(changed=[{**ENTRY, "slug": "obs-diff", "facts": [fact]}]))
    found, problems = read(tmp_path, as_json(digest))
    assert (found, problems) == ((digest,), [])
    assert as_json(found[0]) == as_json(digest)


def test_without_the_folder_there_are_no_digests(tmp_path: Path) -> None:
    problems: list[Problem] = []
    assert read_digests(tmp_path, problems) == ()
    assert problems == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"month": "2026-11"}, "the file is the digest of '2026-11'"),
        ({"commit": "main"}, "'main' is not a commit"),
        ({"added": [ENTRY, ENTRY]}, "'added' is not sorted by kind and slug, each once"),
        ({"added": [{**ENTRY, "slug": "../x"}]}, "'added': '../x' of family 'pruning' is not an entry"),
        ({"added": [{**ENTRY, "family": "<b>"}]}, "'added': 'wanda' of family '<b>' is not an entry"),
        ({"added": [{**ENTRY, "title": "a\u202eb"}]}, "'added': 'wanda' has a character that cannot be seen"),
        (
            {"changed": [{**ENTRY, "facts": [{"field": "venue", "now": ["\x1b[31m"]}]}]},
            "'changed': 'wanda' has a character that cannot be seen",
        ),
        ({"added": [], "after": ZERO}, "nothing was added, changed or removed"),
        ({"after": ZERO}, "papers: 0 before, 1 added, 0 removed and 0 after do not agree"),
        ({"before": {"papers": 0}}, "tools: -1 before, 0 added, 0 removed and 0 after do not agree"),
        ({"after": {**ZERO, "papers": 1, "books": 1}}, "the counts are not those of the four kinds of entries"),
        (
            {"added": [{**ENTRY, "kind": "books"}]},
            "'added.0.kind': Input should be 'papers', 'tools', 'articles' or 'models'",
        ),
        ({"more": 1}, "'more': Extra inputs are not permitted"),
    ],
)
def test_what_no_command_wrote_is_rejected(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    found, problems = read(tmp_path, document(**changes))
    assert found == ()
    assert problems == [f"data/digests/2026-10.json:1:1: error[E550]: {why}. {AGAIN}"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "the file is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"[" * 100_000, "the file is not JSON: maximum recursion depth exceeded"),
        (b"\xff", "the file is not JSON: "),
        (b" " * (MAX_BYTES + 1), "the file is larger than 2048 KiB"),
        (b"[]", "'the file': Input should be a valid dictionary or instance of Digest"),
    ],
    ids=["cut", "deep", "bytes", "large", "list"],
)
def test_damaged_files_are_rejected(tmp_path: Path, content: bytes, why: str) -> None:
    found, (problem,) = read(tmp_path, content)
    assert found == ()
    assert problem.startswith(f"data/digests/2026-10.json:1:1: error[E550]: {why}")


@pytest.mark.parametrize("name", ["november.json", "2026-13.json", "2026-10.yaml", "0000-01.json"])
def test_other_files_are_rejected(tmp_path: Path, name: str) -> None:
    _, (problem,) = read(tmp_path, document(), name)
    fix = AGAIN if name.startswith("2026-10") else "fix: delete the file"
    assert problem == f"data/digests/{name}:1:1: error[E550]: {name!r} does not name a month. {fix}"


def test_a_link_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "digests").mkdir()
    (tmp_path / "digests/2026-10.json").symlink_to("/etc/passwd")
    problems: list[Problem] = []
    assert read_digests(tmp_path, problems) == ()
    assert [one.text() for one in problems] == [
        f"data/digests/2026-10.json:1:1: error[E550]: this is not a plain file. {AGAIN}"
    ]


def test_validate_reads_them_and_fails_on_a_bad_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml", "LICENSE"):
        shutil.copy(ROOT / "data" / name, data)
    read(data, document())
    catalogue = validate(data).catalogue
    assert catalogue is not None
    assert [digest.month for digest in catalogue.digests] == ["2026-10"]
    read(data, document(commit="main"))
    outcome = validate(data)
    assert outcome.catalogue is None
    assert [problem.code for problem in outcome.problems if problem.severity == "error"] == ["E550"]

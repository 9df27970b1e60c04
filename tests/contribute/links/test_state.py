"""The state survives from one run to the next, whole or not at all."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.contribute.check_links import MAX_STATE, State, read_state, write_state

STATE = State(
    {
        "https://b.example/ü": datetime(2026, 11, 2, 3, tzinfo=UTC),
        "https://a.example/": datetime(2026, 1, 1, tzinfo=UTC),
    }
)


def test_a_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "build" / "links.json"
    write_state(file, STATE)
    assert read_state(file) == STATE
    assert file.read_text("utf-8") == (
        '{\n "first_seen_gone": {\n  "https://a.example/": "2026-01-01T00:00:00+00:00",\n'
        '  "https://b.example/ü": "2026-11-02T03:00:00+00:00"\n }\n}\n'
    )
    assert [entry.name for entry in file.parent.iterdir()] == ["links.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"{}", b"null", b'"x"', b'{"first_seen_gone": []}',
        b'{"first_seen_gone": {"a": 1}}', b'{"first_seen_gone": {"a": "soon"}}', b"[" * 100_000,
        b'{"first_seen_gone": {"a": "2026-11-02"}}',
        b'{"first_seen_gone": {"a": "2026-11-02T00:00:00"}}', b" " * MAX_STATE + b"{}",
    ],
)  # fmt: skip
def test_a_spoilt_state_knows_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "links.json"
    file.write_bytes(content)
    assert read_state(file) == State()


def test_no_file_and_a_folder_know_nothing(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none.json") == State()
    assert read_state(tmp_path) == State()


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_failed_write_leaves_the_former_state_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    file = tmp_path / "links.json"
    write_state(file, STATE)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_state(file, State())
    assert read_state(file) == STATE
    assert [entry.name for entry in tmp_path.iterdir()] == ["links.json"]

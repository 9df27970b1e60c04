"""Rows of a stopped run: given back, kept, gone when the run is through, and never mixed with those of another."""

import contextlib
import re
from pathlib import Path

import pytest

from reference_impls.files.journal import OtherRun, journal

SETTINGS = {"budgets": {"dit": 3}, "versions": {"torch": "2"}}


def stopped(file: Path, *jobs: list[dict[str, int]]) -> list[dict[str, int]]:
    """What a run finds that keeps these jobs and is interrupted."""
    found = []
    with contextlib.suppress(KeyboardInterrupt), journal(file, SETTINGS) as (rows, keep):
        found = rows
        for job in jobs:
            keep(job)
        raise KeyboardInterrupt
    assert file.is_file()
    return found


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "rows.partial"
    stopped(file, [{"a": 1}, {"a": 2}])
    stopped(file, [{"b": 3}])
    with journal(file, SETTINGS) as (rows, keep):
        assert rows == [{"a": 1}, {"a": 2}, {"b": 3}]
        keep([{"c": 4}])
        assert len(file.read_text("utf-8").splitlines()) == 4
    assert list(file.parent.iterdir()) == []


def test_a_job_that_was_cut_off_runs_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.partial"
    stopped(file, [{"a": 1}], [{"b": 2}])
    whole = file.read_text("utf-8")
    for end in range(whole.index("\n") + 1, len(whole)):
        file.write_text(whole[:end], "utf-8")
        assert stopped(file) == [{"a": 1}, {"b": 2}][: whole[:end].count("\n") - 1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({**SETTINGS, "budgets": {"dit": 4}}, "holds rows of a run with other budgets; move it away, or finish"),
        ({"budgets": {"dit": 4}, "versions": {}}, "holds rows of a run with other budgets and versions; move"),
    ],
)
def test_rows_of_another_run_are_not_mixed_in(tmp_path: Path, settings: dict[str, object], told: str) -> None:
    file = tmp_path / "rows.partial"
    stopped(file, [{"a": 1}])
    before = file.read_bytes()
    with pytest.raises(OtherRun, match=f"^{re.escape(str(file))} {told}"), journal(file, settings):
        pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["", "{}\n", "[1]\n", "not JSON\n", '{"budgets": {}}\nnot JSON\n[]\n'])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.partial"
    file.write_text(text, "utf-8")
    with pytest.raises(OtherRun), journal(file, SETTINGS):
        pass
    assert file.read_text("utf-8") == text

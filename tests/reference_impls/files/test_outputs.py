"""Where results go: whole or not at all, open to whom the umask says, and never a temporary path in a message."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reference_impls.files.outputs import check_file, new_folder, write_rows


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_new_folder_respects_the_umask(tmp_path: Path, umask: int) -> None:
    out = tmp_path / "some" / "out"
    with new_folder(out) as fresh:
        save_file({"a": torch.zeros(1)}, fresh / "a.safetensors")
        (fresh / "b.json").write_text("{}")
        assert not out.exists()
    assert out.stat().st_mode & 0o777 == 0o777 & ~umask
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o666 & ~umask}
    assert list((tmp_path / "some").iterdir()) == [out]


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_of_a_failure(tmp_path: Path, kind: type[BaseException]) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "out") as fresh:
            (fresh / "half").write_text("")
            raise kind

    with pytest.raises(kind):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    told = re.escape(f"{tmp_path}/out cannot be written: No space left on device")
    with pytest.raises(ValueError, match=f"^{told}$"), new_folder(tmp_path / "out") as fresh:
        raise OSError(28, "No space left on device", str(fresh / "model.safetensors"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_meanwhile_is_left_alone(tmp_path: Path) -> None:
    told = re.escape(f"{tmp_path}/out exists; choose another --out or delete it")
    with pytest.raises(FileExistsError, match=f"^{told}$"), new_folder(tmp_path / "out"):
        (tmp_path / "out").mkdir()
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


def test_a_file_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("")
    check_file(tmp_path / "rows.json")
    check_file(tmp_path / "some/new/rows.json")
    assert not (tmp_path / "some").exists()


@pytest.mark.parametrize(
    "document",
    [
        {"settings": {"rows": []}, "rows": [{"a": 1}, {"a": 2}]},
        {"rows": [{"text": '"noise": []'}], "noise": [{"b": None}], "empty": [], "nested": {"noise": [], "c": {}}},
        {'a "quoted" name': [1.5, "x\ny"], "plain": "text"},
        {},
    ],
)
def test_rows_stay_in_their_place(tmp_path: Path, document: dict[str, object]) -> None:
    """Whatever nested lists and texts look like the name of a list that is written row by row."""
    file = tmp_path / "new" / "rows.json"
    write_rows(document, file)
    assert json.loads(file.read_text("utf-8")) == document
    assert list(file.parent.iterdir()) == [file]


def test_every_row_has_a_line_of_its_own(tmp_path: Path) -> None:
    write_rows({"machine": {"cpu": "x"}, "rows": [{"a": 1}, {"a": 2}]}, tmp_path / "rows.json")
    expected = '{\n "machine": {\n  "cpu": "x"\n },\n "rows": [\n  {"a": 1},\n  {"a": 2}\n ]\n}\n'
    assert (tmp_path / "rows.json").read_text("utf-8") == expected

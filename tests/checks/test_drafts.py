"""What may stand under data/, and a taxonomy that does not fit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from generator.checks.validate import validate
from tests.conftest import Checker


@pytest.fixture
def data(tmp_path: Path, root: Path, checker: Checker) -> Path:
    (tmp_path / "papers/2023").mkdir(parents=True)
    (tmp_path / "papers/2023/x.yaml").write_text(checker.entry(), encoding="utf-8")
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        shutil.copy(root / "data" / name, tmp_path)
    return tmp_path


def errors(data: Path) -> list[str]:
    return [problem.text() for problem in validate(data).problems if problem.severity == "error"]


def test_a_small_catalogue(data: Path) -> None:
    outcome = validate(data)
    assert (outcome.entries, outcome.errors) == (1, 0)
    assert outcome.catalogue is not None
    assert list(outcome.catalogue.papers) == ["x"]


LEFT = [
    ".arxiv.lock",
    ".DS_Store",
    "papers/2023/.DS_Store",
    "papers/2023/.x.yaml.swp",
    "papers/2023/x.yaml~",
    "papers/2023/x.yaml.orig",
    "papers/2023/._x.yaml",
    "papers/2023/#x.yaml#",
    "papers/2024/.gitkeep",
    "papers/2023/x.yaml.bak",
    "papers/2023/x.yaml.save",
    "papers/2023/.x.yaml.kate-swp",
    "papers/2023/.syncthing.x.yaml.tmp",
    "papers/2023/~$x.yaml",
    ".Trashes/501/x.yaml",
    ".fseventsd/0001",
    "tools/Thumbs.db",
    "tools/desktop.ini",
    "articles/.~lock.a.yaml#",
    "__MACOSX/papers/2023/._x.yaml",
    "arxiv/2023/Thumbs.db",
    "arxiv/.DS_Store",
]


@pytest.mark.parametrize("name", LEFT)
def test_files_of_editors_and_systems_are_ignored(data: Path, root: Path, name: str) -> None:
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    (data / name).write_bytes(b"\0\5\x16\7")
    assert errors(data) == []
    if "keep" not in name:  # a file for Git itself
        command = ["git", "check-ignore", "--no-index", "--quiet", f"data/{name}"]
        assert subprocess.run(command, cwd=root, check=False).returncode == 0


def test_the_lock_of_emacs_is_ignored(data: Path) -> None:
    (data / "papers/2023/.#x.yaml").symlink_to("someone@host.123:456")
    assert errors(data) == []


@pytest.mark.parametrize(
    "name",
    [
        "x.txt",
        "papers/x.yaml",
        "papers/2023/a/b.yaml",
        "papers/2023/x.yml",
        "tools/a/b.yaml",
        "articles/.hidden",
        "a b",
    ],
)
def test_other_files(data: Path, name: str) -> None:
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    (data / name).write_bytes(b"")
    place = "move it to papers/<year>/<slug>.yaml, or to <slug>.yaml in tools/, articles/ or models/"
    assert errors(data) == [f"data/{name}:1:1: error[E413]: not an entry. fix: {place}"]


def test_files_that_belong_there(data: Path) -> None:
    for name in ("TEMPLATE.yaml", "LICENSE", "schema/paper.schema.json"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"")
    assert errors(data) == []


def test_a_link_is_never_followed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "y.yaml").write_bytes(b"secret: yes\n")
    (data / "tools").symlink_to(elsewhere)
    (data / "papers/2023/z.yaml").symlink_to(elsewhere / "y.yaml")
    messages = errors(data)
    assert "data/papers/2023/z.yaml:1:1: error[E100]: not a regular file. fix: replace it by a plain file" in messages
    assert any(line.startswith("data/tools:1:1: error[E413]: not an entry") for line in messages)


def without_line(file: Path, beginning: str) -> str:
    """Take the first line that begins so out of a file; the text as it was."""
    text = file.read_text(encoding="utf-8")
    start = text.index(beginning)
    file.write_text(text[:start] + text[text.index("\n", start) + 1 :], encoding="utf-8")
    return text


def test_a_data_set_without_kind(data: Path) -> None:
    text = without_line(data / "datasets.yaml", "  kind: ")
    outcome = validate(data)
    assert outcome.catalogue is None
    slug = text[: text.index(":")].splitlines()[-1]
    (message,) = [problem.text() for problem in outcome.problems]
    assert message.startswith("data/datasets.yaml:")
    assert (
        f"error[E505]: {slug}.kind: field required. fix: write name, kind and text, as the other data sets do"
        in message
    )


def test_taxonomy_with_a_term_without_text(data: Path) -> None:
    without_line(data / "taxonomy.yaml", "    text: ")
    outcome = validate(data)
    assert outcome.catalogue is None
    assert [problem.text() for problem in outcome.problems] == [
        (
            "data/taxonomy.yaml:6:5: error[E500]: families.pruning.text: field required. "
            "fix: write name and text, as the other terms do"
        )
    ]


@pytest.mark.parametrize("content", [None, b"", b"[]\n", b"families: x\n", b"\xff", b"a: &b c\n"])
def test_no_taxonomy(data: Path, content: bytes | None) -> None:
    (data / "taxonomy.yaml").unlink()
    if content is not None:
        (data / "taxonomy.yaml").write_bytes(content)
    outcome = validate(data)
    assert outcome.catalogue is None
    assert outcome.errors
    assert all(problem.path == "data/taxonomy.yaml" for problem in outcome.problems)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert [problem.path for problem in validate(tmp_path).problems] == ["data/datasets.yaml", "data/taxonomy.yaml"]

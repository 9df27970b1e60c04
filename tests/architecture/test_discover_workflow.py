"""The workflow that proposes drafts: its shell, with a code host on this disk, stand-ins for `gh` and the generator."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.work import ENDLESS

ROOT = Path(__file__).resolve().parents[2]
JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/discover.yml").read_text("utf-8"))["jobs"]
BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
BRANCH = "automation/discover"
DRAFT = "data/papers/2026/new.yaml"
RECORD = "data/arxiv/2026/2611.00001.json"
GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
case "$1 $2" in
  "pr list") cat "$GH_OPEN" ;;
esac
"""


def git(folder: Path, *arguments: str, who: tuple[str, str] = ("A", "a@example.org")) -> str:
    identity = ("-c", f"user.name={who[0]}", "-c", f"user.email={who[1]}")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@dataclass
class Forge:
    """A code host, and how jobs run there."""

    folder: Path

    @property
    def host(self) -> Path:
        return self.folder / "host.git"

    @property
    def calls(self) -> list[str]:
        log = self.folder / "gh.log"
        return log.read_text("utf-8").splitlines() if log.exists() else []

    def open_pull_request(self, number: str) -> None:
        (self.folder / "open").write_text(number, "utf-8")

    def checkout(self, name: str) -> Path:
        git(self.folder, "clone", "--quiet", str(self.host), name)
        return self.folder / name

    def run(self, job: Path, of: str, step: str, **more: str) -> subprocess.CompletedProcess[str]:
        (found,) = [one for one in JOBS[of]["steps"] if one["name"] == step]
        named = {key: value for key, value in found.get("env", {}).items() if "${{" not in value}
        environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "GH_LOG": str(self.folder / "gh.log"),
            "GH_OPEN": str(self.folder / "open"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        command = ["bash", "-eo", "pipefail", "-c", found["run"]]
        return subprocess.run(
            command,
            cwd=job,
            env=environment | named | more,
            capture_output=True,
            text=True,
            timeout=ENDLESS,
            check=False,
        )

    def propose(self, job: Path) -> subprocess.CompletedProcess[str]:
        return self.run(job, "propose", "Open or renew the pull request")


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    source = tmp_path / "source"
    (source / "data/papers/2025").mkdir(parents=True)
    (source / "data/papers/2025/old.yaml").write_text("title: Old\n", "utf-8")
    (source / ".gitignore").write_text("/build/\n", "utf-8")
    git(source, "init", "--quiet", "--initial-branch=main")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "host.git")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH, "utf-8")
    (tmp_path / "bin/gh").chmod(0o755)
    (tmp_path / "open").write_text("", "utf-8")
    return Forge(tmp_path)


def take(job: Path, **more: str) -> None:
    """What the artifact brings."""
    files = {DRAFT: "title: New\n", RECORD: "{}\n", "build/discover.md": "read\n"} | more
    for name, content in files.items():
        (job / name).parent.mkdir(parents=True, exist_ok=True)
        (job / name).write_text(content, "utf-8")


def test_a_pull_request_is_opened(forge: Forge) -> None:
    job = forge.checkout("job")
    take(job)
    done = forge.propose(job)
    assert done.returncode == 0, done.stderr
    assert git(forge.host, "show", f"{BRANCH}:{DRAFT}") == "title: New\n"
    assert set(git(forge.host, "diff", "--name-only", "main", BRANCH).split()) == {DRAFT, RECORD}
    assert git(forge.host, "log", "-1", "--format=%ae", BRANCH).strip() == BOT[1]
    assert (
        forge.calls[-1]
        == f"pr create --base main --head {BRANCH} --title New papers to read --body-file build/discover.md"
    )
    assert git(forge.host, "rev-list", "--count", "main").strip() == "1"


def test_the_next_week_renews_it(forge: Forge) -> None:
    first = forge.checkout("first")
    take(first)
    assert forge.propose(first).returncode == 0
    forge.open_pull_request("7")
    second = forge.checkout("second")
    take(second, **{"data/papers/2026/newer.yaml": "title: Newer\n"})
    done = forge.propose(second)
    assert done.returncode == 0, done.stderr
    assert git(forge.host, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    assert git(forge.host, "show", f"{BRANCH}:data/papers/2026/newer.yaml") == "title: Newer\n"
    assert forge.calls[-1] == "pr edit 7 --body-file build/discover.md"


def test_what_a_person_has_written_is_left_alone(forge: Forge) -> None:
    first = forge.checkout("first")
    take(first)
    assert forge.propose(first).returncode == 0
    person = forge.checkout("person")
    git(person, "switch", "--quiet", BRANCH)
    (person / DRAFT).write_text("title: Completed\n", "utf-8")
    git(person, "commit", "--quiet", "--all", "--message", "read")
    git(person, "push", "--quiet", "origin", BRANCH)
    forge.open_pull_request("7")
    second = forge.checkout("second")
    take(second)
    done = forge.propose(second)
    assert (done.returncode, "somebody works on the open pull request" in done.stdout) == (0, True), done.stderr
    assert git(forge.host, "show", f"{BRANCH}:{DRAFT}") == "title: Completed\n"
    forge.open_pull_request("")  # merged or closed: the branch is free again
    third = forge.checkout("third")
    take(third)
    assert forge.propose(third).returncode == 0
    assert git(forge.host, "show", f"{BRANCH}:{DRAFT}") == "title: New\n"
    assert forge.calls[-1].startswith("pr create ")


def test_nothing_new_opens_nothing(forge: Forge) -> None:
    job = forge.checkout("job")
    take(job, **{DRAFT: "x\n"})
    for name in (DRAFT, RECORD):
        (job / name).unlink()
    done = forge.propose(job)
    assert done.returncode == 0, done.stderr
    assert [call for call in forge.calls if call.startswith(("pr create", "pr edit"))] == []


@pytest.mark.parametrize(
    "name",
    [
        "Makefile",
        ".github/workflows/x.yml",
        "data/taxonomy.yaml",
        "data/turned-down.yaml",
        "data/papers/2026/x.py",
        "data/papers/x.yaml",
        "data/arxiv/2026/a b.json",
        "build/x",
    ],
)
def test_nothing_else_is_pushed(forge: Forge, name: str) -> None:
    job = forge.checkout("job")
    take(job, **{name: "x\n"})
    done = forge.propose(job)
    assert (done.returncode, "::error::the artifact holds something other" in done.stdout) == (1, True)
    assert git(forge.host, "branch", "--list", BRANCH) == ""


def test_a_deleted_entry_is_not_pushed(forge: Forge) -> None:
    job = forge.checkout("job")
    take(job)
    (job / "data/papers/2025/old.yaml").unlink()
    (job / "data/papers/2025/old.yaml").symlink_to("/etc/passwd")
    done = forge.propose(job)
    assert (done.returncode, "holds a link" in done.stdout) == (1, True)


def test_no_more_than_thirty_drafts(forge: Forge) -> None:
    job = forge.checkout("job")
    take(job, **{f"data/papers/2026/n{number}.yaml": "x\n" for number in range(30)})
    done = forge.propose(job)
    assert (done.returncode, "more than 30 drafts" in done.stdout) == (1, True)


PYTHON = """#!/bin/sh
echo "$@" > "$ARGUMENTS"
mkdir -p data/papers/2026
echo "title: New" > data/papers/2026/new.yaml
echo report > build/discover.md
exit $CODE
"""


@pytest.mark.parametrize(("code", "passes", "warns"), [("0", True, False), ("1", True, True), ("3", False, False)])
def test_the_job_that_asks_hands_over_what_was_written(forge: Forge, code: str, passes: bool, warns: bool) -> None:
    job = forge.checkout("job")
    (job / ".venv/bin").mkdir(parents=True)
    (job / ".venv/bin/python").write_text(PYTHON, "utf-8")
    (job / ".venv/bin/python").chmod(0o755)
    arguments = forge.folder / "arguments"
    done = forge.run(job, "look", "Ask arXiv", CODE=code, ARGUMENTS=str(arguments))
    assert (done.returncode == 0, "::warning::" in done.stdout) == (passes, warns)
    assert arguments.read_text("utf-8") == "-m generator discover --apply --limit 30 --report build/discover.md\n"
    if not passes:
        return
    assert (forge.folder / "summary").read_text("utf-8") == "report\n"
    (job / "data/papers/2025/old.yaml").write_text("title: Old\nvenue: ICML 2026\n", "utf-8")
    (job / "README.md").write_text("x\n", "utf-8")
    done = forge.run(job, "look", "Look for a difference")
    assert done.returncode == 0, done.stderr
    proposed = job / "build/proposed"
    files = sorted(file.relative_to(proposed).as_posix() for file in proposed.rglob("*") if file.is_file())
    assert files == ["build/discover.md", "data/papers/2025/old.yaml", "data/papers/2026/new.yaml"]
    assert (forge.folder / "output").read_text("utf-8") == "changed=true\n"


def test_without_a_difference_nothing_is_handed_over(forge: Forge) -> None:
    job = forge.checkout("job")
    (job / "build").mkdir()
    assert forge.run(job, "look", "Look for a difference").returncode == 0
    assert not (forge.folder / "output").exists()

"""The shell of the digest workflow, with stand-ins for Python and `gh`, on a code host of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.test_workflows import GITHUB, _git, load
from tests.work import ENDLESS

JOBS = load(GITHUB / "workflows" / "digest.yml")["jobs"]
MONTH = "2026-11"
FILE = f"data/digests/{MONTH}.json"
DATE = shutil.which("date")


def shell(job: str, step: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A step of the workflow, as a runner starts it."""
    (found,) = [one for one in JOBS[job]["steps"] if one["name"] == step]
    environment = {"PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin", "HOME": str(folder.parent), **variables}
    command = ["bash", "-eo", "pipefail", "-c", found["run"]]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=ENDLESS, check=False
    )


def stand_in(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    file.chmod(0o755)


@pytest.fixture
def forge(tmp_path: Path) -> tuple[Path, Path]:
    """A repository on a code host, and the checkout of a job. `gh` lists no pull request and notes what it is asked."""
    source, host, job = tmp_path / "source", tmp_path / "host.git", tmp_path / "job"
    (source / "data/digests").mkdir(parents=True)
    (source / "data/digests/2026-10.json").write_text("{}\n", "utf-8")
    _git(source, "init", "--quiet", "--initial-branch=main")
    _git(source, "add", "--all")
    _git(source, "commit", "--quiet", "--message", "first")
    _git(tmp_path, "clone", "--quiet", "--bare", str(source), str(host))
    _git(tmp_path, "clone", "--quiet", str(host), str(job))
    stand_in(tmp_path / "bin/gh", f"echo \"$*\" >> '{tmp_path}/asked'")
    return host, job


def propose(job: Path) -> subprocess.CompletedProcess[str]:
    return shell("propose", "Open or renew the pull request", job, MONTH=MONTH)


@pytest.mark.parametrize(
    ("given", "now", "month"),
    [("", "2026-12-01", "2026-11"), ("", "2026-01-01", "2025-12"), ("2026-10", "2026-12-01", "2026-10")],
)
def test_the_month_is_the_one_given_or_the_last(tmp_path: Path, given: str, now: str, month: str) -> None:
    folder = tmp_path / "job"
    stand_in(folder / ".venv/bin/python", 'echo "$*"')
    stand_in(tmp_path / "bin/date", f'[ "$*" != "--utc +%Y-%m-01" ] || exec echo {now}\nexec {DATE} "$@"')
    done = shell("write", "Write the digest", folder, MONTH=given, GITHUB_OUTPUT=str(tmp_path / "output"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"-m generator digest -- {month}\n"
    assert (tmp_path / "output").read_text("utf-8") == f"month={month}\n"


def test_a_month_that_the_command_rejects_ends_the_job(tmp_path: Path) -> None:
    stand_in(tmp_path / "job/.venv/bin/python", "exit 2")
    done = shell("write", "Write the digest", tmp_path / "job", MONTH="--help", GITHUB_OUTPUT=str(tmp_path / "output"))
    assert (done.returncode, (tmp_path / "output").exists()) == (2, False)


@pytest.mark.parametrize(("files", "expected"), [({}, ""), ({FILE: "{}\n"}, "changed=true\n")])
def test_only_a_new_digest_is_handed_over(
    forge: tuple[Path, Path], tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    _, job = forge
    for name, content in files.items():
        (job / name).write_text(content, "utf-8")
    output = tmp_path / "output"
    output.touch()
    done = shell("write", "Look for a difference", job, GITHUB_OUTPUT=str(output))
    assert (done.returncode, output.read_text("utf-8")) == (0, expected)


def test_a_digest_becomes_a_branch_and_one_pull_request(forge: tuple[Path, Path], tmp_path: Path) -> None:
    host, job = forge
    (job / FILE).write_text('{"month": "2026-11"}\n', "utf-8")
    done = propose(job)
    assert done.returncode == 0, done.stderr
    branch = f"automation/digest-{MONTH}"
    assert _git(host, "diff", "--name-only", "main", branch) == f"{FILE}\n"
    assert _git(host, "log", "-1", "--format=%s", branch) == "Add the digest of 2026-11\n"
    asked = (tmp_path / "asked").read_text("utf-8")
    assert asked.count("pr create --base main") == 1
    assert f"--head {branch} --title Add the digest of {MONTH}" in asked


def test_an_open_pull_request_is_renewed(forge: tuple[Path, Path], tmp_path: Path) -> None:
    host, job = forge
    stand_in(tmp_path / "bin/gh", f'echo "$*" >> \'{tmp_path}/asked\'\ncase "$1" in pr) echo 7;; esac')
    _git(host, "branch", f"automation/digest-{MONTH}", "main")
    (job / FILE).write_text("{}\n", "utf-8")
    done = propose(job)
    assert done.returncode == 0, done.stderr
    assert "pr create" not in (tmp_path / "asked").read_text("utf-8")
    assert _git(host, "rev-list", "--count", f"main..automation/digest-{MONTH}") == "1\n"


def test_an_artifact_without_news_opens_nothing(forge: tuple[Path, Path], tmp_path: Path) -> None:
    host, job = forge
    assert propose(job).returncode == 0
    assert not (tmp_path / "asked").exists()
    assert _git(host, "branch", "--list").split() == ["*", "main"]


@pytest.mark.parametrize(
    "name", ["Makefile", "data/digests/x.json", "data/digests/2026/11.json", ".github/workflows/x.yml"]
)
def test_nothing_but_digests_is_proposed(forge: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    host, job = forge
    (job / name).parent.mkdir(parents=True, exist_ok=True)
    (job / name).write_text("x\n", "utf-8")
    done = propose(job)
    assert (done.returncode, "::error::the artifact holds something other" in done.stdout) == (1, True)
    assert _git(host, "branch", "--list").split() == ["*", "main"]


def test_a_link_is_not_proposed(forge: tuple[Path, Path]) -> None:
    _, job = forge
    (job / FILE).symlink_to("/etc/passwd")
    done = propose(job)
    assert (done.returncode, "holds a link" in done.stdout) == (1, True)


def test_the_job_that_compares_has_the_whole_history() -> None:
    (step,) = [one for one in JOBS["write"]["steps"] if one["name"] == "Check out"]
    assert step["with"]["fetch-depth"] == "0"

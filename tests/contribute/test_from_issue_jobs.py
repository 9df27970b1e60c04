"""The jobs of *From a form* and *Edited issue*, run here: a bare repository as the code host, a stand-in for `gh`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.contribute.form import read_forms
from tests.contribute.forms import ENTRY, PAPER, SUMMARY, body
from tests.work import ENDLESS

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    name: yaml.load((ROOT / ".github/workflows" / f"{name}.yml").read_text("utf-8"), Loader=yaml.BaseLoader)
    for name in ("from-issue", "edited-issue")
}
ACCEPTED = "accepted"
PATH = "data/papers/2023/prune-well.yaml"
GH = """\
#!/bin/bash
# A stand-in: it notes each command, and answers from files.
printf '%s\\n' "$*" >> "$STATE/asked"
while [ $# -gt 0 ]; do
  case "$1 $2" in
    "--body-file "*) cp "$2" "$STATE/body" ;;
    "--body "*) printf '%s\\n' "$2" > "$STATE/body" ;;
    "api --method") exit "$(cat "$STATE/delete")" ;;
    "api repos/o/r/collaborators/"*) cat "$STATE/role" ;;
    "api repos/o/r/issues/7") cat "$STATE/now.json" ;;
    "pr list") cat "$STATE/open" ;;
  esac
  shift
done
"""


def steps(workflow: str, job: str) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in WORKFLOWS[workflow]["jobs"][job]["steps"]}


@dataclass(frozen=True)
class Job:
    """A job on a machine of its own."""

    host: Path
    checkout: Path
    temp: Path
    state: Path

    def run(self, step: Mapping[str, Any], **variables: str) -> subprocess.CompletedProcess[str]:
        """One step, with the variables that GitHub sets and those of the step that have a plain value."""
        plain = {name: value for name, value in step.get("env", {}).items() if "${{" not in value}
        environment = {
            "PATH": f"{self.state.parent / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.state),
            "STATE": str(self.state),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_EVENT_PATH": str(self.state / "event.json"),
            "GITHUB_OUTPUT": str(self.state / "output"),
            "GH_TOKEN": "x",
            "GH_REPO": "o/r",
            "NUMBER": "7",
            "SENDER": "a-maintainer",
            "RUN": "https://example.org/runs/1",
        }
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={**environment, **plain, **variables},
            capture_output=True,
            text=True,
            timeout=ENDLESS,
            check=False,
        )

    def file(self, name: str, text: str = "title: x\n") -> None:
        """A file of the artifact."""
        (self.temp / "from-issue" / name).parent.mkdir(parents=True, exist_ok=True)
        (self.temp / "from-issue" / name).write_text(text, "utf-8")

    def says(self, **answers: object) -> None:
        """What the stand-in answers."""
        for name, answer in answers.items():
            text = answer if isinstance(answer, str) else json.dumps(answer)
            (self.state / name.replace("_", ".")).write_text(text, "utf-8")

    @property
    def asked(self) -> str:
        file = self.state / "asked"
        return file.read_text("utf-8") if file.exists() else ""

    @property
    def body(self) -> str:
        return (self.state / "body").read_text("utf-8")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def issue(text: str, *, state: str = "open", labels: tuple[str, ...] = ("entry", ACCEPTED)) -> dict[str, object]:
    return {"number": 7, "body": text, "state": state, "labels": [{"name": label} for label in labels]}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A repository with one entry, its checkout, and an accepted issue."""
    source = tmp_path / "source"
    (source / "data/tools").mkdir(parents=True)
    (source / "data/tools/known.yaml").write_text("name: Known\n", "utf-8")
    git(source, "init", "--quiet", "--initial-branch=main")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "host.git")
    git(tmp_path, "clone", "--quiet", "host.git", "job")
    for name in ("bin", "state", "temp"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/gh").write_text(GH, "utf-8")
    (tmp_path / "bin/gh").chmod(0o755)
    made = Job(tmp_path / "host.git", tmp_path / "job", tmp_path / "temp", tmp_path / "state")
    made.says(role="write\n", open="", delete="0", now_json=issue("a"), event_json={"issue": issue("a")})
    made.file("answer.txt", f"wrote {PATH}\n")
    return made


COMPARE = steps("from-issue", "propose")["Compare the issue with what was accepted"]
PROPOSE = steps("from-issue", "propose")["Open or renew the pull request"]
ANSWER = steps("from-issue", "answer")["Comment, and take the label off"]
RESET = steps("edited-issue", "reset")["Take the label off"]
READ = steps("from-issue", "read")["Read the form"]
REVIEW = steps("from-issue", "read")["Review the entry"]


def test_an_entry_becomes_a_branch_and_a_pull_request(job: Job) -> None:
    job.file(PATH)
    done = job.run(PROPOSE)
    assert done.returncode == 0, done.stderr
    assert git(job.host, "show", f"entry/issue-7:{PATH}") == "title: x\n"
    assert git(job.host, "diff", "--name-only", "main", "entry/issue-7") == f"{PATH}\n"
    assert git(job.host, "log", "-1", "--format=%s|%an", "entry/issue-7") == "Add prune-well|github-actions[bot]\n"
    assert "pr create --base main --head entry/issue-7 --title Add prune-well --body-file" in job.asked
    assert job.body.startswith("Closes #7, ")
    assert "[the run](https://example.org/runs/1)" in job.body
    assert f"\n    wrote {PATH}\n" in job.body
    assert "close and reopen this" in job.body


def test_an_open_pull_request_is_renewed(job: Job) -> None:
    job.file(PATH)
    assert job.run(PROPOSE).returncode == 0
    git(job.checkout, "switch", "--quiet", "main")
    git(job.checkout, "branch", "--quiet", "-D", "entry/issue-7")
    job.file(PATH, "title: y\n")
    job.says(open="12\n", asked="")
    done = job.run(PROPOSE)
    assert done.returncode == 0, done.stderr
    assert git(job.host, "show", f"entry/issue-7:{PATH}") == "title: y\n"
    assert git(job.host, "rev-list", "--count", "entry/issue-7") == "2\n"
    assert "pr edit 12 --title Add prune-well" in job.asked
    assert "pr create" not in job.asked


def test_a_correction_is_named_as_one(job: Job) -> None:
    job.file("data/tools/known.yaml", "name: Known\nstatus: deprecated\n")
    assert job.run(PROPOSE).returncode == 0
    assert "--title Correct known " in job.asked


def test_what_changes_nothing_is_not_pushed(job: Job) -> None:
    job.file("data/tools/known.yaml", "name: Known\n")
    done = job.run(PROPOSE)
    assert (done.returncode, job.asked) == (0, "")
    assert git(job.host, "branch", "--list", "entry/*") == ""


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("Makefile",),
        (PATH, "README.md"),
        (PATH, "data/tools/other.yaml"),
        ("data/taxonomy.yaml",),
        ("data/models/x.yaml",),
        ("data/arxiv/2023/2311.00098.json",),
        ("data/papers/2023/x.yml",),
        ("data/papers/2023/X.yaml",),
        ("data/papers/2023/-x.yaml",),
        ("data/papers/2023/x\n.yaml",),
        ("data/papers/2023/x\ndata/tools/x.yaml",),
        ("data/papers/2023/é.yaml",),
        ("data/papers/x.yaml",),
        ("data/papers/2023/a/x.yaml",),
        (".github/workflows/x.yaml",),
        (".git/hooks/pre-commit",),
    ],
)
def test_nothing_but_one_entry_is_pushed(job: Job, names: tuple[str, ...]) -> None:
    for name in names:
        job.file(name)
    done = job.run(PROPOSE)
    assert (done.returncode, "something other than one entry" in done.stdout) == (1, True), done.stderr
    assert git(job.host, "branch", "--list", "entry/*") == ""
    assert job.asked == ""


def test_links_and_large_files_are_not_pushed(job: Job) -> None:
    job.file(PATH, "x" * 70_000)
    done = job.run(PROPOSE)
    assert (done.returncode, "too large" in done.stdout) == (1, True)
    (job.temp / "from-issue" / PATH).unlink()
    (job.temp / "from-issue" / PATH).symlink_to("/etc/passwd")
    done = job.run(PROPOSE)
    assert (done.returncode, "other than files" in done.stdout) == (1, True)
    (job.temp / "from-issue" / PATH).unlink()
    os.mkfifo(job.temp / "from-issue" / PATH)
    assert job.run(PROPOSE).returncode == 1
    assert job.asked == ""


def test_the_issue_that_was_accepted_is_taken(job: Job) -> None:
    assert job.run(COMPARE).returncode == 0
    job.says(now_json=issue(""), event_json={"issue": issue("") | {"body": None}})
    assert job.run(COMPARE).returncode == 0


@pytest.mark.parametrize(
    "now",
    [
        issue("a, edited"),
        issue("a\r\n"),
        issue("a", state="closed"),
        issue("a", labels=("entry",)),
        {"message": "Not Found"},
    ],
    ids=range(5),
)
def test_an_issue_that_has_changed_since_is_refused(job: Job, now: dict[str, object]) -> None:
    job.says(now_json=now)
    done = job.run(COMPARE)
    assert (done.returncode, "::error::the issue was edited or closed" in done.stdout) == (1, True)


@pytest.mark.parametrize(("role", "code"), [("admin", 0), ("write", 0), ("read", 1), ("none", 1), ("", 1)])
def test_only_who_can_write_accepts(job: Job, role: str, code: int) -> None:
    job.says(role=role)
    done = job.run(COMPARE)
    assert done.returncode == code
    assert ("needs the right to write" in done.stdout) == (code == 1)


@pytest.mark.parametrize("sender", ["", "../../x", "a b", "some[bot]", "$(id)"])
def test_a_sender_that_is_no_person_is_refused(job: Job, sender: str) -> None:
    done = job.run(COMPARE, SENDER=sender)
    assert (done.returncode, job.asked) == (1, "")


def test_problems_become_one_comment_of_plain_text(job: Job) -> None:
    job.file("answer.txt", "2 problems in the form:\nCode: '@all <b> [x](y)'\x1b[31m\u202e\n### Licence: z\n")
    done = job.run(ANSWER)
    assert done.returncode == 0, done.stderr
    first, _, *lines = job.body.splitlines()
    assert first.startswith("The form cannot become a pull request yet.")
    assert lines == ["    2 problems in the form:", "    Code: '@all <b> [x](y)'[31m", "    ### Licence: z"]
    assert "api --method DELETE --silent repos/o/r/issues/7/labels/accepted\n" in job.asked
    assert job.asked.count("issue comment 7") == 1


def test_a_long_answer_is_cut(job: Job) -> None:
    job.file("answer.txt", "x" * 100_000)
    assert job.run(ANSWER).returncode == 0
    assert len(job.body) < 21_000


def test_a_run_that_failed_is_answered_too(job: Job) -> None:
    shutil.rmtree(job.temp / "from-issue")
    job.says(delete="1")  # somebody took the label off
    assert job.run(ANSWER).returncode == 0
    assert "[the run](https://example.org/runs/1)" in job.body


def test_an_edit_takes_the_label_off(job: Job) -> None:
    assert job.run(RESET).returncode == 0
    assert "api --method DELETE --silent repos/o/r/issues/7/labels/accepted\n" in job.asked
    assert "`accepted` is off" in job.body
    job.says(delete="1", asked="")
    assert job.run(RESET).returncode == 0
    assert "issue comment" not in job.asked


def reader(job: Job) -> None:
    """The checkout of the job that reads: the generator, the forms, and a catalogue without entries."""
    for name in ("generator", "reference_impls"):
        (job.checkout / name).symlink_to(ROOT / name)
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml", "turned-down.yaml"):
        shutil.copy(ROOT / "data" / name, job.checkout / "data" / name)
    shutil.copytree(ROOT / ".github/ISSUE_TEMPLATE", job.checkout / ".github/ISSUE_TEMPLATE")
    (job.checkout / "data/tools/known.yaml").unlink()
    (job.checkout / ".gitignore").write_text(".venv\nbuild\n", "utf-8")
    git(job.checkout, "add", "--all")
    git(job.checkout, "commit", "--quiet", "--message", "generator")
    (job.checkout / ".venv/bin").mkdir(parents=True)
    (job.checkout / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    (job.checkout / ".venv/bin/python").chmod(0o755)


def test_what_the_first_job_hands_over_is_what_the_second_takes(job: Job) -> None:
    reader(job)
    labels = json.dumps(["entry", ACCEPTED], indent=2)
    results = {"results": "$(touch x); `id`\n' \" \\ é\n::error::x"}
    done = job.run(READ, ISSUE_BODY=body(ENTRY, PAPER | results).replace("\n", "\r\n"), ISSUE_LABELS=labels)
    assert done.returncode == 0, done.stderr
    assert (job.state / "output").read_text("utf-8") == "written=true\n"
    handed = job.checkout / "build/from-issue"
    assert sorted(file.relative_to(handed).as_posix() for file in handed.rglob("*") if file.is_file()) == [
        "answer.txt",
        PATH,
    ]
    assert job.run(REVIEW, GITHUB_STEP_SUMMARY=str(job.state / "summary")).returncode == 0
    assert PATH in (job.state / "summary").read_text("utf-8")
    git(job.checkout, "clean", "--quiet", "--force", "--", "data")
    shutil.copytree(handed, job.temp / "from-issue", dirs_exist_ok=True)
    assert job.run(PROPOSE).returncode == 0
    assert SUMMARY in git(job.host, "show", f"entry/issue-7:{PATH}")


def test_the_first_job_hands_problems_over_and_ends_well(job: Job) -> None:
    reader(job)
    done = job.run(READ, ISSUE_BODY=body(ENTRY, PAPER | {"venue": "Pruning 概要 2024"}), ISSUE_LABELS="[]")
    assert done.returncode == 0, done.stderr
    assert not (job.state / "output").exists()
    answer = (job.checkout / "build/from-issue/answer.txt").read_text("utf-8")
    assert "Venue: 'Pruning \\u6982\\u8981 2024' is not a known series" in answer
    assert job.run(READ, ISSUE_BODY="x", ISSUE_LABELS="no JSON").returncode == 2


def test_only_a_maintainer_sets_the_label_and_the_text_is_that_of_its_moment() -> None:
    jobs = WORKFLOWS["from-issue"]["jobs"]
    assert WORKFLOWS["from-issue"]["on"] == {"issues": {"types": ["labeled"]}}
    assert WORKFLOWS["edited-issue"]["on"] == {"issues": {"types": ["edited"]}}
    assert jobs["read"]["if"].startswith(f"github.event.label.name == '{ACCEPTED}' && ")
    assert f"'{ACCEPTED}'" in WORKFLOWS["edited-issue"]["jobs"]["reset"]["if"]
    assert all(ACCEPTED not in form.labels for form in read_forms(ROOT))
    assert jobs["read"]["permissions"] == {"contents": "read"}
    assert READ["env"]["ISSUE_BODY"] == "${{ github.event.issue.body }}"
    assert {step["env"]["LABEL"] for step in (COMPARE, ANSWER, RESET)} == {ACCEPTED}
    assert list(steps("from-issue", "propose"))[-2:] == [COMPARE["name"], PROPOSE["name"]]

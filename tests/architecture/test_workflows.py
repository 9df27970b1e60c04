"""What GitHub runs and shows: the workflows are safe by rule, and the forms fit the catalogue."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.work import ENDLESS

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.y*ml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")

ZIZMOR = Path(sys.executable).with_name("zizmor")

BAD = """\
name: Greet
on: pull_request_target
jobs:
  greet:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "Hello ${{ github.event.pull_request.title }}"
"""


def load(path: Path) -> dict[str, Any]:
    """YAML in which ``on`` is text, as GitHub reads it."""
    found = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    assert isinstance(found, dict)
    return found


def _jobs() -> Iterator[Any]:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            yield pytest.param(job, id=f"{path.stem}-{name}")


def _steps() -> Iterator[Any]:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            for number, step in enumerate(job["steps"], start=1):
                yield pytest.param(step, id=f"{path.stem}-{name}-{number}")


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(ZIZMOR), "--offline", "--no-progress", "--persona=auditor", "--strict-collection", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=ENDLESS)


def test_zizmor_finds_nothing() -> None:
    run = zizmor(GITHUB)
    assert run.returncode == 0, run.stdout + run.stderr


def test_zizmor_finds_a_bad_workflow(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "bad.yml").write_text(BAD, "utf-8")
    run = zizmor(tmp_path / ".github")
    assert run.returncode >= 10
    for audit in ("dangerous-triggers", "template-injection", "unpinned-uses"):
        assert f"[{audit}]" in run.stdout


def test_the_workflows_are_those_that_are_meant() -> None:
    assert [path.stem for path in WORKFLOWS] == [
        *("arxiv", "check", "digest", "discover", "edited-issue", "from-issue", "generated", "links", "nightly"),
        *("pages", "release"),
    ]


def test_the_oldest_and_the_newest_python_of_the_promise_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [found[1] for text in project["classifiers"] if (found := re.search(r"Python :: (3\.\d+)$", text))]
    assert project["requires-python"] == f">={named[0]}"
    jobs = load(GITHUB / "workflows" / "check.yml")["jobs"]
    for name in ("check", "test"):
        assert jobs[name]["strategy"]["matrix"] == {"python": [named[0], named[-1]]}
        (python,) = [step for step in jobs[name]["steps"] if step["name"] == "Python"]
        assert python["with"]["python-version"] == "${{ matrix.python }}"


def test_what_is_left_out_of_changes_runs_at_night() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert '-m "not nightly"' in makefile
    nightly = load(GITHUB / "workflows" / "nightly.yml")
    assert {"schedule", "workflow_dispatch"} == nightly["on"].keys()
    assert [step.get("run") for step in nightly["jobs"]["nightly"]["steps"]][-1] == "make nightly"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_starts_without_rights_and_runs_once(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert "pull_request_target" not in path.read_text("utf-8")
    assert "workflow_run" not in workflow["on"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_action_is_pinned_with_its_version(path: Path) -> None:
    uses = re.findall(r"uses:(.*)", path.read_text("utf-8"))
    assert uses or path.stem == "edited-issue"
    for action in uses:
        assert re.fullmatch(r" [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, pin in re.findall(r"uses: (\S+)@(.*)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("job", list(_jobs()))
def test_a_job_names_its_rights_and_its_end(job: dict[str, Any]) -> None:
    assert isinstance(job["permissions"], dict)
    assert 0 < int(job["timeout-minutes"]) <= 120
    systems = job["strategy"]["matrix"]["system"] if job["runs-on"] == "${{ matrix.system }}" else [job["runs-on"]]
    assert set(systems) <= {"ubuntu-latest", "windows-latest", "macos-latest"}
    assert "secrets" not in job


@pytest.mark.parametrize("step", list(_steps()))
def test_a_step_leaves_no_credentials_and_interpolates_nothing(step: dict[str, Any]) -> None:
    if step.get("uses", "").startswith("actions/checkout@"):
        assert step["with"]["persist-credentials"] == "false"
    assert not step.get("uses", "").startswith("actions/cache@")
    assert "cache" not in step.get("with", {})
    assert "secrets." not in str(step)
    script = step.get("run", "")
    assert "${{" not in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_job_that_can_write_runs_no_code_of_ours() -> None:
    """One job of a workflow, but for the one that either pushes or answers."""
    for path in WORKFLOWS:
        writers = [job for job in load(path)["jobs"].values() if "write" in job["permissions"].values()]
        assert len(writers) == {"check": 0, "nightly": 0, "from-issue": 2}.get(path.stem, 1)
        for job in writers:
            scripts = "\n".join(step.get("run", "") for step in job["steps"])
            assert not re.search(r"\b(make|python|pip)\b", scripts)
            assert not any(step.get("uses", "").startswith("actions/setup-") for step in job["steps"])


def test_what_visits_strangers_holds_no_token() -> None:
    visit = load(GITHUB / "workflows" / "links.yml")["jobs"]["visit"]
    assert set(visit["permissions"].values()) == {"read"}
    assert "env" not in visit
    (step,) = [step for step in visit["steps"] if "generator links" in step.get("run", "")]
    assert "env" not in step


def test_pull_requests_reach_no_network_of_ours() -> None:
    check = (GITHUB / "workflows" / "check.yml").read_text("utf-8")
    assert "enrich" not in check
    assert "generator links" not in check
    for name in ("arxiv", "digest", "edited-issue", "from-issue", "generated", "links", "nightly", "pages"):
        assert "pull_request" not in load(GITHUB / "workflows" / f"{name}.yml")["on"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_github_wants(path: Path) -> None:
    form = load(path)
    assert {"name", "description", "body"} <= form.keys()
    inputs = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in inputs} <= {"input", "textarea", "dropdown", "checkboxes"}
    names = [field["id"] for field in inputs]
    labels = [field["attributes"]["label"] for field in inputs]
    assert len(set(names)) == len(names)
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
    assert any(field.get("validations", {}).get("required") == "true" for field in inputs)
    for field in inputs:
        if field["type"] in ("dropdown", "checkboxes"):
            assert field["attributes"]["options"]
    for field in form["body"]:
        assert field["type"] != "markdown" or field["attributes"]["value"]


def test_the_forms_are_those_that_are_meant() -> None:
    assert [path.stem for path in FORMS] == ["bug", "correction", "entry", "method"]
    assert [load(path)["labels"] for path in FORMS] == [[path.stem] for path in FORMS]


def test_every_issue_uses_a_form() -> None:
    assert load(GITHUB / "ISSUE_TEMPLATE" / "config.yml") == {"blank_issues_enabled": "false"}


def test_hooks_bring_no_version_of_their_own() -> None:
    (local,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/python -m ")


def test_owners_and_updates_name_what_exists() -> None:
    owners = (GITHUB / "CODEOWNERS").read_text("utf-8").splitlines()
    owned = {line.split()[0] for line in owners if line and not line.startswith("#")}
    assert {"/.github/", "/generator/", "/mkdocs.yml", "/requirements/", "/data/arxiv/"} <= owned
    assert all((ROOT / path.strip("/")).exists() for path in owned)
    for update in load(GITHUB / "dependabot.yml")["updates"]:
        assert update["schedule"]["interval"] == "monthly"
        assert int(update["cooldown"]["default-days"]) >= 7
        assert update["groups"]


def test_the_one_entry_of_ci_is_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = [line for line in script.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "make test"]


def test_windows_and_macos_run_the_steps_of_make_site() -> None:
    job = load(GITHUB / "workflows" / "check.yml")["jobs"]["elsewhere"]
    assert set(job["strategy"]["matrix"]["system"]) == {"windows-latest", "macos-latest"}
    done = [step["run"].removeprefix("python -m ") for step in job["steps"] if "run" in step]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (flags,) = re.findall(r"^PIP_FLAGS := (.*)$", makefile, re.MULTILINE)
    assert done[0] == f"pip install {flags} -r requirements/site.txt"
    assert done[-1] in re.findall(r"^\t\$\(PY\) -m (.*)$", makefile, re.MULTILINE)
    assert "shell" not in str(job)  # each system's own


GENERATED = load(GITHUB / "workflows" / "generated.yml")["jobs"]


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def forge(tmp_path: Path) -> tuple[Path, Path]:
    """A repository on a code host, and the checkout of a job with a stand-in for `gh`."""
    source, host, job = tmp_path / "source", tmp_path / "host.git", tmp_path / "job"
    (source / "data" / "schema").mkdir(parents=True)
    (source / "README.md").write_text("645 papers\n", "utf-8")
    (source / "data/schema/paper.schema.json").write_text("{}\n", "utf-8")
    _git(source, "init", "--quiet", "--initial-branch=main")
    _git(source, "add", "--all")
    _git(source, "commit", "--quiet", "--message", "first")
    _git(tmp_path, "clone", "--quiet", "--bare", str(source), str(host))
    _git(tmp_path, "clone", "--quiet", str(host), str(job))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text("#!/bin/sh\n", "utf-8")
    (tmp_path / "bin" / "gh").chmod(0o755)
    return host, job


def _push(job: Path) -> subprocess.CompletedProcess[str]:
    (step,) = [step for step in GENERATED["push"]["steps"] if step["name"] == "Push to main"]
    environment = {
        "PATH": f"{job.parent / 'bin'}:/usr/bin:/bin",
        "HOME": str(job.parent),
        "GITHUB_SHA": _git(job, "rev-parse", "HEAD").strip(),
    }
    command = ["bash", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command, cwd=job, env=environment, capture_output=True, text=True, timeout=ENDLESS, check=False
    )


def test_generated_files_reach_main(forge: tuple[Path, Path]) -> None:
    host, job = forge
    (job / "README.md").write_text("646 papers\n", "utf-8")
    done = _push(job)
    assert done.returncode == 0, done.stderr
    assert _git(host, "show", "main:README.md") == "646 papers\n"
    assert _push(job).returncode == 0  # nothing to push
    assert _git(host, "rev-list", "--count", "main") == "2\n"


@pytest.mark.parametrize("name", ["Makefile", "data/papers/2023/x.yaml", "data/schema/x.py", ".github/workflows/x.yml"])
def test_nothing_but_generated_files_is_pushed(forge: tuple[Path, Path], name: str) -> None:
    host, job = forge
    (job / name).parent.mkdir(parents=True, exist_ok=True)
    (job / name).write_text("x\n", "utf-8")
    done = _push(job)
    assert done.returncode == 1
    assert "::error::the artifact holds something other" in done.stdout
    assert _git(host, "rev-list", "--count", "main") == "1\n"


def test_a_link_is_not_pushed(forge: tuple[Path, Path]) -> None:
    _, job = forge
    (job / "README.md").unlink()
    (job / "README.md").symlink_to("/etc/passwd")
    done = _push(job)
    assert (done.returncode, "holds a link" in done.stdout) == (1, True)


def test_where_main_has_moved_the_newer_run_pushes(forge: tuple[Path, Path], tmp_path: Path) -> None:
    host, job = forge
    other = tmp_path / "other"
    _git(tmp_path, "clone", "--quiet", str(host), str(other))
    _git(other, "commit", "--quiet", "--allow-empty", "--message", "newer")
    _git(other, "push", "--quiet", "origin", "HEAD:main")
    (job / "README.md").write_text("646 papers\n", "utf-8")
    done = _push(job)
    assert (done.returncode, "main has moved" in done.stdout) == (0, True), done.stderr
    assert _git(host, "show", "main:README.md") == "645 papers\n"


def test_a_pull_request_needs_no_generated_file() -> None:
    """Main keeps them up to date: what runs for a pull request compares none of them."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (recipe,) = re.findall(r"^check: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert "format --check" in recipe
    assert "refresh" not in recipe
    check = (GITHUB / "workflows" / "check.yml").read_text("utf-8")
    assert "refresh" not in check
    assert "generated" not in check


REVIEW = next(
    step
    for step in load(GITHUB / "workflows" / "check.yml")["jobs"]["site"]["steps"]
    if step["name"] == "Review the entries"
)
SAYS = """\
#!/bin/sh
echo "$*" >> "$ASKED"
{ends}
printf '# Review\\n'
"""


def _review(tmp_path: Path, ends: str = "") -> tuple[subprocess.CompletedProcess[str], str, str]:
    """The step with a stand-in for Python: how it ends, the summary of the job, and what was asked."""
    python, summary, asked = tmp_path / ".venv/bin/python", tmp_path / "summary.md", tmp_path / "asked"
    python.parent.mkdir(parents=True)
    python.write_text(SAYS.format(ends=ends), "utf-8")
    python.chmod(0o755)
    summary.write_text("before\n", "utf-8")
    (tmp_path / "temp dir").mkdir()
    environment = {
        "PATH": "/usr/bin:/bin",
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(tmp_path / "temp dir"),
        "ASKED": str(asked),
    }
    command = ["bash", "-eo", "pipefail", "-c", REVIEW["run"]]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=ENDLESS, check=False
    )
    return done, summary.read_text("utf-8"), asked.read_text("utf-8")


def test_the_review_is_on_the_page_of_the_job(tmp_path: Path) -> None:
    done, summary, asked = _review(tmp_path)
    assert (done.returncode, done.stdout, summary) == (0, "", "before\n# Review\n")
    assert asked == "-m generator review --base HEAD^1\n"


def test_a_review_that_fails_leaves_no_half_of_it_and_fails_nothing(tmp_path: Path) -> None:
    done, summary, _ = _review(tmp_path, "echo half; echo why >&2; exit 3")
    assert (done.returncode, summary) == (0, "before\n")
    assert done.stdout.startswith("::warning::the review")
    assert "why" in done.stderr


def test_the_review_is_made_of_pull_requests_after_errors_too() -> None:
    site = load(GITHUB / "workflows" / "check.yml")["jobs"]["site"]
    names = [step["name"] for step in site["steps"]]
    assert names.index("Validate the entries") < names.index("Review the entries")
    assert "!cancelled()" in REVIEW["if"]
    assert "github.event_name == 'pull_request'" in REVIEW["if"]
    assert "env" not in REVIEW
    (checkout,) = [step for step in site["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["fetch-depth"] == "2"  # HEAD^1 is what the pull request is merged into
    assert site["permissions"] == {"contents": "read"}


def test_the_base_of_a_review_is_what_is_merged_into(tmp_path: Path) -> None:
    """A shallow clone of the merge of a pull request, as the job has it, knows its first parent, and only that."""
    source, job = tmp_path / "source", tmp_path / "job"
    source.mkdir()
    _git(source, "init", "--quiet", "--initial-branch=main")
    for message in ("first", "main"):
        _git(source, "commit", "--quiet", "--allow-empty", "--message", message)
    _git(source, "checkout", "--quiet", "-b", "topic", "HEAD^")
    _git(source, "commit", "--quiet", "--allow-empty", "--message", "topic")
    _git(source, "checkout", "--quiet", "main")
    _git(source, "merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    _git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{source}", str(job))
    assert _git(job, "log", "-1", "--format=%s", "HEAD^1") == "main\n"

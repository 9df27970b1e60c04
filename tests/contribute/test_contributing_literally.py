"""CONTRIBUTING.md followed word by word: its commands on a fresh clone, up to what the check of a pull request runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.arxiv.conftest import clock, server
from tests.arxiv.fake_arxiv import Reply, Server, entry, feed
from tests.work import ENDLESS

__all__ = ["clock", "server"]
ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
STEPS = re.findall(r"^\$ (make \S+)[^#\n]*#\s+\d", GUIDE, re.MULTILINE)
SUMMARY = (
    "summary: Prunes the channels of a U-Net that matter least, by the change of the loss, and then fine-tunes it."
)
FILLED = {
    "papers": {"family": "family: quantization", "checked": "checked: abstract"},
    "tools": {"category": "category: pruning-toolkit"},
    "models": {"output": "output: image"},
}
"""What a person writes into the lines that `make add` lists, beside the summary."""
ADDED = {
    "papers": "make add ID=https://arxiv.org/abs/2401.00098?context=cs.CV",
    "tools": "make add KIND=tool URL=https://github.com/made-up/Prune-Bench",
    "models": "make add KIND=model URL=https://huggingface.co/made-up/Denoiser-Of-A-Test",
}
"""The commands of the guide, with ids and addresses of one's own."""
pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the commit with what is changed here, and this environment in place of a new one."""
    if not (ROOT / ".git").exists() or not Path(sys.prefix, "pyvenv.cfg").exists():
        pytest.skip("needs a repository and a virtual environment")
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(folder))
    changed = git(ROOT, "diff", "HEAD", "--name-only", "--no-renames", "-z").split("\0")
    changed += git(ROOT, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, changed):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        elif not source.exists():
            target.unlink()
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "as here")
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv").mkdir(exist_ok=True)
        (folder / ".venv" / name).symlink_to(Path(sys.prefix, name))
    for name in ("site", "dev", "impls"):
        (folder / ".venv" / name).touch()
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def run(folder: Path, command: str, variables: Mapping[str, str], code: int = 0) -> str:
    """A command as it is pasted into a shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**kept, **variables, "PYTEST_DEBUG_TEMPROOT": str(folder.parent)},  # not among the folders of this run
        capture_output=True,
        encoding="utf-8",
        timeout=ENDLESS,
        check=False,
    )
    assert (done.returncode != 0) == (code != 0), f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def fill_in(file: Path, kind: str) -> None:
    """Write what `make add` has listed, and nothing else."""
    text = file.read_text("utf-8").replace('summary: ""', SUMMARY.replace("Prunes", f"Prunes, for the {kind},"))
    for field, line in FILLED[kind].items():
        assert f'{field}: ""' in text
        text = text.replace(f'{field}: ""', line)
    file.write_text(text, "utf-8")


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, which CI runs."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (lines,) = re.findall(rf"^{target}: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    return [line.strip().replace("$(PY)", ".venv/bin/python") for line in lines.splitlines()]


def test_the_guide_is_followed_up_to_a_green_check(clone: Path, server: Server) -> None:
    assert STEPS == ["make add", "make check-entry", "make serve"]
    server.say(Reply(feed(entry("2401.00098", title="PruneBest: Channels of Diffusion Models"))))
    variables = {"ARXIV_ENDPOINT": server.endpoint}
    for kind, command in ADDED.items():
        said = run(clone, command, variables)
        (path,) = re.findall(r"^wrote (.*)$", said, re.MULTILINE)
        (check,) = re.findall(r"^then run: (make check-entry FILE=\S+)$", said, re.MULTILINE)
        assert "fill in" in run(clone, check, variables, code=2)
        fill_in(clone / path, kind)
        assert f"{path}: no error" in run(clone, check, variables)
        assert "is already at" not in run(clone, check, variables)
        run(clone, command, variables, code=2)  # the entry is there now
    assert len(server.asked) == 1

    changed = git(clone, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert sorted(line.split("/")[1] for line in changed) == ["arxiv", "models", "papers", "tools"]
    assert all(line.startswith("?? data/") for line in changed)

    # What `make check` runs for a pull request, but for code and workflows, which an entry does not touch.
    commands = [line for line in recipe("check") if not re.search(r"ruff|mypy|zizmor", line)]
    assert [shlex.split(line)[3] for line in commands if "-m generator" in line] == ["validate", "format"]
    for command in (*commands, "make validate", "make site"):
        run(clone, command, variables)
    page = clone / "build/site/papers/prunebest/index.html"
    assert "PruneBest" in page.read_text("utf-8")
    run(
        clone,
        '.venv/bin/python -m pytest -q -p no:cacheprovider -m "not nightly" tests/data tests/outputs/test_readme.py',
        variables,
    )


def test_the_guide_without_the_network(clone: Path) -> None:
    title = 'Pruning `at` "the" end\'s $5: a Test'
    said = run(clone, f"make add ID=2401.00099 TITLE={shlex.quote(title.replace('$', '$$'))}", {})
    (path,) = re.findall(r"^wrote (.*)$", said, re.MULTILINE)
    assert 'title: "Pruning `at` \\"the\\" end\'s $5: a Test"' in (clone / path).read_text("utf-8")


def test_the_commands_of_the_guide_find_what_is_there(clone: Path) -> None:
    for command in re.findall(r"^\$ (make add (?:ID|KIND)=.*?)(?:\s+#.*)?$", GUIDE, re.MULTILINE):
        if "example.org" in command:
            continue
        done = subprocess.run(["bash", "-c", command], cwd=clone, capture_output=True, text=True, check=False)
        assert "is already" in done.stderr or "wrote" in done.stdout, done.stderr
        assert "Traceback" not in done.stderr

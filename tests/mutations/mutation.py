"""A fault that somebody could make, and the tests that must notice it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("data", "docs", "generator", "reference_impls", "tests")
FILES = ("CONTRIBUTING.md", "LICENSE", "mkdocs.yml", "pyproject.toml", "README.md")
MOST_SECONDS = 600
PASSED, FAILED = 0, 1
"""Exit codes of pytest; any other one means that it could not run the tests."""


@dataclass(frozen=True)
class Mutation:
    """One change of one file."""

    file: str
    """Below the repository."""
    old: str
    """Text that occurs once in the file."""
    new: str
    """What takes its place."""
    tests: tuple[str, ...]
    """Arguments of pytest that choose the narrowest tests that fail."""

    def applied(self, text: str) -> str:
        """The text of the file with the fault in it.

        Raises:
            ValueError: ``old`` does not occur exactly once.
        """
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.file}: {self.old!r} occurs {found} times; choose text that occurs once")
        return text.replace(self.old, self.new)


def copy_repository(target: Path) -> Path:
    """What the tests read, in a folder of its own: no fault ever stands in the repository itself."""
    ignored = shutil.ignore_patterns("__pycache__", "build")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in FILES:
        shutil.copyfile(ROOT / name, target / name)
    return target


def run_tests(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass in a copy of the repository.

    Raises:
        RuntimeError: pytest cannot run them, for example because no test has that name.
    """
    # Without compiled files: Python tells a changed one by its size and the second of its change.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    if done.returncode not in (PASSED, FAILED):
        raise RuntimeError(f"pytest {' '.join(tests)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode == PASSED


def is_noticed(mutation: Mutation, copy: Path) -> bool:
    """Whether the tests of a mutation fail on it; afterwards the copy is as before.

    Args:
        mutation: the fault.
        copy: what ``copy_repository`` made.

    Raises:
        ValueError: the text that the fault changes does not occur exactly once.
        RuntimeError: pytest cannot run the tests.
    """
    file = copy / mutation.file
    before = file.read_text("utf-8")
    file.write_text(mutation.applied(before), "utf-8")
    try:
        return not run_tests(copy, mutation.tests)
    finally:
        file.write_text(before, "utf-8")

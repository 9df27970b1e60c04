"""A catalogue made for a test, and the command line run in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Run as RunIn

ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]


def empty_catalogue(root: Path, *more: str) -> Path:
    """Make a catalogue without entries, with the files that each needs and some more of ``data/``; gives its root."""
    for kind in ("papers", "tools", "articles", "models"):
        (root / "data" / kind).mkdir(parents=True)
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml", *more):
        shutil.copy(ROOT / "data" / name, root / "data")
    return root


def run_in(root: Path, run: RunIn) -> Run:
    """The command line in a folder: exit code, output, and the messages on one line."""

    def command(*arguments: str) -> tuple[int, str, str]:
        done = run(root, *arguments)
        return done.returncode, done.stdout, re.sub(r"[\s│]+", " ", done.stderr)

    return command

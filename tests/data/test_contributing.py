"""CONTRIBUTING.md shows what the checks really report."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import Checker

SAMPLE = re.compile(r"^data/papers/2023/diff-pruning\.yaml:\d+:\d+: (.*)$", re.MULTILINE)
MISTAKES = """\
arxiv: 2305.10924
family: prunning
summary: A novel framework that cuts latency.
results:
  - {model: m, setting: s, where: Table 1, after: {latency: 2}}
"""


def test_the_sample_is_what_the_checks_report(checker: Checker, root: Path) -> None:
    shown = SAMPLE.findall((root / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    found = [problem.text().split(": ", 1)[1] for problem in checker.all_problems(checker.entry(MISTAKES))]
    assert shown
    assert sorted(shown) == sorted(found)


OPENED = re.compile(r"open\w*\s+`?[\w/.]*index\.html|file://", re.IGNORECASE)


def test_nobody_is_sent_to_a_page_as_a_file(root: Path) -> None:
    """Search, Browse and the scripts of the site need a server."""
    texts = [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md"), *root.glob(".github/**/*.y*ml")]
    sent = [
        f"{file.relative_to(root)}: {found[0]}" for file in texts for found in OPENED.finditer(file.read_text("utf-8"))
    ]
    assert sent == []

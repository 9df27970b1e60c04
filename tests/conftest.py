"""A valid entry, a way to lay bad fragments over it, the checks to judge the outcome, and the command line."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from generator import cli
from generator.checks import CATALOGUE_CHECKS, ENTRY_CHECKS
from generator.checks.draft import Context, Draft
from generator.checks.drafts import read_datasets, read_taxonomy
from generator.checks.validate import Outcome, validate
from generator.entries.load_yaml import load
from generator.entries.model import KINDS, ArxivRecord, Catalogue, Taxonomy
from generator.entries.problem import Problem

ROOT = Path(__file__).parents[1]
settings.register_profile(
    "any machine",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")  # an example may take as long as it does on a machine with other work
SUMMARY = "summary: Prunes 30% of the channels of a U-Net that matter least and then fine-tunes it."
ADDED = f"{SUMMARY}\nadded: 2026-11-22\n"
CHECKED = f"{SUMMARY}\nchecked: abstract\nadded: 2026-11-22\n"
BASE = {
    "papers": f'title: Prune Well\narxiv: "2305.10924"\nfamily: pruning\n{CHECKED}',
    "tools": f"name: Pruner\nurl: https://example.org/p\ncategory: pruning-toolkit\n{ADDED}",
    "articles": f"title: How to prune\nurl: https://example.org/a\ncategory: tutorial\n{ADDED}",
    "models": f"name: Denoiser\noutput: image\n{ADDED}",
}
PATHS = {
    "papers": "data/papers/2023/x.yaml",
    "tools": "data/tools/x.yaml",
    "articles": "data/articles/x.yaml",
    "models": "data/models/x.yaml",
}
NAMED_MODEL = "m"
"""Slug of a model that every entry may name."""
EXPECTED_NOTES = {"E521", "E604"}  # one entry alone uses few terms and has no record


@dataclass(frozen=True, repr=False)
class Checker:
    """Entries without files."""

    context: Context

    def __repr__(self) -> str:  # Hypothesis shows it
        return "Checker"

    def entry(self, fragment: str = "", kind: str = "papers") -> str:
        """The valid entry with the fragment in place of its keys, at the place where the order wants it."""
        order = list(KINDS[kind].model_fields)
        keys = re.findall(r"^(\w+):", fragment, re.MULTILINE)
        before: list[str] = []
        after: list[str] = []
        rank = order.index(keys[0]) if keys and keys[0] in order else len(order)
        for line in BASE[kind].splitlines():
            key = line.split(":")[0]
            if key not in keys:
                (before if order.index(key) < rank else after).append(line)
        return "".join(f"{line}\n" for line in (*before, *filter(None, [fragment.removesuffix("\n")]), *after))

    def draft(self, text: str | bytes, kind: str = "papers", path: str = "") -> tuple[Draft | None, list[Problem]]:
        """What the reader makes of a text."""
        path = path or PATHS[kind]
        document, problems = load(text.encode() if isinstance(text, str) else text, path)
        slug = path.rpartition("/")[2].removesuffix(".yaml")
        return (Draft(kind, slug, document) if document is not None else None), problems

    def readable_draft(self, text: str | bytes, kind: str = "papers", path: str = "") -> Draft:
        """What the reader makes of a text that it can read."""
        draft, problems = self.draft(text, kind, path)
        assert draft is not None, problems
        return draft

    def all_problems(self, text: str | bytes, kind: str = "papers", path: str = "") -> list[Problem]:
        """What the reader and every check say of one entry that is alone in the catalogue."""
        draft, problems = self.draft(text, kind, path)
        if draft is not None:
            for check in ENTRY_CHECKS.values():
                problems.extend(check.check(draft, self.context))
            for check_all in CATALOGUE_CHECKS.values():
                problems.extend(check_all.check_all([draft, *self.named_models(draft)], self.context))
        return sorted(problem for problem in problems if problem.code not in EXPECTED_NOTES)

    def named_models(self, draft: Draft) -> list[Draft]:
        """The model that the entry may name, unless it is one itself."""
        if draft.kind == "models":
            return []
        text = self.entry("name: Named model", "models")
        return [self.readable_draft(text, "models", f"data/models/{NAMED_MODEL}.yaml")]

    def messages(self, check: Any, fragment: str, kind: str = "papers", path: str = "") -> list[str]:
        """The messages of one check of entries."""
        draft = self.readable_draft(self.entry(fragment, kind), kind, path)
        return [problem.text() for problem in sorted(check.check(draft, self.context))]

    def messages_of_all(
        self, check: Any, fragments: Mapping[str, str], records: Mapping[str, ArxivRecord] | None = None
    ) -> list[str]:
        """The messages of one check of the catalogue, for entries by path below data/."""
        drafts = []
        for path, fragment in fragments.items():
            kind = path.split("/")[0]
            drafts.append(self.readable_draft(self.entry(fragment, kind), kind, f"data/{path}"))
        context = replace(self.context, records=records or {})
        return [problem.text() for problem in sorted(check.check_all(drafts, context))]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests could not try on this machine, which they record under «not tried»."""
    passed = terminalreporter.stats.get("passed", ())
    lacking = Counter(value for report in passed for name, value in report.user_properties if name == "not tried")
    for what, tests in lacking.items():
        terminalreporter.write_line(f"not tried in {tests} test{'s' if tests > 1 else ''}: {what}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def outcome() -> Outcome:
    """What `validate` finds in the shipped catalogue, which is read once a process."""
    return validate(ROOT / "data")


@pytest.fixture(scope="session")
def shipped(outcome: Outcome) -> Catalogue:
    """The shipped catalogue."""
    assert outcome.catalogue is not None, [one.text() for one in outcome.problems if one.severity == "error"]
    return outcome.catalogue


@pytest.fixture(scope="session")
def checker() -> Checker:
    """The real taxonomy and data sets, no records."""
    problems: list[Problem] = []
    taxonomy, document = read_taxonomy(ROOT / "data", problems)
    datasets, datasets_document = read_datasets(ROOT / "data", problems)
    assert taxonomy is not None
    assert document is not None
    assert datasets is not None
    assert datasets_document is not None
    assert not problems
    return Checker(Context(taxonomy, document, {}, datasets, datasets_document))


@pytest.fixture(scope="session")
def taxonomy(checker: Checker) -> Taxonomy:
    """The shipped vocabularies."""
    return checker.context.taxonomy


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in a folder, in this process."""

    def run_in(folder: Path, *arguments: str) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["generator", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.run()
        output = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, output.out, output.err)

    return run_in

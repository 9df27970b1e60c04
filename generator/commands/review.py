"""The command `review`: what a reviewer has to know about the entries that were added or changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from generator.assemble.build import load_site
from generator.checks.drafts import entry_files
from generator.checks.validate import Outcome, Written, judge, read_data, without_faults
from generator.commands.output import say
from generator.escape import terminal
from generator.outputs.changes import Changes, RevisionError, changed_files, changes
from generator.outputs.review import Reviewed, Reviewer
from generator.outputs.review_summary import reviewed_entries, summary
from generator.pages.as_text import EntryTexts


def review(files: Sequence[Path], base: str | None, root: Path) -> None:
    """Print a review of each entry, as Markdown.

    It reports and does not judge: entries with errors are reviewed, too, and `validate` fails because of them.

    Args:
        files: of entries; those that differ from the base if empty.
        base: the revision that the files on disk are compared with; none if files are given without it.
        root: of the repository.

    Raises:
        typer.BadParameter: a file is not an entry, or the revision is unknown.
    """
    compared, touched = _compared(root, base) if base is not None or not files else (None, None)
    known = {file.resolve(): (kind, file) for kind, file in entry_files(root / "data")}
    for file in files:
        if file.resolve() not in known:
            raise typer.BadParameter(
                f"{file} is not an entry; give a file such as data/papers/2023/diff-pruning.yaml", param_hint="FILES"
            )
    named = {file.resolve() for file in files}
    chosen = [
        Reviewed(kind, file.name.removesuffix(".yaml"), terminal(_below(root, file)))
        for where, (kind, file) in known.items()
        if (where in named if files else _decoded(_below(root, file)) in (touched or ()))
    ]
    if compared is not None:
        chosen = list(reviewed_entries(compared, chosen))
    written = read_data(root / "data")
    outcome = judge(written)
    failed = {problem.path for problem in outcome.problems if problem.severity == "error"}
    chosen.sort(key=lambda one: (one.path not in failed, one.path))
    texts = _texts(written, outcome, root) if chosen else None

    def page_of(one: Reviewed) -> str | None:
        return texts.of(one.kind, one.slug) if texts is not None and one.path not in failed else None

    say(summary(chosen, Reviewer(written, outcome, touched).review, page_of, outcome, compared))


def _texts(written: Written, outcome: Outcome, root: Path) -> EntryTexts | None:
    """The pages of the entries that have no error; None where a file that all pages need is missing."""
    catalogue = without_faults(written, outcome)
    try:
        return EntryTexts(load_site(catalogue, root)) if catalogue is not None else None
    except (OSError, ValueError):
        return None


def _below(root: Path, file: Path) -> str:
    return f"data/{file.relative_to(root / 'data').as_posix()}"


def _decoded(path: str) -> str:
    """As the names that git gives are decoded."""
    return os.fsencode(path).decode("utf-8", "replace")


def _compared(root: Path, base: str | None) -> tuple[Changes, frozenset[str]]:
    try:
        return changes(root, base or "HEAD", None), changed_files(root, base or "HEAD")
    except RevisionError as error:
        raise typer.BadParameter(terminal(str(error)), param_hint="--base") from error

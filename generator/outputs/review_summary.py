"""Reviews as Markdown for the page of a job: our words are headings, all else is in blocks of code.

What an entry says is hostile until a person has read it, so it has one sink here, ``escape.fenced``. The size is
bounded: GitHub drops a summary of more than 1 MiB.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from generator.checks.validate import Outcome
from generator.escape import fenced
from generator.outputs.changes import Changes
from generator.outputs.review import Review, Reviewed
from reference_impls.number_format import count

MAX_BYTES = 900_000
"""Of the whole summary, with room below the limit of GitHub."""
MAX_VALUE = 1_500
"""Characters of one value."""
MAX_VALUES = 40
"""Values of one field."""
MAX_PAGE = 12_000
"""Characters of the page of an entry."""
SHORT = 60
"""Values up to this length share a line."""
MOST_LINES = 60
"""Of a list of files or problems that belong to no reviewed entry."""
WIDTH = 112
LABEL = 24
KINDS = {"papers": "Paper", "tools": "Tool", "articles": "Article", "models": "Model"}


def reviewed_entries(changed: Changes, files: Iterable[Reviewed]) -> Iterator[Reviewed]:
    """The entry files with how each differs.

    Args:
        changed: from the base to the files on disk.
        files: that differ, or that a person names.
    """
    states = {(one.kind, one.slug): ("added", one) for one in changed.added}
    states |= {(one.kind, one.slug): ("changed", one) for one in changed.changed}
    states |= {(one.kind, one.slug): ("renamed", one) for one in changed.renamed}
    lost = {(one.kind, one.slug) for one in changed.unreadable}
    for file in files:
        state, change = states.get((file.kind, file.slug), ("", None))
        if change is not None:
            yield replace(file, state=state, changes=change.fields, former=change.old_slug)
        else:
            yield replace(file, state="unreadable" if (file.kind, file.slug) in lost else "without a changed field")


def summary(
    chosen: Sequence[Reviewed],
    review: Callable[[Reviewed], Review],
    page_of: Callable[[Reviewed], str | None],
    outcome: Outcome,
    changed: Changes | None,
) -> str:
    """The whole summary, as many reviews as fit.

    Args:
        chosen: the entries, the most urgent first.
        review: reviews one.
        page_of: the page of an entry as text; None if it cannot be rendered.
        outcome: of all checks.
        changed: from the base to the files on disk, if they were compared.
    """
    parts = ["\n".join(_head(len(chosen), outcome, changed))]
    size = len(parts[0].encode())
    for number, one in enumerate(chosen, start=1):
        part = "\n".join(_entry(number, review(one), page_of))
        size += len(part.encode()) + 2
        if size > MAX_BYTES:
            left = [left_out.path for left_out in chosen[number - 1 :]]
            said = f"{count(len(left), 'entry was', 'entries were')} left out, because a summary has a limit of size:"
            parts.append(f"## Left out\n\n{said}\n\n{fenced(_first(left))}")
            break
        parts.append(part)
    reported = {problem for one in chosen for problem in outcome.about(one.path)}
    others = [one.text() for one in outcome.problems if one.severity == "error" and one not in reported]
    if others:
        parts.append(f"## Errors in other files\n\n{fenced(_first(others))}")
    return "\n\n".join(parts)


def _head(total: int, outcome: Outcome, changed: Changes | None) -> Iterator[str]:
    yield f"# Review of {count(total, 'entry', 'entries')}" if total else "# Review"
    yield ""
    yield f"{count(outcome.errors, 'error')} in {count(outcome.entries, 'entry', 'entries')} of the catalogue."
    if not total:
        yield "No entry was added or changed."
    if changed is not None and changed.removed:
        yield ""
        yield "Removed, although nothing is deleted here: a `status` says that a work is withdrawn or replaced."
        yield ""
        yield fenced(_first([f"data/{one.kind}/…/{one.slug}.yaml  {one.title}" for one in changed.removed]))


def _entry(number: int, review: Review, page_of: Callable[[Reviewed], str | None]) -> Iterator[str]:
    reviewed = review.reviewed
    yield f"## {number}. {KINDS[reviewed.kind]}{f', {reviewed.state}' if reviewed.state else ''}"
    yield ""
    former = [f"before: {reviewed.former}"] if reviewed.former else []
    yield fenced("\n".join(_wrapped([review.title, reviewed.path, *former])))
    yield ""
    yield "### Problems"
    yield ""
    yield fenced(_first([problem.text() for problem in review.problems])) if review.problems else "None."
    if review.why_not:
        yield ""
        yield review.why_not
        return
    if reviewed.changes:
        yield ""
        yield "### Changed fields"
        yield ""
        yield fenced("\n".join(_difference(review)), "diff")
    yield from _part("The entry", [(label, _short(values)) for label, values in review.fields])
    yield from _part("Compared", [(one.what, [f"{one.outcome}", f"  with {one.with_what}"]) for one in review.compared])
    alike = [(f"{one.likeness:.2f}", [f"{one.name}, {one.path}", f"  {one.why}"]) for one in review.alike]
    yield from _part("Most similar entries", alike, "None with much in common.")
    if review.families:
        yield ""
        yield fenced("\n".join(_wrapped([review.families])))
    open_ = [(f"{field} (required)", [what]) for field, what in review.left.required.items()]
    open_ += [(field, [what]) for field, what in review.left.optional.items()]
    yield from _part("Not stated yet", open_, "Nothing.")
    yield ""
    page = page_of(reviewed)
    if page is None:
        yield "The page is rendered when the entry has no error."
        return
    yield "<details><summary>The page of the entry as text</summary>"
    yield ""
    yield fenced("\n".join(_wrapped(_cut(page, MAX_PAGE).split("\n"))))
    yield ""
    yield "</details>"


def _part(heading: str, rows: Sequence[tuple[str, Sequence[str]]], none: str = "") -> Iterator[str]:
    yield ""
    yield f"### {heading}"
    yield ""
    yield fenced("\n".join(_table(rows))) if rows else none


def _table(rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Rows of a label and its values, each value on lines of its own."""
    for label, values in rows:
        lines = list(_wrapped(_values(values), WIDTH - LABEL))
        head = _cut(" ".join(label.split()), WIDTH)
        if len(head) >= LABEL:
            yield head
            head = ""
        for line in lines or [""]:
            yield f"{head:<{LABEL}}{line}".rstrip()
            head = ""


def _short(values: Sequence[str]) -> Sequence[str]:
    """Short values, such as terms, on one line."""
    return ["; ".join(values)] if values and max(map(len, values)) <= SHORT else values


def _values(values: Sequence[str]) -> list[str]:
    shown = [_cut(value, MAX_VALUE) for value in values[:MAX_VALUES]]
    return shown + ([f"… and {len(values) - MAX_VALUES} more"] if len(values) > MAX_VALUES else [])


def _difference(review: Review) -> Iterator[str]:
    for change in review.changed:
        yield f"@@ {_cut(' '.join(change.field.split()), WIDTH)} @@"
        for sign, values in (("-", change.old), ("+", change.new)):
            for line in _wrapped(_values(values), WIDTH - 2):
                yield f"{sign} {line}"


def _wrapped(lines: Iterable[str], width: int = WIDTH) -> Iterator[str]:
    """Lines of at most that many characters, continued lines indented."""
    for line in lines:
        start = line[: len(line) - len(line.lstrip())]
        text = " ".join(line.split())
        yield from textwrap.wrap(
            text,
            width,
            initial_indent=start[:8],
            subsequent_indent=f"{start[:8]}  ",
            break_on_hyphens=False,
        ) or [""]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} … {len(text) - most:,} characters more"


def _first(lines: Sequence[str]) -> str:
    shown = list(_wrapped([_cut(line, MAX_VALUE) for line in lines[:MOST_LINES]]))
    return "\n".join(shown + ([f"… and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []))

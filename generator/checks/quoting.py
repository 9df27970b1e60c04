"""A plain value that another YAML reader would take for a number, date, yes or nothing is quoted."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E110",
        "Text that YAML would read as a number, a date, a boolean or null is quoted.",
        "arxiv: 2305.10924",
        'arxiv: "2305.10924"',
    ),
)

# Where such a type is meant: numbers and full dates remain unquoted.
_NUMBERS = {"before", "after", "parameters"}
_NUMBER_FIELDS = {"steps", "calls_per_step"}
_DATES = {"added", "checked_on", "date", "released"}
_BOOLEANS = {"unspecific"}


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """One problem for each value that must be quoted."""
    texts = dict(draft.scalars())
    for steps, kind in draft.document.typed.items():
        key = steps[-1]
        if kind == "number" and (_NUMBERS & set(steps[:-1]) or key in _NUMBER_FIELDS):
            continue
        if kind == "boolean" and key in _BOOLEANS:
            continue
        if kind == "date" and key in _DATES:
            continue
        text = texts.get(steps)
        if not text or (draft.unread and steps == ("checked",)):
            continue  # `shape` reports an empty value, `unread` a draft
        name = f"{key}: " if isinstance(key, str) else ""
        yield draft.problem(
            "E110", steps, f"{text} is not quoted, so YAML reads {_read_as(kind, text)}", f'write {name}"{text}"'
        )


def _read_as(kind: str, text: str) -> str:
    if kind == "date":
        return f"the date {text}"
    if kind != "number":
        return {"boolean": "a boolean", "operator": "an operator"}.get(kind, kind)
    try:
        return f"the number {float(text):g}" if len(text) < 6 else f"the number {float(text)!r}"
    except ValueError:
        return "a number"

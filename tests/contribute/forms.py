"""Issues as GitHub writes them from the answers to a form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generator.contribute.form import NO_ANSWER, Form, Question, read_forms

ROOT = Path(__file__).parents[2]
FORMS = {form.name: form for form in read_forms(ROOT)}
ENTRY, CORRECTION = FORMS["entry"], FORMS["correction"]
SUMMARY = "Prunes the channels of a U-Net that matter least and then fine-tunes the pruned model."
TICKED = ENTRY.question("licence").options[0]
PAPER = {
    "kind": "Paper",
    "address": "2311.00098",
    "title": "Prune Well",
    "family": "pruning",
    "summary": SUMMARY,
    "checked": "abstract",
    "licence": TICKED,
}
PUBLISHED = PAPER | {
    "address": "https://example.org/prune-well",
    "authors": "Ada Lovelace\nSammy Davis, Jr.",
    "date": "2023-06",
}
TOOL = {
    "kind": "Tool",
    "address": "https://github.com/a/Pruner",
    "title": "Pruner",
    "family": "pruning",
    "category": "pruning-toolkit",
    "summary": SUMMARY,
    "licence": TICKED,
}
ARTICLE = TOOL | {
    "kind": "Article",
    "address": "https://example.org/how-to",
    "title": "How to prune",
    "category": "tutorial",
}


def answer(question: Question, value: str) -> str:
    """One answer as GitHub writes it; several options are on lines of their own."""
    if question.kind == "checkboxes":
        ticked = value.split("\n")
        return "\n".join(f"- [{'X' if option in ticked else ' '}] {option}" for option in question.options)
    if question.kind == "dropdown" and question.multiple:
        value = ", ".join(value.split("\n"))
    return value or NO_ANSWER


def body(form: Form, values: Mapping[str, str]) -> str:
    """The text of the issue."""
    parts = (f"### {one.label}\n\n{answer(one, values.get(one.id, ''))}" for one in form.questions)
    return "\n\n".join(parts)

"""A summary is one to three plain sentences of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

MIN_LENGTH, MAX_LENGTH = 40, 450

CODES = (
    Code(
        "E240",
        f"A summary has {MIN_LENGTH} to {MAX_LENGTH} characters.",
        "summary: Prunes a model.",
        "summary: Prunes the channels of a U-Net that matter least and then fine-tunes it.",
    ),
    Code(
        "E241",
        "A summary is plain sentences that end with a full stop: no Markdown, no LaTeX, no advertising.",
        "summary: A **novel** method that prunes the channels of a U-Net that matter least",
        "summary: Prunes the channels of a U-Net that matter least and then fine-tunes it.",
    ),
    Code(
        "E248",
        "The summary of a paper has a number if its results have one from its own abstract.",
        wrong="a result with where: abstract, and a summary without a digit",
        right="summary: Prunes half of the channels of a U-Net, which then needs 40% fewer MACs.",
    ),
)

# A dollar of a price, such as $0.01, is none of TeX; a < without its > is a sign.
_TEX = r"\$(?!\d[\d,]*(?:\.\d+)?(?![\d$\\]))(?=[^$]*\$)"
_MARKUP = re.compile(rf"\*\*|__|`|{_TEX}|\]\(|</?[a-z][^<>]*>|\\[a-z]+|^#", re.IGNORECASE)
_TERMS = (
    "views?|viewpoints?|objects?|concepts?|class(?:es)?|categor(?:y|ies)|poses?|scenes?|subjects?|domains?|tasks?"
    "|identit(?:y|ies)|compositions?|trajector(?:y|ies)|characters?|motions?|speakers?"
)
"""What «novel» is no praise of: things that a model has not been trained on."""
_PRAISE = re.compile(
    rf"(?<!graphic )(?<!visual )(?<!web )\bnovel\b(?![- ](?:{_TERMS})\b)"
    r"|\b(?:state-of-the-art|groundbreaking|revolutionary|cutting-edge)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_END = re.compile(r"\.[)\]”»\"'’]*$")


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """Length, then form, then the number."""
    text = draft.text("summary")
    if text is None:
        return
    steps = ("summary",)
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        yield draft.problem(
            "E240", steps, f"summary of {len(text)} characters", f"write {MIN_LENGTH} to {MAX_LENGTH} characters"
        )
    if match := _MARKUP.search(text):
        yield draft.problem("E241", steps, f"markup {match[0]!r} in the summary", "write plain text")
    if match := _PRAISE.search(text):
        yield draft.problem("E241", steps, f"{match[0]!r} in the summary", "say what the method does, without praise")
    if not _END.search(text):
        yield draft.problem("E241", steps, f"the summary ends with {text[-12:]!r}", "end it with a full stop")
    if not _DIGIT.search(text) and any(map(_of_own_abstract, (result for _, result in draft.results()))):
        message = "results from the abstract, but no number in the summary"
        yield draft.problem("E248", steps, message, "write the main number, and what it is compared with")


def _of_own_abstract(result: Mapping[str, Any]) -> bool:
    return str(result.get("where")).startswith("abstract") and "reported_by" not in result

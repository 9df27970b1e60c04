"""What `discover` looks for, as in ``data/queries.yaml``: queries, weights of the score, words of proposals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated

from pydantic import Field

from generator.entries.model import Number, Record, Text, Texts
from generator.entries.tex import text_of

_JOINT = re.compile(r"[\W_]+")


class Query(Record):
    """One search of arXiv."""

    text: Text
    """What it finds, in one sentence."""
    all: Annotated[tuple[Annotated[Texts, Field(min_length=1)], ...], Field(min_length=1)]
    """Groups of words: title or abstract has one of each group."""


class Score(Record):
    """Weights of the score of a candidate: a sum, each part of which is printed."""

    least: Number
    """A paper with a lower score is no candidate."""
    abstract: Number
    """Fraction of the weight of a word that is only in the abstract."""
    both: Number
    """Added if title or abstract has a word of `subject` and one of `cost`."""
    author: Number
    """Added for each author of at least two entries."""
    authors: Number
    """Authors that count at most."""
    model: Number
    """Added if title or abstract names a model of the catalogue."""
    near: Number
    """Times the likeness of the title to those of the nearest family, from 0 to 1."""
    subject: Mapping[str, Number]
    """Weight of words for diffusion models in the title. An asterisk stands for any ending."""
    cost: Mapping[str, Number]
    """Weight of words for a lower cost."""
    other: Mapping[str, Number]
    """Weight of words for other subjects, which is negative."""


class Hints(Record):
    """Words by which facts of a paper are proposed."""

    families: Mapping[str, Texts]
    """Family -> words; where two have as many, the first one of the file is proposed."""
    sparsity: Mapping[str, Texts]
    """Sparsity pattern -> words."""


class Discovery(Record):
    """The file ``data/queries.yaml``."""

    days: Number
    """Days before today from which on papers are looked for, if no day is given."""
    categories: Annotated[Texts, Field(min_length=1)]
    """Categories of arXiv; a paper is in one of them."""
    queries: Annotated[Mapping[str, Query], Field(min_length=1)]
    """Name -> query."""
    score: Score
    hints: Hints


def words_of(text: str) -> str:
    """Text in the form in which words are looked for: without TeX, case and punctuation, one space between words."""
    return _JOINT.sub(" ", text_of(text).casefold()).strip()


@cache
def pattern_of(word: str) -> re.Pattern[str]:
    """What finds a word in the result of ``words_of``; ``prun*`` finds every ending."""
    plain = words_of(word.removesuffix("*"))
    end = r"\w*" if word.endswith("*") else r"(?!\w)"
    return re.compile(rf"(?<!\w){re.escape(plain)}{end}")


def arxiv_query(query: Query, categories: Texts, window: tuple[str, str]) -> str:
    """The query in arXiv's language.

    Args:
        query: the words.
        categories: of arXiv.
        window: first and last day of submission, YYYY-MM-DD.
    """
    first, last = (day.replace("-", "") for day in window)
    groups = [" OR ".join(f"cat:{category}" for category in categories)]
    for group in query.all:
        alternatives = [f"{field}:{_quoted(word)}" for word in group for field in ("ti", "abs")]
        groups.append(" OR ".join(alternatives))
    return f"{' AND '.join(f'({group})' for group in groups)} AND submittedDate:[{first}0000 TO {last}2359]"


def _quoted(word: str) -> str:
    return f'"{word}"' if re.search(r"[^\w*]", word) else word


def finds(query: Query, title: str, abstract: str = "") -> bool:
    """Whether a query finds a paper, as far as its words are concerned."""
    text = f"{words_of(title)} | {words_of(abstract)}"
    return all(any(pattern_of(word).search(text) for word in group) for group in query.all)

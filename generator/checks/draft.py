"""An entry as written, before it is a record: what the checks look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from generator.entries.load_yaml import Document, Steps
from generator.entries.model import DATE, ArxivRecord, Dataset, Taxonomy, month_of_arxiv_id
from generator.entries.problem import Code, Problem, Severity
from generator.escape import terminal

UNREAD = "no"
"""Value of `checked` in a draft that `discover` wrote: nobody has read the paper."""


@dataclass(frozen=True)
class Draft:
    """One file of the catalogue, read but not yet checked."""

    kind: str
    """papers, tools, articles or models."""
    slug: str
    """File name without its ending."""
    document: Document

    @property
    def path(self) -> str:
        """File, relative to the repository."""
        return self.document.path

    @property
    def data(self) -> Mapping[str, Any]:
        """Nested text as written."""
        return self.document.data

    def text(self, key: str) -> str | None:
        """The value of a top-level key, if it is text and not blank."""
        value = self.data.get(key)
        return value if isinstance(value, str) and value.strip() else None

    @property
    def unread(self) -> bool:
        """Whether `discover` wrote it and nobody has completed it; `unread` reports that, and no other check does."""
        return self.kind == "papers" and self.data.get("checked") == UNREAD

    def items(self, key: str) -> Iterator[tuple[Steps, str]]:
        """The texts of a top-level key, whether it is one text or a list of them."""
        yield from items_of((key,), self.data.get(key))

    def results(self) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
        """The results of a paper that are mappings, each with its place."""
        value = self.data.get("results") if self.kind == "papers" else None
        for index, result in enumerate(value if isinstance(value, list) else ()):
            if isinstance(result, dict):
                yield ("results", index), result

    def scalars(self) -> Iterator[tuple[Steps, str]]:
        """Every text of the document with its place in the structure, without recursion."""
        waiting: list[tuple[Steps, Any]] = [((), self.data)]
        while waiting:
            steps, value = waiting.pop()
            if isinstance(value, str):
                yield steps, value
            elif isinstance(value, dict):
                waiting.extend(((*steps, key), part) for key, part in value.items())
            else:
                waiting.extend(((*steps, index), part) for index, part in enumerate(value))

    def problem(
        self,
        code: str,
        steps: Steps,
        message: str,
        fix: str,
        *,
        key: bool = False,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at the place of a value, or of its key."""
        place = self.document.place(steps, key=key)
        # Both may quote the entry, which can contain any character, written as an escape.
        message, fix = (terminal(text).replace("\n", "\\n") for text in (message, fix))
        return Problem(self.path, place.line, place.column, code, message, fix, severity)

    def first_month(self, records: Mapping[str, ArxivRecord]) -> str | None:
        """YYYY-MM, or only YYYY, of the first publication: the earlier of the arXiv id and its record, or the date.

        Moderation can put weeks between submission and id. A record can only move the month back, so that a new one
        never makes an entry wrong.
        """
        filed = self.filed_month()
        record = records.get(self.text("arxiv") or "")
        published = record.published if record else None
        if filed is not None and published is not None and DATE.fullmatch(published):
            return min(filed, published[:7])
        return filed

    def filed_month(self) -> str | None:
        """YYYY-MM, or only YYYY, by which the entry is filed: of the arXiv id, or of the date if there is none."""
        arxiv_id = self.text("arxiv")
        if arxiv_id is None:
            date = self.text("date")
            return date[:7] if date is not None and DATE.fullmatch(date) else None
        try:
            return month_of_arxiv_id(arxiv_id)
        except ValueError:
            return None


@dataclass(frozen=True)
class Context:
    """What the checks may use besides the entry itself."""

    taxonomy: Taxonomy
    taxonomy_document: Document
    records: Mapping[str, ArxivRecord]
    datasets: Mapping[str, Dataset]
    datasets_document: Document


def items_of(steps: Steps, value: object) -> Iterator[tuple[Steps, str]]:
    """The texts of a value that is one text or a list of them, each with its place."""
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield (*steps, index), item


class Check(Protocol):
    """A module of rules."""

    @property
    def CODES(self) -> tuple[Code, ...]:  # noqa: N802  a constant of the module
        """What the module can find."""


class EntryCheck(Check, Protocol):
    """A module that judges one entry by itself."""

    def check(self, draft: Draft, context: Context) -> Iterator[Problem]:
        """Problems of the entry; reads nothing, prints nothing, raises nothing."""


class CatalogueCheck(Check, Protocol):
    """A module that judges the entries together."""

    def check_all(self, drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
        """Problems of the entries; reads nothing, prints nothing, raises nothing."""

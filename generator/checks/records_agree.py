"""Title and first author of an entry are those of its arXiv record: this finds wrong ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.arxiv.records import problem_path
from generator.checks.draft import Context, Draft
from generator.entries.names import names_in
from generator.entries.plain_text import code_points_that_differ, plain
from generator.entries.problem import Code, Problem
from generator.entries.tex import text_of

CODES = (
    Code(
        "E604",
        "Every paper on arXiv has a record under data/arxiv/; the scheduled job fetches it.",
        severity="note",
        wrong="a new entry without a file under data/arxiv/",
        right="run make enrich ID=2305.10924, or leave it to the scheduled job",
    ),
    Code(
        "E605",
        "Title and first author agree with the arXiv record; a former title goes into aliases.",
        wrong="title: Wanda beside the id of another paper",
        right="the id that belongs to the title",
    ),
    Code(
        "E610",
        "A title is that of the newest version on arXiv.",
        severity="note",
        wrong="the title of the first version, after arXiv's record has a new one",
        right="the new title; the former one goes into aliases",
    ),
    Code(
        "E606",
        "Every record under data/arxiv/ belongs to an entry.",
        severity="note",
        wrong="data/arxiv/2023/2305.10924.json without an entry",
        right="add the entry, or delete the record",
    ),
)


def check_all(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Entries against records, then records against entries."""
    asked = set()
    for draft in drafts:
        arxiv_id = draft.text("arxiv") if draft.kind == "papers" else None
        if arxiv_id is None:
            continue
        asked.add(arxiv_id)
        record = context.records.get(arxiv_id)
        if record is None:
            fix = f"run make enrich ID={arxiv_id}, or leave it to the scheduled job"
            yield draft.problem("E604", ("arxiv",), f"the arXiv record of {arxiv_id} is missing", fix, severity="note")
            continue
        title = draft.text("title")
        known = {plain(text) for _, text in draft.items("aliases")} | ({plain(title)} if title else set())
        if title and plain(record.title) not in known and known & {plain(former) for former in record.former_titles}:
            message = f"{arxiv_id} is now called {text_of(record.title)!r} on arXiv"
            fix = "write the new title, and the former one into aliases"
            yield draft.problem("E610", ("title",), message, fix, severity="note")
        elif title and plain(record.title) not in known:
            message = f"the title of {arxiv_id} on arXiv is {text_of(record.title)!r}, not {title!r}"
            if letters := code_points_that_differ(record.title, title):
                message += f"; only one of them has {letters}"
            yield draft.problem(
                "E605", ("title",), message, "correct the id or the title; a former title goes into aliases"
            )
        authors = [text for _, text in draft.items("authors") if text.strip()]
        known_authors = names_in(record.authors)
        if authors and known_authors and _family(authors[0]) != _family(known_authors[0]):
            message = f"the first author of {arxiv_id} is {known_authors[0]}, not {authors[0]}"
            yield draft.problem(
                "E605", ("authors", 0), message, "correct the id, or delete authors, which come from arXiv"
            )
    for arxiv_id in sorted(set(context.records) - asked):
        path = problem_path(arxiv_id)
        yield Problem(
            path, 1, 1, "E606", f"no entry has arxiv: {arxiv_id}", "add the entry or delete the record", "note"
        )


def _family(name: str) -> str:
    return plain(name.strip().rpartition(" ")[2])

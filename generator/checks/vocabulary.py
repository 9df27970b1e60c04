"""Terms of the vocabularies are described and used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.checks.draft import Context, Draft
from generator.checks.terms import uses
from generator.entries.model import TERM_NAMES, Taxonomy
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E520",
        "A term has a name and one sentence that ends with a full stop.",
        wrong="text: Removes channels",
        right="text: Removes whole channels.",
    ),
    Code(
        "E521",
        "Each term is used by an entry.",
        severity="note",
        wrong="a term of data/taxonomy.yaml that no entry uses",
        right="use it in an entry, or delete it",
    ),
)

_NOT_SENTENCES = {"venues"}  # full names of conferences
_NOT_OF_ENTRIES = {"scope"}  # why papers have no entry


def check_all(drafts: Sequence[Draft], context: Context) -> Iterator[Problem]:
    """Each term of each vocabulary."""
    used = {(vocabulary, word) for draft in drafts for vocabulary, _, word in uses(draft)}
    used |= {("venues", (draft.text("venue") or "").rpartition(" ")[0]) for draft in drafts}
    if any(not draft.text("status") for draft in drafts):
        used.add(("statuses", "active"))
    document = context.taxonomy_document
    for name in Taxonomy.model_fields:
        for word, term in context.taxonomy.vocabulary(name).items():
            place = document.place((name, word), key=True)
            if name not in _NOT_SENTENCES and not term.text.endswith("."):
                message = f"the sentence of {name}.{word} ends with {term.text[-12:]!r}"
                yield Problem(
                    document.path, place.line, place.column, "E520", message, "write one sentence with a full stop"
                )
            if (name, word) not in used and name not in _NOT_OF_ENTRIES:
                message = f"no entry uses the {TERM_NAMES[name]} {word!r}"
                yield Problem(
                    document.path, place.line, place.column, "E521", message, "use it in an entry, or delete it", "note"
                )

"""A draft that `discover` wrote is no entry until a person has read the paper."""

from __future__ import annotations

from collections.abc import Iterator

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem

CODES = (
    Code(
        "E242",
        "A draft of `discover` has been completed by a person, who read at least the abstract.",
        'summary: ""\nchecked: no',
        "summary: Prunes the channels of a U-Net that matter least and then fine-tunes it.\nchecked: abstract",
    ),
)


def check(draft: Draft, _context: Context) -> Iterator[Problem]:
    """One problem, in place of those of the empty fields."""
    if draft.unread:
        yield draft.problem(
            "E242",
            ("checked",),
            "nobody has read this paper: discover wrote the file",
            "read the abstract, correct the fields, write the summary, then checked: abstract; or delete the file and"
            " add the paper to data/turned-down.yaml",
        )

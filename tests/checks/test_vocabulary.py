"""Terms that nobody uses, and terms without a sentence."""

from __future__ import annotations

from dataclasses import replace

from generator.checks import vocabulary
from tests.conftest import Checker

A = "papers/2023/a.yaml"


def test_unused_term_is_a_note_at_its_place(checker: Checker) -> None:
    messages = checker.messages_of_all(vocabulary, {A: "family: caching"})
    place = checker.context.taxonomy_document.place(("families", "pruning"), key=True)
    assert (
        f"data/taxonomy.yaml:{place.line}:3: note[E521]: no entry uses the family 'pruning'. "
        "fix: use it in an entry, or delete it"
    ) in messages
    assert not any("family 'caching'" in line for line in messages)
    assert not any("[E520]" in line for line in messages)


def test_active_is_used_by_saying_nothing(checker: Checker) -> None:
    assert not any("'active'" in line for line in checker.messages_of_all(vocabulary, {A: ""}))


def test_venue_is_used_with_any_year(checker: Checker) -> None:
    messages = checker.messages_of_all(vocabulary, {A: "venue: ACM MM 2024"})
    assert not any("'ACM MM'" in line for line in messages)
    assert any("venue 'CVPR'" in line for line in messages)


def test_sentence_without_full_stop(checker: Checker) -> None:
    taxonomy = checker.context.taxonomy
    term = taxonomy.families["pruning"].model_copy(update={"text": "Removes things"})
    families = taxonomy.families | {"pruning": term}
    context = replace(checker.context, taxonomy=taxonomy.model_copy(update={"families": families}))
    draft = checker.readable_draft(checker.entry())
    assert [problem.text() for problem in vocabulary.check_all([draft], context) if problem.code == "E520"] == [
        (
            "data/taxonomy.yaml:5:3: error[E520]: the sentence of families.pruning ends with 'moves things'. "
            "fix: write one sentence with a full stop"
        )
    ]

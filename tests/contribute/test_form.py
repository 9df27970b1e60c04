"""The text of an issue is read back as it was answered, or every field that cannot be read is named."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.contribute.form import LONGEST, WHOLE, Form, NoForm, Question, answers, pick
from generator.contribute.from_issue import KEYS, OTHER
from generator.entries.load_yaml import unseen
from generator.entries.model import KINDS, Taxonomy
from tests.contribute.forms import CORRECTION, ENTRY, FORMS, PAPER, TICKED, body
from tests.work import calls_in

WORDS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="# \t\r\n-[]xX`<!>_aé:\u202e\x00", max_size=30),
    st.sampled_from([f"{mark} {one.label}" for one in ENTRY.questions for mark in ("###", "##", " ###", "####")]),
    st.sampled_from(["```\n### x\n```", "_No response_", "None", "---\nkey: value", "- [x] yes", "### "]),
)
TEXTS = st.lists(WORDS, max_size=4).map("\n".join)


def of_question(question: Question) -> st.SearchStrategy[str]:
    if question.kind == "checkboxes":
        return st.lists(st.sampled_from(question.options), unique=True).map("\n".join)
    if question.kind == "dropdown":
        most = len(question.options) if question.multiple else 1
        return st.lists(st.sampled_from(question.options), unique=True, max_size=most).map("\n".join)
    return TEXTS if question.kind == "textarea" else WORDS


def of_form(form: Form) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({one.id: of_question(one) for one in form.questions})


@pytest.mark.parametrize("name", ["entry", "correction"])
@given(data=st.data(), ends=st.sampled_from(["\n", "\r\n"]))
def test_what_is_answered_is_what_is_read(name: str, data: st.DataObject, ends: str) -> None:
    """No text of a person becomes the answer to another field: all is read as it was written, or there are faults."""
    form = FORMS[name]
    written = data.draw(of_form(form))
    read = answers(form, re.sub(r"\r\n?|\n", lambda _: ends, body(form, written)))
    texts = {one: unicodedata.normalize("NFC", re.sub(r"\r\n?", "\n", text).strip()) for one, text in written.items()}
    if any(re.match(r" {0,3}###([ \t]|$)", line) for text in texts.values() for line in text.split("\n")):
        assert read.faults
        return
    faulty = {fault.field for fault in read.faults}
    for question in form.questions:
        text = texts[question.id]
        no_answer = text in ("", "_No response_") or (question.kind == "dropdown" and text == "None")
        hidden = unseen(" ".join(text.split())) is not None or "<!--" in text
        lines = question.kind == "input" and "\n" in text
        unticked = set(question.ticked) - set(text.split("\n"))
        if (no_answer and question.required) or (not no_answer and (hidden or lines)) or unticked:
            assert question.label in faulty
            assert question.id not in read.values
        else:
            assert question.label not in faulty
            assert read.values.get(question.id, "") == ("" if no_answer else text)


@given(st.text())
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for form in FORMS.values():
        assert answers(form, text).faults


@pytest.mark.parametrize(
    "text",
    [
        "### " * 16_000,
        "###" + " " * 60_000 + "x",
        "### Kind" + "#" * 60_000,
        "\n### Kind\n" * 6_000,
        "- [x] " * 10_000,
        "<!--" * 16_000,
        "\u202e" * 60_000,
        "".join(f"### {number}\n" for number in range(6_000)),
        f"### Title or name\n{'(,' * 30_000}",
        f"### Summary\n{'$<a' * 20_000}",
    ],
    ids=range(10),
)
def test_the_work_for_a_long_text_grows_as_its_length(text: str) -> None:
    assert answers(ENTRY, text).faults
    whole = calls_in(lambda: answers(ENTRY, text))
    assert whole < 6 * calls_in(lambda: answers(ENTRY, text[: len(text) // 4]))


def test_more_than_github_takes_is_one_problem() -> None:
    (fault,) = answers(ENTRY, "x" * 1_000_000).faults
    assert fault.text() == f"{WHOLE}: 1,000,000 characters. fix: shorten it to {LONGEST:,}"


def faults(values: dict[str, str], *, add: str = "", without: str = "") -> list[str]:
    text = body(ENTRY, PAPER | values) + add
    if without:
        text = text.replace(f"### {without}\n", "")
    return [fault.text() for fault in answers(ENTRY, text).faults]


SEEN_TWICE = "2 headings of this name. fix: keep one, and start no line of a text with ###"


@pytest.mark.parametrize(
    ("values", "add", "expected"),
    [
        ({}, "", []),
        ({}, "\n\n### Code\n\nhttps://evil.example/a/b", [f"Code: {SEEN_TWICE}"]),
        ({"summary": "A.\n\n### Code\n\nhttps://evil.example/a/b"}, "", [f"Code: {SEEN_TWICE}"]),
        ({"summary": "A.\n```\n### Code\n```"}, "", [f"Code: {SEEN_TWICE}"]),
        ({"summary": "A.\n   ###\tCode  ###\n"}, "", [f"Code: {SEEN_TWICE}"]),
        (
            {"summary": "A.\n\n### Cod\n\nb"},
            "",
            [
                (
                    "Summary: the form has no heading 'Cod'. fix: did you mean ### Code? Otherwise delete the "
                    "### at the start "
                    "of that line"
                )
            ],
        ),
        (
            {"results": "### 概要"},
            "",
            ["Results: the form has no heading '概要'. fix: delete the ### at the start of that line"],
        ),
        ({"results": "#### Table\n# 1\n###x"}, "", []),
        (
            {"summary": "A <!-- b --> c"},
            "",
            ["Summary: an HTML comment, which the page of the issue does not show. fix: delete it"],
        ),
        (
            {"title": "Prune\u202e lleW"},
            "",
            ["Title or name: the character U+202E, which a reader cannot see. fix: delete it and type the text again"],
        ),
        (
            {"title": "Prune\x00Well"},
            "",
            ["Title or name: the character U+0000, which a reader cannot see. fix: delete it and type the text again"],
        ),
        ({"title": "A\nB"}, "", ["Title or name: 2 lines, beginning with 'A B'. fix: write one line"]),
        ({"title": "A" * 2000}, "", ["Title or name: 2,000 characters. fix: shorten it to 1,000"]),
        ({"summary": "A " * 6000}, "", ["Summary: 11,999 characters. fix: shorten it to 10,000"]),
        ({"title": ""}, "", ["Title or name: no answer. fix: As on the paper or page"]),
        ({"kind": "paper"}, "", ["Kind: 'paper' is no option. fix: did you mean Paper? Allowed: Paper, Tool, Article"]),
        ({"training": "None"}, "", []),
        (
            {"sparsity": "structured\nblocky"},
            "",
            ["Sparsity: 'blocky' is no option. fix: use one of unstructured, structured, semi-structured"],
        ),
        ({"licence": ""}, "", [f"Licence: the box '{TICKED}' is not ticked. fix: tick it, if you agree"]),
    ],
)
def test_each_fault_names_its_field(values: dict[str, str], add: str, expected: list[str]) -> None:
    assert faults(values, add=add) == expected


def test_missing_headings_text_before_the_first_and_changed_boxes() -> None:
    text = "Hello\n\n" + body(ENTRY, PAPER).replace("### Family\n\npruning\n", "").replace("- [X] These", "- [X] No")
    assert [fault.text() for fault in answers(ENTRY, text).faults] == [
        f"{WHOLE}: text before the first heading: 'Hello'. fix: delete it, or move it to a field",
        f"Family: the heading is missing. fix: use one of {', '.join(ENTRY.question('family').options)}",
        f"Licence: other text than the boxes of the form. fix: keep the lines of the form: - [x] {TICKED}",
    ]


def test_the_order_of_the_headings_does_not_matter() -> None:
    parts = body(ENTRY, PAPER).split("\n\n### ")
    turned = "\n\n".join(f"### {part.removeprefix('### ')}" for part in reversed(parts))
    assert answers(ENTRY, turned) == answers(ENTRY, body(ENTRY, PAPER))
    assert answers(ENTRY, turned).values == PAPER


def test_the_form_is_found_by_label_then_by_headings() -> None:
    forms = tuple(FORMS.values())
    text = body(CORRECTION, {"entry": "x"})
    assert pick(forms, [], text) == CORRECTION
    assert pick(forms, ["accepted", "correction"], text) == CORRECTION
    assert pick(forms, ["entry"], text) == ENTRY
    with pytest.raises(NoForm, match="labels of several forms: correction, entry"):
        pick(forms, ["entry", "correction"], text)
    with pytest.raises(NoForm, match="none of the headings"):
        pick(forms, ["accepted"], "Please add this paper")


def test_the_forms_follow_the_catalogue(taxonomy: Taxonomy) -> None:
    """A term of the vocabularies cannot be missing from a form, nor a field of a form from the entries."""
    vocabularies = {
        "family": taxonomy.families,
        "sparsity": taxonomy.sparsity,
        "granularity": taxonomy.granularity,
        "training": taxonomy.training,
        "checked": taxonomy.checked,
        "category": [*taxonomy.tool_categories, *taxonomy.article_categories],
    }
    for question, terms in vocabularies.items():
        assert list(ENTRY.question(question).options) == list(terms)
    number = {5: "five", 10: "ten"}
    tools, articles = number[len(taxonomy.tool_categories)], number[len(taxonomy.article_categories)]
    said = f"For a tool one of the first {tools}, for an article one of the last {articles}."
    assert ENTRY.question("category").description.startswith(said)
    asked = {question.id for question in ENTRY.questions}
    for kind, keys in KEYS.items():
        assert keys.keys() <= asked
        assert set(keys.values()) <= KINDS[kind].model_fields.keys()
    fields = CORRECTION.question("field").options
    assert fields[-1] == OTHER
    every = {name for kind in KEYS for name in KINDS[kind].model_fields}
    assert set(fields[:-1]) <= every - {"title", "name", "summary", "added", "arxiv", "url", "results"}

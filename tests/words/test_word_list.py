"""The word list finds its words where people read, and nowhere else; the shipped texts hold none of them."""

from pathlib import Path

import pytest

from tests.words.word_list import WORDS, find, find_all

SAID = {
    "Weights go by lot.": {"Weights go", "by lot"},
    "the share of zeros, with searched shares": {"share of zeros", "searched shares"},
    "from 25 % zeros on": {"from 25 % zeros on", "5 %"},
    "A search for shares": {"search for shares"},
    "Decides about": {"Decides about"},
    "what may go, and what is left": {"what may go", "what is left"},
    "the rest makes up for it": {"makes up for"},
    "distillation mends it, which heals": {"mends", "heals"},
    "in fewer network calls": {"network calls"},
    "a bit map": {"bit map"},
    "of every rival": {"rival"},
    "1.3 times as fast": {"1.3 times as fast"},
    "a picture": {"picture"},
    "a second-hand number": {"second-hand"},
    "Shown on: SDXL": {"Shown on"},
    "the page tells": {"tells"},
    "A DOI stands bare": {"stands bare"},
    "50 % and half a per cent": {"0 %", "per cent"},
    "a 3x3 convolution": {"3x3 convolution"},
    "removes 50% of the weights, a 1.3× speed-up over the baseline": set(),
    "amends, foretold, pictured, a share, going": set(),
}


def words(name: str, text: str) -> set[str]:
    """What is found in a file of that name."""
    return {one.word for one in find(Path(name), text)}


@pytest.mark.parametrize("text", SAID)
def test_words_are_found_in_prose(text: str) -> None:
    assert words("page.md", text) == SAID[text]


def test_every_pattern_has_an_example() -> None:
    found = {pattern.pattern for pattern, _ in WORDS for text in SAID if pattern.search(text)}
    assert found == {pattern.pattern for pattern, _ in WORDS}


def test_of_python_only_strings_and_comments_are_read() -> None:
    text = 'mend = told(7 % 3)\nsay(f"{mend} tells", """\nby lot""")  # a picture\n'
    assert [(one.line, one.word) for one in find(Path("a.py"), text)] == [(2, "tells"), (3, "by lot"), (3, "picture")]


def test_tags_of_a_template_are_not_read() -> None:
    assert words("a.html.j2", "{{ mend }}{% if tells %}<p>told</p>{% endif %}") == {"told"}


def test_an_exemption_needs_a_reason() -> None:
    assert words("a.md", "a picture <!-- words: the Picture element -->") == set()
    assert words("a.md", "a picture <!-- words: ok -->") == {"picture"}


def test_the_message_says_where_what_and_how() -> None:
    (one,) = find(Path("docs/a.md"), "fine\nby lot\n")
    assert str(one) == (
        "docs/a.md:2: 'by lot': write random pruning, random masks, or give a reason: words: <why it is right>"
    )


def test_shipped_texts_hold_none() -> None:
    assert [str(one) for one in find_all()] == []

"""The canonical form, case by case. That nothing is ever lost is for test_properties.py."""

from __future__ import annotations

import pytest

from generator.entries.format_yaml import NotFormattable, format_entry, repair_bytes, scalar
from generator.entries.load_yaml import quoted


def formatted(text: str | bytes, kind: str = "papers") -> str:
    return format_entry(text.encode() if isinstance(text, str) else text, kind, "x.yaml").decode()


TITLES = [
    ("title: D$^{3}$ToM\n", "title: D³ToM\n"),
    ("title: 'U\u2011Net, E\ufb03cient'\n", 'title: "U-Net, Efficient"\n'),
    ('title: "A $\\\\mu$P: b"  # why\n', 'title: "A μP: b"  # why\n'),
    ('title: "Top-$k$  Tokens"\n', "title: Top-k Tokens\n"),
    (
        "aliases:\n  # the first version\n  - '$\\Delta$-DiT'\n  - b\n",
        "aliases:\n  # the first version\n  - Δ-DiT\n  - b\n",
    ),
    ("short: A\ncriterion: $x^2$\n", "short: A\ncriterion: $x^2$\n"),
    ("title: Pruning at $5 and at $6\n", "title: Pruning at $5 and at $6\n"),
    ("title: '\\$x_1\\$'\n", "title: \\$x_1\\$\n"),
    ("title: '$\\unknown$'\n", "title: $\\unknown$\n"),
]
"""Titles get their normal form, where it is the same to every reader; other fields and comments stay."""


@pytest.mark.parametrize(("source", "canonical"), TITLES)
def test_titles(source: str, canonical: str) -> None:
    assert formatted(source) == canonical
    assert formatted(canonical) == canonical


LONG = "a setting that is so long that the whole result does not fit on one line of the file"


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("family: pruning\ntitle: A\n", "title: A\nfamily: pruning\n"),
        ("zzz: a\ntitle: A\naaa: b\n", "title: A\nzzz: a\naaa: b\n"),
        ("title:   'A'\n", "title: A\n"),
        ("title: 'A: B'\n", 'title: "A: B"\n'),
        ('title: "1e3"\n', 'title: "1e3"\n'),
        ("title: 1e3\n", 'title: "1e3"\n'),
        ("title: A\n  b\n", "title: A b\n"),
        ("title: |\n  A\n  b\n", "title: A b\n"),
        ("topics:\n- a\n-   'b'\n", "topics: [a, b]\n"),
        ("topics: [a, b, ]\n", "topics: [a, b]\n"),
        ("models: ['a, b', 2.1]\n", 'models: ["a, b", "2.1"]\n'),
        ('date: "2023-05-18"\n', "date: 2023-05-18\n"),
        ('date: "2023"\n', 'date: "2023"\n'),
        ('added: "2023-05-18"\n', "added: 2023-05-18\n"),
        ("summary: Short.\n", "summary: >-\n  Short.\n"),
        ("title: A\r\nshort: B", "title: A\nshort: B\n"),
        ("\ufefftitle: A\n\n\n", "title: A\n"),
        ("topics:\n\t- a\n", "topics: [a]\n"),
        ("title: Re\u0301sume\u0301\n", "title: Résumé\n"),
        ("---\ntitle: A\n...\n", "title: A\n"),
        ("{title: A, family: b}\n", "title: A\nfamily: b\n"),
        ("short:\n", 'short: ""\n'),
        (
            "results: [{after: {fid: '2', psnr: up to 3}, model: [m], setting: '50', where: t}]\n",
            'results:\n  - {model: [m], setting: "50", where: t, after: {fid: 2, psnr: up to 3}}\n',
        ),
        (
            f"results: [{{after: {{fid: 2}}, model: m, setting: {LONG}, where: Table 1}}]\n",
            (f"results:\n  - model: m\n    setting: {LONG}\n    where: Table 1\n    after: {{fid: 2}}\n"),
        ),
    ],
)
def test_values(source: str, canonical: str) -> None:
    assert formatted(source) == canonical
    assert formatted(canonical) == canonical


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("# top\nfamily: a\n# of the title\ntitle: A\n", "# of the title\ntitle: A\n# top\nfamily: a\n"),
        (
            "# yaml-language-server: $schema=x\n# top\nfamily: a\ntitle: A\n",
            "# yaml-language-server: $schema=x\ntitle: A\n# top\nfamily: a\n",
        ),
        ("title: A\n# end\n", "title: A\n# end\n"),
        ("title: 'A' # why\n", 'title: "A"  # why\n'),
        ("title: 'A'# why\n", 'title: "A"  # why\n'),
        ("topics: ['a', # one\n  'b']\n", "topics: [a, b]  # one\n"),
        ("topics: ['a',\n  'b', # two\n  c]\n", 'topics:\n  - a\n  - "b"  # two\n  - c\n'),
        ("topics: [a, b] # both\n", "topics: [a, b]  # both\n"),
        ("topics:\n  # one\n  - a\n  - b\n", "topics:\n  # one\n  - a\n  - b\n"),
        ("summary: 'Short.' # why\n", "# why\nsummary: >-\n  Short.\n"),
        ('added: "2026-11-22" # why\n', "# why\nadded: 2026-11-22\n"),
        (
            "summary: >-\n  No # comment.\n# a comment\ntitle: A\n",
            "# a comment\ntitle: A\nsummary: >-\n  No # comment.\n",
        ),
        (
            "results:\n  - model: 'M' # one\n    metric: 'fid' # two\n",
            "results:\n  # one\n  # two\n  - {model: M, metric: fid}\n",
        ),
    ],
)
def test_comments(source: str, canonical: str) -> None:
    assert formatted(source) == canonical
    assert formatted(canonical) == canonical


def test_long_values() -> None:
    words = " ".join(["word"] * 30)
    lines = formatted(f"summary: {words}\ntitle: {words}\nmodels: [{', '.join(['model'] * 20)}]\n").split("\n")
    assert lines[0] == f"title: {words}"
    assert lines[1:3] == ["models:", "  - model"]
    assert lines[22:] == ["summary: >-", f"  {' '.join(['word'] * 19)}", f"  {' '.join(['word'] * 11)}", ""]
    assert all(len(line) <= 100 for line in lines[1:])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("title: &a A\n", "error[E104]: anchor &a"),
        ("title: 'A\n", "error[E105]: the value of title has an open quote"),
        ("title: A\ntitle: B\n", "error[E106]: duplicate key 'title'"),
        ("title: Prune #1\n", "error[E111]: '#1' after"),
        ("title: A\u200b\n", "error[E302]: invisible"),
        ('title: "\\e"\n', "error[E302]: invisible"),
        ('title: "e\\u0301"\n', "error[E301]: text is not"),
        ("title: A\0\n", "error[E102]: control character U+0000"),
        ("summary: >- # why\n  A\n", "'>- # why' holds more than an indicator"),
        ("summary: >2-\n  A\n", "'>2-' holds more than an indicator"),
        ("odd:\n  # why\n  a: b\n", "a comment cannot be kept where it is"),
        ("", "error[E108]: the file is empty"),
        (b"\xff", "not UTF-8"),
        ("a: " + "x" * 70_000 + "\n", "error[E100]: larger than"),
    ],
)
def test_refusals_name_the_place(source: str, message: str) -> None:
    with pytest.raises(NotFormattable) as caught:
        formatted(source)
    assert str(caught.value).startswith("x.yaml:")
    assert message in str(caught.value)


def test_a_linter_switch_is_kept_for_the_checks_to_refuse() -> None:
    assert formatted("# yamllint disable\ntitle: A\n") == "# yamllint disable\ntitle: A\n"


@pytest.mark.parametrize("kind", ["papers", "tools", "articles"])
def test_every_kind_has_its_order(kind: str) -> None:
    assert formatted("added: 2026-11-22\nurl: https://example.org/x\n", kind).startswith("url: ")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("a:b", "a:b"),
        ("a: b", '"a: b"'),
        ("a:", '"a:"'),
        ("a#b", "a#b"),
        ("a #b", '"a #b"'),
        ("-a", '"-a"'),
        ("a, b", '"a, b"'),
        ("no", '"no"'),
        ("", '""'),
        ("---a", '"---a"'),
        ('say "x"', 'say "x"'),
        ('"x"', '"\\"x\\""'),
        ("back\\slash", "back\\slash"),
        ("https://example.org/a?b=c", "https://example.org/a?b=c"),
    ],
)
def test_scalar(text: str, written: str) -> None:
    assert scalar(text) == written


def test_quoted() -> None:
    assert quoted('a\\b"c\nd\te') == '"a\\\\b\\"c\\nd\\te"'


def test_repair_bytes() -> None:
    assert repair_bytes("\ufeffa:\tb\r\nc: e\u0301\r\n\n".encode()) == "a:  b\nc: é\n".encode()

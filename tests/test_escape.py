"""Each place that untrusted text can flow into, and what comes back from there."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator import escape

TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("'=+-@\t\r\n \xa0\"<>&{}\\%$#_~^\0\x1b\u202e")))
SETTINGS = settings(max_examples=300, derandomize=True, database=None)


@SETTINGS
@given(TEXT)
def test_csv_round_trip(text: str) -> None:
    cell = escape.csv_cell(text)
    assert escape.csv_value(cell) == text
    assert not re.match(r"[=+\-@\t\r\n]", cell)
    assert not re.match(r"[=+\-@]", cell.strip())


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("https://evil.example")', '\'=HYPERLINK("https://evil.example")'),
        (" =1+1", "' =1+1"),
        ("\xa0=1+1", "'\xa0=1+1"),
        ("@x", "'@x"),
        ("-1", "'-1"),
        ("+1", "'+1"),
        ("\tx", "'\tx"),
        ("'=x", "''=x"),
        ("'quoted'", "'quoted'"),
        ("Diff-Pruning", "Diff-Pruning"),
        ("", ""),
    ],
)
def test_csv_cell(text: str, cell: str) -> None:
    assert escape.csv_cell(text) == cell


@SETTINGS
@given(st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
def test_csv_through_a_file(texts: list[str]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([escape.csv_cell(text) for text in texts])
    (row,) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert [escape.csv_value(cell) for cell in row] == texts


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.values: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values.extend(value for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@SETTINGS
@given(TEXT.filter(lambda text: "\0" not in text))
def test_markup_is_text_and_nothing_else(text: str) -> None:
    reader = Reader()
    reader.feed(f'<p title="{escape.markup(text)}">{escape.markup(text)}</p>')
    reader.close()
    assert reader.tags == ["p"]
    assert reader.values == [escape.collapse(text)]
    assert reader.text == escape.collapse(text)


@SETTINGS
@given(TEXT)
def test_xml_holds_only_what_xml_can(text: str) -> None:
    element = ET.fromstring(f'<a b="{escape.xml(text)}">{escape.xml(text)}</a>')
    legal = "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
    assert (element.text or "") == legal.replace("\r\n", "\n").replace("\r", "\n")


@SETTINGS
@given(TEXT)
def test_bibtex_keeps_braces_balanced(text: str) -> None:
    value = escape.bibtex(text)
    depth = 0
    for character in re.sub(r"\\[{}]", "", value):
        depth += (character == "{") - (character == "}")
        assert depth in (0, 1)
    assert depth == 0
    # A parser that counts every brace, escaped or not, meets as many as the text has.
    assert value.count("{") - value.count("}") == text.count("{") - text.count("}")
    assert not re.search(r"(?<!\\)[%#$&_]", value)
    assert re.findall(r"\\([a-z]+)", value) == [
        {"\\": "textbackslash", "~": "textasciitilde", "^": "textasciicircum"}[c] for c in text if c in "\\~^"
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("100% # $", r"100\% \# \$"),
        ("a_b & ~c^2", r"a\_b \& \textasciitilde{}c\textasciicircum{}2"),
        ("line\nbreak", "line break"),
        ("β-VAE", "β-VAE"),
    ],
)
def test_bibtex(text: str, value: str) -> None:
    assert escape.bibtex(text) == value


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("https://Example.ORG/A", "https://example.org/A"),
        ("https://example.org", "https://example.org"),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/%7Ex", "https://example.org/%7Ex"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org//evil.example", "https://example.org//evil.example"),
        ("https://example.org/[x]?[y]#[z]", "https://example.org/%5Bx%5D?%5By%5D#%5Bz%5D"),
    ],
)
def test_url(address: str, written: str) -> None:
    assert escape.url(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "http://example.org/",
        "//example.org/",
        "/a",
        "",
        "https://",
        "https:\\\\evil.example",
        "https://github.com@evil.example/",
        "https://example.org:8443/",
        "https://exämple.org/",
        "https://localhost/",
        "https://[::1]/",
        "https://[x",
        "https://a b.org/",
        "https://example.org\\@evil.example/",
        "https://example.org/\ud800",
    ],
)
def test_url_refuses(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the words are those of several libraries
        escape.url(address)


@SETTINGS
@given(st.one_of(TEXT, st.builds("https://example.org/{}".format, TEXT), st.builds("https://{}.org".format, TEXT)))
def test_url_is_idempotent_and_plain(address: str) -> None:
    try:
        written = escape.url(address)
    except ValueError:
        return
    assert escape.url(written) == written
    assert re.fullmatch(r"https://[a-z0-9.-]+([/?#][!-~]*)?", written)
    assert not set('"<>\\^`{|} ') & set(written)
    assert escape.markup(written).replace("&amp;", "&").replace("&#x27;", "'") == written


@SETTINGS
@given(TEXT)
def test_a_workflow_command_stays_one_line(text: str) -> None:
    assert escape.github_message(text).isprintable()
    assert escape.github_property(text).isprintable()
    assert not set(":,") & set(escape.github_property(text))


def test_workflow_commands() -> None:
    assert escape.github_message("100 %\r\n::error::x") == "100 %25%0D%0A::error::x"
    assert escape.github_property("a:b,c") == "a%3Ab%2Cc"
    assert escape.github_message("\x1b[31m") == "\\u001b[31m"


@SETTINGS
@given(TEXT)
def test_terminal_shows_control_characters(text: str) -> None:
    shown = escape.terminal(text)
    assert all(character.isprintable() or character == "\n" for character in shown)
    shown.encode("utf-8")


@SETTINGS
@given(TEXT)
def test_collapse(text: str) -> None:
    assert escape.collapse(escape.collapse(text)) == escape.collapse(text)
    assert "\n" not in escape.collapse(text)


def test_no_parenthesis_of_an_address_ends_a_markdown_link() -> None:
    assert escape.markdown_link("a", "https://example.org/(b)c") == "[a](https://example.org/%28b%29c)"


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LIVE = [
    "```",
    "````",
    "~~~",
    "</details>",
    "<img src=x onerror=alert(1)>",
    "@octocat",
    "#1",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "# heading",
    "::error::x",
    "- [ ] task",
    "| a |\n|---|",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u2028",
    "\x1b[31m",
    "\r\n",
    "\t",
    "   ",
    "`" * 40,
]
BLOCKS = st.lists(st.one_of(st.sampled_from([*LIVE, "\n"]), TEXT), max_size=12).map("".join)


@SETTINGS
@given(BLOCKS, st.sampled_from(["", "diff"]), st.booleans())
def test_nothing_ends_a_block_of_code_or_is_live_in_it(text: str, info: str, folded: bool) -> None:
    block = escape.fenced(text, info)
    around = ("<details>\n\n", "\n\n</details>") if folded else ("before\n\n", "\n\nafter")
    tokens = MARKDOWN.parse(f"{around[0]}{block}{around[1]}")
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.info == info
    assert fence.content == f"{escape.terminal(text)}\n"
    outside = [token.type for token in tokens if token.type != "fence"]
    assert outside == (["html_block"] * 2 if folded else ["paragraph_open", "inline", "paragraph_close"] * 2)
    assert all(character.isprintable() or character == "\n" for character in block)


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("a", "```\na\n```"),
        ("", "```\n\n```"),
        ("```\n@a </details>", "````\n```\n@a </details>\n````"),
        ("x`````y", "``````\nx`````y\n``````"),
        ("a\u202eb\r\nc\x1b[0m", "```\na\\u202eb\\u000d\nc\\u001b[0m\n```"),
    ],
)
def test_fenced(text: str, block: str) -> None:
    assert escape.fenced(text) == block

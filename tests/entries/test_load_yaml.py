"""What the reader refuses, with the exact words and the place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.entries.load_yaml import MAX_BYTES, MAX_EVENTS, Place, load, read, yaml_type

YAML = "not well-formed YAML: "
FIX = ". fix: fix the YAML; quote values that contain : or #"
BAD = [
    (b"title:\tA\n", ["1:7: error[E101]: 1 tab character. fix: use spaces"]),
    (
        b"title: A\n\tshort: B\n",
        [
            "2:1: error[E101]: 1 tab character. fix: use spaces",
            "2:7: error[E105]: " + YAML + "mapping values are not allowed in this context" + FIX,
        ],
    ),
    (b"topics:\n-\ta\n", ["2:2: error[E101]: 1 tab character. fix: use spaces"]),
    (b"\xef\xbb\xbftitle: A\n", ["1:1: error[E102]: starts with a byte order mark. fix: save as UTF-8 without BOM"]),
    (
        b"\xff\xfet\x00i\x00t\x00l\x00e\x00:\x00 \x00A\x00\n\x00",
        ["1:1: error[E102]: starts with a byte order mark. fix: save as UTF-8 without BOM"],
    ),
    (
        b"t\x00i\x00t\x00l\x00e\x00:\x00 \x00A\x00\n\x00",
        [
            "1:2: error[E102]: control character U+0000. fix: delete it",
            "2:1: error[E103]: no line end at the end of the file. fix: end the last line with LF",
            "1:1: error[E108]: the file is not a mapping. fix: write `key: value` lines",
        ],
    ),
    (b"title: \xe9\n", ["1:8: error[E102]: byte 0xE9 is not UTF-8. fix: save as UTF-8"]),
    (b"a: b\nb: \xff\n", ["2:4: error[E102]: byte 0xFF is not UTF-8. fix: save as UTF-8"]),
    (b"title: A\x00B\n", ["1:9: error[E102]: control character U+0000. fix: delete it"]),
    (b"title: A\x1b[31mB\n", ["1:9: error[E102]: control character U+001B. fix: delete it"]),
    (b"title: A\xc2\x85B\n", ["1:9: error[E102]: control character U+0085. fix: delete it"]),
    (b"title: A\x7f\n", ["1:9: error[E102]: control character U+007F. fix: delete it"]),
    (
        b"title: A\r\nshort: B\r\n",
        [("1:9: error[E103]: carriage return at the end of a line. fix: save with LF line ends, or run make format")],
    ),
    (
        b"title: A\rshort: B\n",
        [("1:9: error[E103]: carriage return at the end of a line. fix: save with LF line ends, or run make format")],
    ),
    (b"title: A", ["1:8: error[E103]: no line end at the end of the file. fix: end the last line with LF"]),
    (
        b"",
        [
            "1:1: error[E103]: no line end at the end of the file. fix: end the last line with LF",
            "1:1: error[E108]: the file is empty. fix: start from data/TEMPLATE.yaml",
        ],
    ),
    (b"\n", ["1:1: error[E108]: the file is empty. fix: start from data/TEMPLATE.yaml"]),
    (b"# c\n", ["1:1: error[E108]: the file is empty. fix: start from data/TEMPLATE.yaml"]),
    (b"title: &t A\n", ["1:8: error[E104]: anchor &t. fix: write the value out"]),
    (b"title: *t\n", ["1:8: error[E104]: alias *t. fix: write the value out"]),
    (b"title: !!str A\n", ["1:8: error[E104]: tag 'tag:yaml.org,2002:str'. fix: delete the tag"]),
    (b"title: !x%1B A\n", ["1:8: error[E104]: tag '!x\\x1b'. fix: delete the tag"]),
    (b"<<: {a: b}\n", ["1:1: error[E104]: merge key <<. fix: write the values out"]),
    (b"%YAML 1.2\n---\ntitle: A\n", ["1:1: error[E104]: a YAML directive. fix: delete the line that starts with %"]),
    (b"title: 'A\n", ['1:8: error[E105]: the value of title has an open quote. fix: write title: "A"']),
    (
        b"title: A: B\n",
        ['1:8: error[E105]: the value of title contains a colon before a space. fix: write title: "A: B"'],
    ),
    (
        b"title: [a\n",
        ["2:1: error[E105]: " + YAML + "while parsing a flow sequence did not find expected ',' or ']'" + FIX],
    ),
    (b"title: @a\n", ['1:8: error[E105]: the value of title starts with @. fix: write title: "@a"']),
    (b"a: 1\na: 2\n", ["2:1: error[E106]: duplicate key 'a', first at 1:1. fix: keep one"]),
    (b'a: 1\n"a": 2\n', ["2:1: error[E106]: duplicate key 'a', first at 1:1. fix: keep one"]),
    (b"l: {a: b, a: c}\n", ["1:11: error[E106]: duplicate key 'a', first at 1:5. fix: keep one"]),
    (b"t: [[[[[[[x]]]]]]]\n", ["1:9: error[E107]: more than 6 levels. fix: write it flatter"]),
    (b"a: b\n---\na: b\n", ["2:1: error[E108]: a second document. fix: write one entry per file"]),
    (b"- a\n", ["1:1: error[E108]: the file is a list. fix: write `key: value` lines"]),
    (b"text\n", ["1:1: error[E108]: the file is not a mapping. fix: write `key: value` lines"]),
    (b"? [a, b]\n: c\n", ["1:3: error[E109]: a key is a list or a mapping. fix: use plain text"]),
    (b"[a]: b\n", ["1:1: error[E109]: a key is a list or a mapping. fix: use plain text"]),
    (b": b\n", ["1:1: error[E105]: " + YAML + "while parsing a block mapping did not find expected key" + FIX]),
    (
        b"criterion: rank #1 method\n",
        [
            (
                "1:16: error[E111]: '#1 method' after the unquoted value 'rank' is a comment"
                ". fix: quote the value, or put the comment on its own line"
            )
        ],
    ),
    (
        b"topics: [a #b\n]\n",
        [
            (
                "1:11: error[E111]: '#b' after the unquoted value 'a' is a comment"
                ". fix: quote the value, or put the comment on its own line"
            )
        ],
    ),
    (
        b"title: A # why\n",
        [
            (
                "1:9: error[E111]: '# why' after the unquoted value 'A' is a comment"
                ". fix: quote the value, or put the comment on its own line"
            )
        ],
    ),
    (
        b"# yamllint disable-file\na: b\n",
        ["1:1: error[E112]: comment '# yamllint disable' switches off a linter. fix: delete the comment"],
    ),
    (
        b"a: b\n#yamllint   disable-line\n",
        ["2:1: error[E112]: comment '#yamllint   disable' switches off a linter. fix: delete the comment"],
    ),
    (
        b"short: Re\xcc\x81sume\xcc\x81\n",
        ["1:9: error[E301]: text is not in Unicode normal form C. fix: run make format"],
    ),
    (
        b'short: "Re\\u0301"\n',
        [
            (
                "1:8: error[E301]: text is not in Unicode normal form C, written as an escape"
                ". fix: type the text itself, without \\u"
            )
        ],
    ),
    (
        b"title: A\xe2\x80\xaeB\n",
        [("1:9: error[E302]: invisible or direction character U+202E. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xe2\x81\xa6B\n",
        [("1:9: error[E302]: invisible or direction character U+2066. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xe2\x80\x8bB\n",
        [("1:9: error[E302]: invisible or direction character U+200B. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xef\xbb\xbfB\n",
        [("1:9: error[E302]: invisible or direction character U+FEFF. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xf3\xa0\x81\x81B\n",
        [("1:9: error[E302]: invisible or direction character U+E0041. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xc2\xadB\n",
        [("1:9: error[E302]: invisible or direction character U+00AD. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xef\xbf\xbeB\n",
        [("1:9: error[E302]: invisible or direction character U+FFFE. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xef\xb7\x90B\n",
        [("1:9: error[E302]: invisible or direction character U+FDD0. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xee\x80\x80B\n",
        [("1:9: error[E302]: invisible or direction character U+E000. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xf4\x8f\xbf\xbfB\n",
        [("1:9: error[E302]: invisible or direction character U+10FFFF. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xe2\x80\xa8B\n",
        [("1:9: error[E302]: invisible or direction character U+2028. fix: delete it and type the text again")],
    ),
    (
        b"title: A\xc2\xa0B\n",
        [("1:9: error[E302]: invisible or direction character U+00A0. fix: delete it and type the text again")],
    ),
    (
        b'title: "A\\u202eB"\n',
        ["1:8: error[E302]: invisible or direction character U+202E, written as an escape. fix: delete it"],
    ),
    (
        b'title: "A\\0B"\n',
        ["1:8: error[E302]: invisible or direction character U+0000, written as an escape. fix: delete it"],
    ),
    (
        b'title: "\\e[31m"\n',
        ["1:8: error[E302]: invisible or direction character U+001B, written as an escape. fix: delete it"],
    ),
    (
        b'title: "\\uD800"\n',
        [
            "1:11: error[E105]: "
            + YAML
            + "while parsing a quoted scalar found invalid Unicode character escape code"
            + FIX
        ],
    ),
    (b"title: \xed\xa0\x80\n", ["1:8: error[E102]: byte 0xED is not UTF-8. fix: save as UTF-8"]),
    (
        b"a:\n b:\n  - c\n d\n",
        ["5:1: error[E105]: " + YAML + "while scanning a simple key could not find expected ':'" + FIX],
    ),
    (b"title: `a`\n", ['1:8: error[E105]: the value of title starts with `. fix: write title: "`a`"']),
    (b"title: %a\n", ['1:8: error[E105]: the value of title starts with %. fix: write title: "%a"']),
]
GOOD = [
    b"title: 'A' # why\n",
    b"--- \na: b\n",
    b"a: b\n...\n",
    b"title: Prune &foo bar\n",
    b"a: |\n  x\n  y\n",
    b"a: b#c\n",
]


@pytest.mark.parametrize(("raw", "messages"), BAD)
def test_message(raw: bytes, messages: list[str]) -> None:
    _, problems = load(raw, "x.yaml")
    assert [problem.text() for problem in problems] == [f"x.yaml:{line}" for line in messages]


@pytest.mark.parametrize("raw", GOOD)
def test_nothing_to_say(raw: bytes) -> None:
    document, problems = load(raw, "x.yaml")
    assert document is not None
    assert problems == []


def test_size() -> None:
    fits = b"a: " + b"x" * (MAX_BYTES - 4) + b"\n"
    assert load(fits, "x.yaml")[1] == []
    (problem,) = load(fits + b"#", "x.yaml")[1]
    assert problem.text() == (
        "x.yaml:1:1: error[E100]: larger than 65536 bytes. fix: shorten the entry; link the paper instead of pasting it"
    )


def test_number_of_parts() -> None:
    items = MAX_EVENTS - 9  # the stream, the document, the mapping and the list begin and end; the key
    assert load(b"a: [" + b"x, " * items + b"]\n", "x.yaml")[1] == []
    (problem,) = load(b"a: [" + b"x, " * (items + 1) + b"]\n", "x.yaml")[1]
    assert problem.text().endswith("error[E107]: more than 5000 parts. fix: shorten the entry")


def test_six_levels_are_read() -> None:
    document, problems = load(b"a: [[[[[x]]]]]\n", "x.yaml")
    assert problems == []
    assert document is not None
    assert document.data == {"a": [[[[["x"]]]]]}


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    raw = "title:\tA \u200b # x\r\nshort: B\nshort: C".encode()
    assert [problem.code for problem in load(raw, "x.yaml")[1]] == ["E101", "E103", "E103", "E302", "E111", "E106"]


def test_text_places_and_types() -> None:
    document, _ = load(b'n: 2305.10920\nq: "1"\nl: [yes, {k: null}]\nt: >-\n  a\n  b\n', "x.yaml")
    assert document is not None
    assert document.data == {"n": "2305.10920", "q": "1", "l": ["yes", {"k": "null"}], "t": "a b"}
    assert document.typed == {("n",): "number", ("l", 0): "boolean", ("l", 1, "k"): "null"}
    assert document.place(("l", 1, "k")) == Place(3, 14)
    assert document.place(("l", 1, "k"), key=True) == Place(3, 11)
    assert document.place(("l", 9)) == Place(3, 4)
    assert document.place(("nowhere", 3)) == Place(1, 1)


def test_columns_count_characters_not_bytes() -> None:
    _, problems = load("title: [é𝄞, &a b]\n".encode(), "x.yaml")
    assert problems[0].text().startswith("x.yaml:1:13: error[E104]")


def test_of_two_values_of_a_key_the_first_stays() -> None:
    document, problems = load(b"a: {x: 1}\nb: c\na: [2]\n", "x.yaml")
    assert document is not None
    assert document.data == {"a": {"x": "1"}, "b": "c"}
    assert [problem.code for problem in problems] == ["E106"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "null"),
        ("~", "null"),
        ("Null", "null"),
        ("NO", "boolean"),
        ("y", "boolean"),
        ("Off", "boolean"),
        ("2023-05-18", "date"),
        ("2023-5-1", "date"),
        ("2023-05-18T10:00:00Z", "date"),
        ("2305.10920", "number"),
        ("1e3", "number"),
        ("0o17", "number"),
        ("0b11", "number"),
        ("1_000", "number"),
        ("12:30", "number"),
        ("12:30:45.5", "number"),
        ("+.5", "number"),
        ("-.inf", "number"),
        (".NaN", "number"),
        ("1.", "number"),
        ("=", "operator"),
        ("<<", "operator"),
        ("2023-05", None),
        ("1.2.3", None),
        ("nope", None),
        ("1e", None),
        ("v2", None),
        ("12:3x", None),
        ("٣", None),
    ],
)
def test_yaml_type(text: str, kind: str) -> None:
    assert yaml_type(text) == kind


@pytest.mark.parametrize("text", ["1" * 60_000 + "x", "1:" * 30_000 + "x", "1_" * 30_000 + "x", "." * 60_000])
def test_yaml_type_of_long_text_is_fast(text: str) -> None:
    assert yaml_type(text) is None


class TestRead:
    def test_plain_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"a: b\n")
        document, problems = read(tmp_path / "a.yaml", "data/a.yaml")
        assert document is not None
        assert (document.path, document.data, problems) == ("data/a.yaml", {"a": "b"}, [])

    @pytest.mark.parametrize("kind", ["missing", "folder", "link", "pipe"])
    def test_not_a_regular_file(self, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "a.yaml"
        if kind == "folder":
            file.mkdir()
        elif kind == "link":
            (tmp_path / "b").write_bytes(b"a: b\n")
            file.symlink_to(tmp_path / "b")
        elif kind == "pipe":
            os.mkfifo(file)
        (problem,) = read(file, "a.yaml")[1]
        assert problem.text() == "a.yaml:1:1: error[E100]: not a regular file. fix: replace it by a plain file"

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.yaml").write_bytes(b"a: b\n")

        def refuse(*args: object, **kwargs: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.open", refuse)
        (problem,) = read(tmp_path / "a.yaml", "a.yaml")[1]
        assert problem.text() == (
            "a.yaml:1:1: error[E100]: cannot be read: Permission denied. fix: check the file and its permissions"
        )

    def test_never_reads_more_than_the_limit(self, tmp_path: Path) -> None:
        with (tmp_path / "a.yaml").open("wb") as stream:
            stream.truncate(1 << 40)
        (problem,) = read(tmp_path / "a.yaml", "a.yaml")[1]
        assert problem.code == "E100"


UNQUOTED = [
    ("[Re] Pruning", "starts with [ and is no list", '"[Re] Pruning"'),
    ("{a} b", "starts with { and is no mapping", '"{a} b"'),
    ('"Pruning', "has an open quote", '"Pruning"'),
    ("'t is a title", "has an open quote", '"t is a title"'),
    ('"Prune" and "merge"', "goes on after its quotes", '"\\"Prune\\" and \\"merge\\""'),
    ("* b", "starts with *", '"* b"'),
    ("& c", "starts with &", '"& c"'),
    ("| d", "starts with |", '"| d"'),
    ("> e", "starts with >", '"> e"'),
    ("- f", "starts with -", '"- f"'),
    ("? g", "starts with ?", '"? g"'),
    ("Prune: well", "contains a colon before a space", '"Prune: well"'),
    ("Prune\\x: well", "contains a colon before a space", '"Prune\\\\x: well"'),
]


@pytest.mark.parametrize(("value", "why", "written"), UNQUOTED)
def test_a_value_that_needs_quotes_is_named_where_it_stands(value: str, why: str, written: str) -> None:
    """The parser stops lines later, where an open quote meets the next one."""
    before = "# [Re] a remark\nshort: '[Re] A'\nsummary: >-\n  @a: [b] c\n  'd\ntopics: [a, b]  # c\n"
    text = f'{before}title: {value}\narxiv: "2311.00098"\nfamily: pruning\n'
    document, problems = load(text.encode(), "x.yaml")
    assert document is None
    (problem,) = problems
    assert problem.text() == f"x.yaml:7:8: error[E105]: the value of title {why}. fix: write title: {written}"
    corrected, _ = load(text.replace(f"title: {value}", f"title: {written}").encode(), "x.yaml")
    assert corrected is not None


def test_a_long_value_is_not_repeated() -> None:
    _, (problem,) = load(f"title: @{'a' * 300}\n".encode(), "x.yaml")
    assert problem.fix == "put the value into double quotes"


def test_what_is_no_slip_has_the_words_of_the_parser() -> None:
    for text in ("title: 'A\n  b\n", 'short: "A\n b"\ntopics: [a\n', "title: A\n b\n  - c: d\n e\n"):
        _, (problem,) = load(text.encode(), "x.yaml")
        assert problem.message.startswith("not well-formed YAML: ")

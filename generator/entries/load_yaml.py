"""Bytes -> guarded YAML events -> a document: nested text with a place for every key and value.

The data is hostile until validated, so this is the only reader of YAML in the generator, and it reads
events, never objects. Guards, in order: bytes, characters, structure, the types that other readers see. Every
scalar arrives as the text that is in the file: ``2305.10920`` stays ``2305.10920``.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from generator.entries.problem import Code, Problem
from reference_impls.number_format import count

MAX_BYTES = 64 * 1024
MAX_DEPTH = 6
MAX_EVENTS = 5_000
MAX_LIST_BYTES = 2 * 1024 * 1024
MAX_LIST_EVENTS = 100_000
"""Of a file that contains many records, such as the papers that were turned down."""

CODES = (
    Code(
        "E100",
        f"A file is readable and has at most {MAX_BYTES // 1024} KiB.",
        wrong="an entry of 70 KiB with the whole abstract pasted in",
        right="an entry of 2 KiB that links the paper",
    ),
    Code("E101", "Indent and separate with spaces, not tabs.", "title:\tPrune Well", "title: Prune Well"),
    Code(
        "E102",
        "A file is UTF-8 without a byte order mark and without control characters.",
        wrong="a file saved as UTF-16, or as «UTF-8 with BOM»",
        right="a file saved as plain UTF-8",
    ),
    Code(
        "E103",
        "Lines end with LF, the last one too.",
        wrong="a file saved with Windows line ends",
        right="the same file after make format",
    ),
    Code(
        "E104",
        "No anchors, aliases, tags, merge keys or directives.",
        "title: &t Prune Well",
        "title: Prune Well",
    ),
    Code("E105", "The file is well-formed YAML.", "title: 'Prune Well", "title: Prune Well"),
    Code("E106", "No duplicate keys.", "venue: CVPR 2024\nvenue: ICML 2024", "venue: CVPR 2024"),
    Code(
        "E107",
        f"At most {MAX_DEPTH} levels and {MAX_EVENTS} parts.",
        "topics: [[[[[[[one-shot]]]]]]]",
        "topics: [one-shot]",
    ),
    Code(
        "E108",
        "A file contains one mapping.",
        "---\nvenue: CVPR 2024\n---\nvenue: CVPR 2024",
        "venue: CVPR 2024",
    ),
    Code("E109", "A key is plain text.", "? [a, b]\n: c", "venue: CVPR 2024"),
    Code(
        "E111",
        "No comment after an unquoted value: text after ` #` is lost.",
        "criterion: rank #1 method",
        'criterion: "rank #1 method"',
    ),
    Code("E112", "No comments that switch off a linter.", "# yamllint disable-file", "# a remark"),
    Code("E301", "Text is in Unicode normal form C.", "short: Re\u0301sume\u0301", "short: Résumé"),
    Code("E302", "No invisible characters and no direction characters.", "short: Dif\u200bf", "short: Diff"),
)

# Characters that a reader of the file cannot see or that change what they see: soft hyphen, joiners,
# direction marks, separators, variation selectors, interlinear marks, tags, private use, noncharacters.
_INVISIBLE = re.compile(
    "[\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ue000-\uf8ff\U000e0000-\U0010ffff\ud800-\udfff]"
    "|[\ufdd0-\ufdef]|["
    + "".join(f"{chr(p * 0x10000 + 0xFFFE)}{chr(p * 0x10000 + 0xFFFF)}" for p in range(1, 14))
    + "]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def unseen(text: str) -> str | None:
    """The first character that no file may have because a reader cannot see it; None where there is none."""
    found = _CONTROL.search(text) or _INVISIBLE.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


# What YAML 1.1 or 1.2 would make of a plain scalar, other than text.
_TYPES = re.compile(
    r"""
      (?P<null>      | ~ | null | Null | NULL )
    | (?P<boolean>   (?i: y | yes | n | no | true | false | on | off ) )
    | (?P<date>      \d{4}-\d\d?-\d\d? (?: [Tt\ ] .* )? )
    | (?P<number>    [-+]? (?: 0b[01_]+ | 0o[0-7]+ | 0x[0-9a-fA-F_]+
                     | \d[\d_]* (?: :[0-5]?\d )+ (?: \.[\d_]* )?
                     | (?: \d[\d_]* (?: \.[\d_]* )? | \.\d[\d_]* ) (?: [eE][-+]?\d+ )? )
                     | [-+]? \. (?: inf | Inf | INF ) | \. (?: nan | NaN | NAN ) )
    | (?P<operator>  << | = )
    """,
    re.VERBOSE | re.ASCII,
)

Steps = tuple[str | int, ...]
"""Path from the top of a document to a part of it, as keys and indexes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A YAML file as nested text, with the place of every part."""

    path: str
    text: str
    data: Mapping[str, Any]
    """Text, lists and mappings of text, as written."""
    keys: Mapping[Steps, Place]
    """Place of each key."""
    values: Mapping[Steps, Place]
    """Place of each value."""
    typed: Mapping[Steps, str]
    """For unquoted scalars: what another YAML reader would take them for (number, date, boolean, null)."""

    def place(self, steps: Steps, *, key: bool = False) -> Place:
        """Place of a part, or of the nearest part around it that is in the file."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while steps:
            mark = first.get(steps) or second.get(steps)
            if mark is not None:
                return mark
            steps = steps[:-1]
        return Place(1, 1)


def read(file: Path, name: str, *, long: bool = False) -> tuple[Document | None, list[Problem]]:
    """Read one file from disk.

    Args:
        file: to read.
        name: path that problems show.
        long: whether it contains many records, and may be as large as ``MAX_LIST_BYTES``.
    """
    try:
        if file.is_symlink() or not file.is_file():
            return None, [Problem(name, 1, 1, "E100", "not a regular file", "replace it by a plain file")]
        with file.open("rb") as stream:
            raw = stream.read((MAX_LIST_BYTES if long else MAX_BYTES) + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        return None, [Problem(name, 1, 1, "E100", message, "check the file and its permissions")]
    return load(raw, name, long=long)


def load(raw: bytes, name: str, *, long: bool = False) -> tuple[Document | None, list[Problem]]:
    """Guard and parse the bytes of one file, ``long`` as for ``read``. Never raises because of what the bytes are."""
    text, problems = _decode(raw, name, MAX_LIST_BYTES if long else MAX_BYTES)
    if text is None:
        return None, problems
    problems.extend(_characters(text, name))
    # The repaired copy has the same lines and columns, so that the other problems are reported in the same run.
    repaired = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    repaired = _INVISIBLE.sub("_", _CONTROL.sub("_", repaired))
    builder = _Builder(name, repaired, MAX_LIST_EVENTS if long else MAX_EVENTS)
    data = builder.build()
    problems.extend(builder.problems)
    if data is None:
        return None, problems
    return Document(name, repaired, data, builder.keys, builder.values, builder.typed), problems


def _decode(raw: bytes, name: str, most: int) -> tuple[str | None, list[Problem]]:
    if len(raw) > most:
        message = f"larger than {most} bytes"
        return None, [Problem(name, 1, 1, "E100", message, "shorten the entry; link the paper instead of pasting it")]
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        message = "starts with a byte order mark"
        return None, [Problem(name, 1, 1, "E102", message, "save as UTF-8 without BOM")]
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = f"byte 0x{raw[error.start]:02X} is not UTF-8"
        return None, [Problem(name, line, column, "E102", message, "save as UTF-8")]


def _characters(text: str, name: str) -> Iterator[Problem]:
    starts: list[int] = []

    def at(offset: int, code: str, message: str, fix: str) -> Problem:
        if not starts:
            starts.extend([0, *(line_end.end() for line_end in re.finditer(r"\r\n|\r|\n", text))])
        line = bisect_right(starts, offset)
        return Problem(name, line, offset - starts[line - 1] + 1, code, message, fix)

    if (tab := text.find("\t")) >= 0:
        yield at(tab, "E101", count(text.count(chr(9)), "tab character"), "use spaces")
    if (match := _CONTROL.search(text)) is not None:
        yield at(match.start(), "E102", f"control character U+{ord(match[0]):04X}", "delete it")
    if (cr := text.find("\r")) >= 0:
        yield at(cr, "E103", "carriage return at the end of a line", "save with LF line ends, or run make format")
    if not text.endswith("\n"):
        yield at(max(len(text) - 1, 0), "E103", "no line end at the end of the file", "end the last line with LF")
    if not text.isascii():
        for match in _INVISIBLE.finditer(text):
            message = f"invisible or direction character U+{ord(match[0]):04X}"
            yield at(match.start(), "E302", message, "delete it and type the text again")
        if not unicodedata.is_normalized("NFC", text):
            pairs = zip(text, unicodedata.normalize("NFC", text), strict=False)
            offset = next((index for index, (here, normal) in enumerate(pairs) if here != normal), 0)
            yield at(offset, "E301", "text is not in Unicode normal form C", "run make format")
    for match in re.finditer(r"#[ ]*yamllint[ ]+disable", text):
        yield at(match.start(), "E112", f"comment {match[0]!r} switches off a linter", "delete the comment")


_FIELD = re.compile(r"(?P<key>[\w-]+):[ ]+(?P<value>\S.*)")
_STARTS_NO_TEXT = "@`%&*!|>?-:,]}"
_CLOSING = {"[": "]", "{": "}"}
LONGEST_SHOWN = 200
"""Of a value that a fix writes in quotes."""


def quoted(text: str) -> str:
    """One text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _slip(text: str, last: int) -> tuple[Place, str, str] | None:
    """The first field whose value needs quotes to be read: its place, what is wrong, the fix.

    The parser stops where the text makes no sense any more, which can be lines after an open quote.

    Args:
        text: of the file.
        last: line on which the parser stopped.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines[:last], 1):
        field = _FIELD.fullmatch(line.rstrip())
        after = lines[number] if number < len(lines) else ""
        why = _needs_quotes(field["value"], continued=after.startswith(" ")) if field is not None else None
        if field is not None and why is not None:
            value = field["value"][1:] if why.startswith("has an open") else field["value"]
            short = len(value) <= LONGEST_SHOWN
            fix = f"write {field['key']}: {quoted(value)}" if short else "put the value into double quotes"
            return Place(number, field.start("value") + 1), f"the value of {field['key']} {why}", fix
    return None


def _needs_quotes(value: str, *, continued: bool) -> str | None:
    """Why a value on one line is not what its writer means, or None."""
    first = value[0]
    if first in "\"'":
        closing = re.match(r'"(?:[^"\\]|\\.)*"' if first == '"' else r"'(?:[^']|'')*'", value)
        if closing is None:
            return None if continued else "has an open quote"
        rest = value[closing.end() :]
        return "goes on after its quotes" if rest.strip() and not re.match(r"\s+#", rest) else None
    if first in _CLOSING:
        end = value.rfind(_CLOSING[first])
        rest = value[end + 1 :]
        if end < 0 or not rest.strip() or re.match(r"\s+#", rest):
            return None
        return f"starts with {first} and is no {'list' if first == '[' else 'mapping'}"
    if first in "|>":
        return None if re.fullmatch(r"[|>][+-]?\d?[+-]?(?:\s+#.*)?", value) else f"starts with {first}"
    if first in _STARTS_NO_TEXT and (first not in "-:?" or value[1:2] in ("", " ")):
        return f"starts with {first}"
    return "contains a colon before a space" if re.search(r":(?:\s|$)", value.partition(" #")[0]) else None


def yaml_type(text: str) -> str | None:
    """What YAML 1.1 or 1.2 makes of a plain scalar: null, boolean, date, number, operator; None for text."""
    match = _TYPES.fullmatch(text)
    return match.lastgroup if match else None


def _at(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Stop(Exception):  # the parse ends here; the problem is already noted
    pass


@dataclass
class _Builder:
    """Folds the events of one file into nested text. Iterative: depth costs no recursion."""

    name: str
    text: str
    most: int
    """Events that the file may have."""
    problems: list[Problem] = field(default_factory=list)
    keys: dict[Steps, Place] = field(default_factory=dict)
    values: dict[Steps, Place] = field(default_factory=dict)
    typed: dict[Steps, str] = field(default_factory=dict)

    def build(self) -> dict[str, Any] | None:
        try:
            return self._fold()
        except _Stop:
            return None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            reason = " ".join(part for part in (error.context, error.problem) if part)
            slip = _slip(self.text, (mark.line if mark is not None else 0) + 1)
            if slip is None:
                fix = "fix the YAML; quote values that contain : or #"
                self._add(mark, "E105", f"not well-formed YAML: {reason}", fix)
            else:
                place, what, fix = slip
                self.problems.append(Problem(self.name, place.line, place.column, "E105", what, fix))
        except yaml.YAMLError as error:
            self._add(None, "E105", f"not well-formed YAML: {str(error).splitlines()[0]}", "fix the YAML")
        return None

    def _add(self, mark: Any, code: str, message: str, fix: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.problems.append(Problem(self.name, line, column, code, message, fix))

    def _stop(self, mark: Any, code: str, message: str, fix: str) -> _Stop:
        self._add(mark, code, message, fix)
        return _Stop()

    def _fold(self) -> dict[str, Any]:
        lines = self.text.split("\n")
        top: dict[str, Any] | None = None
        stack: list[tuple[Any, Steps]] = []
        key: str | None = None  # the key of the innermost mapping that has no value yet
        for number, event in enumerate(yaml.parse(self.text, Loader=yaml.CBaseLoader), 1):
            if number > self.most:
                raise self._stop(event.start_mark, "E107", f"more than {self.most} parts", "shorten the entry")
            self._refuse(event, top is not None)
            if isinstance(event, yaml.ScalarEvent):
                if not stack:
                    raise self._stop(event.start_mark, "E108", "the file is not a mapping", "write `key: value` lines")
                container, around = stack[-1]
                if isinstance(container, dict) and key is None:
                    key = self._key(event, container, around)
                    continue
                steps = self._into(container, around, key, event.value)
                key = None
                self._scalar(event, steps, lines)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                if len(stack) >= MAX_DEPTH:
                    raise self._stop(event.start_mark, "E107", f"more than {MAX_DEPTH} levels", "write it flatter")
                if not stack:
                    if not isinstance(value, dict):
                        raise self._stop(event.start_mark, "E108", "the file is a list", "write `key: value` lines")
                    top, steps = value, ()
                else:
                    container, around = stack[-1]
                    if isinstance(container, dict) and key is None:
                        raise self._stop(event.start_mark, "E109", "a key is a list or a mapping", "use plain text")
                    steps = self._into(container, around, key, value)
                self.values[steps] = _at(event.start_mark)
                stack.append((value, steps))
                key = None
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                stack.pop()
        if top is None:
            raise self._stop(None, "E108", "the file is empty", "start from data/TEMPLATE.yaml")
        return top

    def _refuse(self, event: Any, seen: bool) -> None:
        """Stop at everything beyond plain mappings, lists and scalars."""
        if isinstance(event, yaml.AliasEvent):
            raise self._stop(event.start_mark, "E104", f"alias *{event.anchor}", "write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            if seen:
                raise self._stop(event.start_mark, "E108", "a second document", "write one entry per file")
            if event.version or event.tags:
                raise self._stop(event.start_mark, "E104", "a YAML directive", "delete the line that starts with %")
        if getattr(event, "anchor", None):
            raise self._stop(event.start_mark, "E104", f"anchor &{event.anchor}", "write the value out")
        if getattr(event, "tag", None):
            raise self._stop(event.start_mark, "E104", f"tag {event.tag!r}", "delete the tag")

    def _key(self, event: Any, container: dict[str, Any], around: Steps) -> str:
        key: str = event.value
        if key == "<<":
            raise self._stop(event.start_mark, "E104", "merge key <<", "write the values out")
        if not key:
            raise self._stop(event.start_mark, "E109", "an empty key", "delete the line or name the key")
        steps = (*around, key)
        place = _at(event.start_mark)
        if key in container:
            first = self.keys[steps]
            message = f"duplicate key {key!r}, first at {first.line}:{first.column}"
            self._add(event.start_mark, "E106", message, "keep one")
            return key
        self.keys[steps] = place
        return key

    def _into(self, container: Any, around: Steps, key: str | None, value: Any) -> Steps:
        """Put a value in its place; of two values of one key the first is kept."""
        if isinstance(container, dict):
            assert key is not None  # noqa: S101  both callers have just read it
            container.setdefault(key, value)
            return (*around, key)
        container.append(value)
        return (*around, len(container) - 1)

    def _scalar(self, event: Any, steps: Steps, lines: Sequence[str]) -> None:
        if steps in self.values:  # a second value of a key; already reported
            return
        self.values[steps] = _at(event.start_mark)
        if not event.style:
            kind = yaml_type(event.value)
            if kind is not None:
                self.typed[steps] = kind
            end = event.end_mark
            if end.line < len(lines) and re.match(r"\s+#", lines[end.line][end.column :]):
                comment = lines[end.line][end.column :].strip()
                message = f"{comment!r} after the unquoted value {event.value!r} is a comment"
                self._add(end, "E111", message, "quote the value, or put the comment on its own line")
        elif event.style == '"':
            if match := _INVISIBLE.search(event.value) or _CONTROL.search(event.value):
                message = f"invisible or direction character U+{ord(match[0]):04X}, written as an escape"
                self._add(event.start_mark, "E302", message, "delete it")
            if not unicodedata.is_normalized("NFC", event.value):
                message = "text is not in Unicode normal form C, written as an escape"
                self._add(event.start_mark, "E301", message, "type the text itself, without \\u")

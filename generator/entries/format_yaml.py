"""Entries in the one canonical form: key order, quoting, wrapping. It keeps every value and comment of a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from generator.entries.load_yaml import Document, Steps, load, quoted, yaml_type
from generator.entries.model import KINDS, TITLES, Parameters, Result, TurnedDown, order_of_id
from generator.entries.tex import settled_text

WIDTH = 100
_NUMERIC = {"before", "after", "parameters"}
"""Mappings whose values are numbers where they look like numbers."""
_NUMBER_FIELDS = {"steps", "calls_per_step"}
_DATE_FIELDS = {"added", "checked_on", "date", "released"}
_MAPPINGS = {"parameters": Parameters}
_HARMLESS = {"E112"}  # all that a repaired text can have and be rewritten
_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=](?:[^#:]|(?<!\s)#|:(?!\s|$))*", re.DOTALL)


HELP = "#?"
"""Start of a comment that `add` wrote as help. A file without an empty field needs none of them."""


class NotFormattable(ValueError):  # the file is at fault, not the program
    """The text cannot be rewritten without losing something; the message says what, and where."""


def repair_bytes(raw: bytes) -> bytes:
    """What can be repaired without parsing: line ends, tabs, byte order mark, normal form, final newline."""
    text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  ")
    return f"{unicodedata.normalize('NFC', text).rstrip()}\n".encode()


def repair_text(raw: bytes, name: str) -> bytes:
    """A file of vocabularies with the bytes that every file under data/ has; nothing else of it changes.

    Raises:
        NotFormattable: the file is not UTF-8.
    """
    try:
        return repair_bytes(raw)
    except UnicodeDecodeError as error:
        raise NotFormattable(f"{name}: not UTF-8: {error.reason}") from error


def format_entry(raw: bytes, kind: str, name: str) -> bytes:
    """The canonical form of one entry file.

    Args:
        raw: the file as it is.
        kind: papers, tools, articles or models; fixes the order of the keys.
        name: path that errors show.

    Raises:
        NotFormattable: the file cannot be parsed, or a comment is where it cannot be kept.
    """
    try:
        repaired = repair_bytes(raw)
    except UnicodeDecodeError as error:
        raise NotFormattable(f"{name}: not UTF-8: {error.reason}") from error
    document, problems = load(repaired, name)
    fatal = sorted(problem for problem in problems if problem.code not in _HARMLESS)
    if document is None or fatal:
        raise NotFormattable(fatal[0].text())
    order = list(KINDS[kind].model_fields)
    comments = _comments(document)
    if not _has_empty(document.data):
        comments = comments.without_help()
    data = _titled(document.data)
    written = _Writer(order, comments).write(data)
    again, _ = load(written, name)
    if again is None or _without_order(again.data) != _without_order(_collapsed(data)):
        raise NotFormattable(f"{name}: the canonical form would change a value; this is a bug of the formatter")
    if sorted(_comments(again).every()) != sorted(comments.every()):
        raise NotFormattable(f"{name}: a comment cannot be kept where it is; move it above a key")
    return written


def format_turned_down(raw: bytes, name: str) -> bytes:
    """The papers that were turned down in canonical form: by id, one value per line.

    Args:
        raw: the file as it is.
        name: path that errors show.

    Raises:
        NotFormattable: the file cannot be parsed, or is no list of such papers.
    """
    repaired = repair_text(raw, name)
    document, problems = load(repaired, name, long=True)
    fatal = sorted(problem for problem in problems if problem.code not in _HARMLESS)
    if document is None or fatal:
        raise NotFormattable(fatal[0].text())
    papers = document.data.get("papers")
    fields = list(TurnedDown.model_fields)
    if list(document.data) != ["papers"] or not isinstance(papers, list) or not all(map(_all_text, papers)):
        raise NotFormattable(f"{name}: not a list of papers; `validate` says what is wrong")
    comments = _comments(document)
    lines = list(comments.above.get(("papers",), []))
    lines.append(f"papers:{'' if papers else ' []'}")
    ranked = sorted(range(len(papers)), key=lambda at: order_of_id(papers[at].get("arxiv"), papers[at].get("url")))
    for at in ranked:
        remarks = (
            *comments.above.get(("papers", at), []),
            *filter(None, [comments.beside.get(("papers", at), [""])[0]]),
        )
        lines.extend(f"  {remark}" for remark in remarks)
        keys = sorted(papers[at], key=lambda key: fields.index(key) if key in fields else len(fields))
        for number, key in enumerate(keys):
            text = " ".join(papers[at][key].split())
            bare = key in _DATE_FIELDS and yaml_type(text) == "date"
            lines.append(f"  {'-' if number == 0 else ' '} {scalar(key)}: {text if bare else scalar(text)}")
    lines.extend(comments.end)
    written = ("\n".join(lines) + "\n").encode()
    again, _ = load(written, name, long=True)
    if again is None or again.data["papers"] != [_collapsed(papers[at]) for at in ranked]:
        raise NotFormattable(f"{name}: the canonical form would change a value; this is a bug of the formatter")
    if sorted(_comments(again).every()) != sorted(comments.every()):
        raise NotFormattable(f"{name}: a comment cannot be kept where it is; move it above a paper")
    return written


def _all_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(part, str) for part in value.values())


def with_values(raw: bytes, kind: str, name: str, values: Mapping[str, str | list[str] | None]) -> bytes:
    """The canonical form of one entry file in which some fields have other values.

    Args:
        raw: the file as it is.
        kind: papers, tools, articles or models.
        name: path that errors show.
        values: field -> its new value; None deletes the field.

    Raises:
        NotFormattable: the file cannot be parsed, or a comment belongs to a value that is replaced.
    """
    document, problems = load(format_entry(raw, kind, name), name)
    if document is None:
        raise NotFormattable(min(problems).text())
    data = {**document.data, **values}
    changed = {key: _collapsed(value) for key, value in data.items() if value is not None}
    comments = _comments(document)
    if not _has_empty(changed):
        comments = comments.without_help()
    written = _Writer(list(KINDS[kind].model_fields), comments).write(changed)
    again, _ = load(written, name)
    if again is None or _without_order(again.data) != _without_order(changed):
        raise NotFormattable(f"{name}: a new value cannot be written as YAML; this is a bug of the formatter")
    if sorted(_comments(again).every()) != sorted(comments.every()):
        raise NotFormattable(f"{name}: a comment belongs to the old value; change the file by hand")
    return written


def scalar(text: str) -> str:
    """One text as YAML: plain where every reader agrees that it is text, else double-quoted."""
    plain = _PLAIN.fullmatch(text) and yaml_type(text) is None and not re.search(r"[,\[\]{}]|^---|\s$", text)
    return text if plain else quoted(text)


def _titled(data: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with its titles in their normal form, where that is what every reader makes of them."""

    def settled(value: Any) -> Any:
        if isinstance(value, str):
            return settled_text(value)
        return (
            [settled(part) if isinstance(part, str) else part for part in value] if isinstance(value, list) else value
        )

    return {key: settled(value) if key in TITLES else value for key, value in data.items()}


def _collapsed(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [_collapsed(part) for part in value]
    return {key: _collapsed(part) for key, part in value.items()}


def _without_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_order(value[key]) for key in sorted(value)}
    return [_without_order(part) for part in value] if isinstance(value, list) else value


def _has_empty(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not value or any(_has_empty(part) for part in parts)


@dataclass(frozen=True)
class _Comments:
    """Comments of a document by the part that they belong to."""

    above: Mapping[Steps, list[str]]
    """On lines of their own, before the part."""
    beside: Mapping[Steps, list[str]]
    """On the line of the part, after it."""
    end: list[str]
    """After the last part."""

    def without_help(self) -> _Comments:
        """All but the comments that `add` wrote as help."""

        def kept(comments: list[str]) -> list[str]:
            return [comment for comment in comments if not comment.startswith(HELP)]

        above = {steps: left for steps, comments in self.above.items() if (left := kept(comments))}
        return _Comments(above, self.beside, kept(self.end))

    def every(self) -> Iterator[str]:
        """All comments, in no order."""
        for group in (*self.above.values(), *self.beside.values(), self.end):
            yield from group


def _comments(document: Document) -> _Comments:
    """Find every comment: from the first ``#`` of a line that is in no scalar."""
    lines = document.text.split("\n")
    covered: list[list[tuple[int, int]]] = [[] for _ in lines]
    for event in yaml.parse(document.text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.ScalarEvent):
            start: Any = event.start_mark
            end: Any = event.end_mark
            if event.style in ("|", ">"):
                header = lines[start.line][start.column :].rstrip()
                if not re.fullmatch(r"[|>][+-]?", header):
                    what = f"{document.path}:{start.line + 1}: {header!r} holds more than an indicator"
                    raise NotFormattable(f"{what}; move the comment above the key, or write >-")
                last = _last_line_of_block(lines, start.line, end.line) if event.value.strip() else start.line
                for number in range(start.line, last + 1):
                    covered[number].append((0, len(lines[number])))
                continue
            for number in range(start.line, end.line + 1):
                left = start.column if number == start.line else 0
                covered[number].append((left, end.column if number == end.line else len(lines[number])))
    # Comments inside a flow mapping or a result go above the list item that holds it.
    anchors = sorted(
        (place.line, place.column, steps[:2])
        for places in (
            document.keys,
            {s: p for s, p in document.values.items() if s and isinstance(s[-1], int)},
        )
        for steps, place in places.items()
    )
    above: dict[Steps, list[str]] = {}
    beside: dict[Steps, list[str]] = {}
    tail: list[str] = []
    for number, line in enumerate(lines, 1):
        sign = _comment_in(line, covered[number - 1])
        if sign is None:
            continue
        comment = line[sign:].rstrip()
        before = [steps for at, _, steps in anchors if at <= number]
        same = [steps for at, _, steps in anchors if at == number]
        after = [steps for at, _, steps in anchors if at > number]
        if line[:sign].strip() and (same or before):
            beside.setdefault((same or before[-1:])[0 if same else -1], []).append(comment)
        elif after:
            above.setdefault(after[0], []).append(comment)
        else:
            tail.append(comment)
    for steps in [steps for steps, comments in beside.items() if len(comments) > 1]:
        above.setdefault(steps, []).extend(beside.pop(steps))  # one line has room for one comment
    return _Comments(above, beside, tail)


def _last_line_of_block(lines: list[str], first: int, end: int) -> int:
    """Last line of a block scalar that begins on ``first``.

    Its end mark may lie on later lines, blank ones or comments.
    """
    body = next((line for line in lines[first + 1 : end + 1] if line.strip()), "")
    indent = len(body) - len(body.lstrip())
    last = first
    for number in range(first + 1, min(end + 1, len(lines))):
        line = lines[number]
        if line.strip() and (len(line) - len(line.lstrip()) < indent or indent == 0):
            break
        if line.strip():
            last = number
    return last


def _comment_in(line: str, covered: list[tuple[int, int]]) -> int | None:
    for sign in re.finditer("#", line):
        if not any(left <= sign.start() < right for left, right in covered):
            return sign.start()
    return None


@dataclass
class _Writer:
    order: list[str]
    comments: _Comments
    lines: list[str] = field(default_factory=list)

    def write(self, data: Mapping[str, Any]) -> bytes:
        rank = {key: index for index, key in enumerate(self.order)}
        # The schema line of editors stays at the top, whatever key it precedes.
        first = next(iter(data), None)
        head = self.comments.above.get((first,), []) if first is not None else []
        schema = [comment for comment in head if comment.startswith("# yaml-language-server:")]
        self.lines.extend(schema)
        for key in sorted(data, key=lambda key: rank.get(key, len(rank))):
            steps: Steps = (key,)
            above = self.comments.above.get(steps, [])
            self.lines.extend(comment for comment in above if key != first or comment not in schema)
            self._value(key, data[key], steps)
        self.lines.extend(self.comments.end)
        return ("\n".join(self.lines) + "\n").encode()

    def _beside(self, steps: Steps) -> str:
        return "".join(f"  {comment}" for comment in self.comments.beside.get(steps, []))

    def _value(self, key: str, value: Any, steps: Steps) -> None:
        name = scalar(key)
        inner = [(*steps, index) for index in range(len(value))] if isinstance(value, list) else []
        noted = any(part in self.comments.above or part in self.comments.beside for part in inner)
        remark = self._beside(steps)
        if isinstance(value, str):
            self._text(name, key, " ".join(value.split()), remark)
        elif isinstance(value, dict):
            self._mapping(name, key, value, remark)
        elif (
            all(isinstance(item, str) for item in value)
            and not noted
            and len(flat := f"{name}: {_flow(value)}") <= WIDTH
        ):
            self.lines.append(f"{flat}{remark}")
        else:
            self._list(name, value, steps, remark)

    def _text(self, name: str, key: str, text: str, remark: str) -> None:
        if (key == "summary" and text) or (len(name) + len(text) + 2 > WIDTH and key in ("note", "criterion")):
            if remark:  # nothing may follow >-, so the remark moves above the key
                self.lines.append(remark.strip())
            self.lines.append(f"{name}: >-")
            self.lines.extend(f"  {line}" for line in _wrap(text, WIDTH - 2))
            return
        kind = yaml_type(text)
        bare = (
            (key in _DATE_FIELDS and kind == "date")
            or (key in _NUMBER_FIELDS and kind == "number")
            or (key == "unspecific" and kind == "boolean")
        )
        value = text if bare else scalar(text)
        if remark and not value.startswith('"'):
            value = quoted(text)  # a comment after a plain value would be read as lost text
            if key == "added":
                self.lines.append(remark.strip())
                value, remark = text, ""
        self.lines.append(f"{name}: {value}{remark}")

    def _mapping(self, name: str, key: str, value: Mapping[str, Any], remark: str) -> None:
        rank = {field: index for index, field in enumerate(_MAPPINGS[key].model_fields)} if key in _MAPPINGS else {}
        ordered = {field: value[field] for field in sorted(value, key=lambda field: rank.get(field, len(rank)))}
        flat = f"{name}: {_flow(ordered, key)}{remark}"
        if len(flat) <= WIDTH or remark or not all(isinstance(part, str) for part in ordered.values()):
            self.lines.append(flat)
            return
        self.lines.append(f"{name}:")
        self.lines.extend(f"  {scalar(field)}: {_bare(part, key)}" for field, part in ordered.items())

    def _list(self, name: str, items: list[Any], steps: Steps, remark: str) -> None:
        self.lines.append(f"{name}:{remark}")
        for index, item in enumerate(items):
            part = (*steps, index)
            self.lines.extend(f"  {comment}" for comment in self.comments.above.get(part, []))
            beside = self._beside(part)
            if isinstance(item, str):
                self.lines.append(f"  - {quoted(item) if beside else scalar(' '.join(item.split()))}{beside}")
            elif isinstance(item, dict):
                self._mapping_item(item, beside)
            else:
                self.lines.append(f"  - {_flow(item)}{beside}")

    def _mapping_item(self, item: Mapping[str, Any], beside: str) -> None:
        rank = {key: index for index, key in enumerate(Result.model_fields)}
        ordered = {key: item[key] for key in sorted(item, key=lambda key: rank.get(key, len(rank)))}
        flat = f"  - {_flow(ordered)}{beside}"
        if len(flat) <= WIDTH or beside:
            self.lines.append(flat)
            return
        for number, (key, value) in enumerate(ordered.items()):
            lead = "  - " if number == 0 else "    "
            written = _flow(value, key)
            self.lines.append(f"{lead}{scalar(key)}: {written}")


def _flow(value: Any, key: str = "") -> str:
    """A value on one line; ``key`` is that of the mapping that holds it, or its own."""
    if isinstance(value, str):
        return _bare(value, key)
    if isinstance(value, list):
        return f"[{', '.join(_flow(part) for part in value)}]"
    parts = (f"{scalar(name)}: {_flow(part, key if key in _NUMERIC else name)}" for name, part in value.items())
    return "{" + ", ".join(parts) + "}"


def _bare(text: str, key: str) -> str:
    text = " ".join(text.split())
    return text if key in _NUMERIC and yaml_type(text) == "number" else scalar(text)


def _wrap(text: str, width: int) -> Iterator[str]:
    """Words on lines of at most ``width`` characters; a longer word has a line of its own."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line

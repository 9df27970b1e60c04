"""Whatever the bytes: the reader and the checks answer with problems, never with an exception."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.entries.format_yaml import NotFormattable, _comments, format_entry
from generator.entries.load_yaml import load
from generator.entries.model import TITLES
from generator.entries.problem import FORMATS, render
from generator.entries.tex import settled_text
from tests.conftest import Checker

DATA = Path(__file__).parents[2] / "data"
GOOD = [
    ("papers", DATA / "TEMPLATE.yaml"),
    ("papers", DATA / "papers/1989/obd.yaml"),
    ("papers", DATA / "papers/2023/deepcache.yaml"),
    ("tools", DATA / "tools/aimet.yaml"),
    ("articles", min((DATA / "articles").glob("*.yaml"))),
]
TEXTS = [(kind, file.read_text(encoding="utf-8")) for kind, file in GOOD]
PIECES = [
    *"#:-[]{},&*!|>'\"%@`?~=<\\/ \n\t\r\0",
    " #",
    ": ",
    "- ",
    "\n  # remark\n",
    " # beside\n",
    "\n# remark\n",
    "#b",
    ">-",
    "|2",
    "---\n",
    "...\n",
    "<<: ",
    "&a ",
    "*a",
    "!!str ",
    "\\u0301",
    "\\e",
    "\\0",
    "\\t",
    "\u0301",
    "\u200b",
    "\u202e",
    "\u2028",
    "\ufeff",
    "$\\mu_1$",
    "\ufb03",
    "\x85",
    "\xa0",
    "é",
    "剪",
    "β",
    "𝄞",
    "1e3",
    "null",
    "https://[x",
    "9" * 400,
    "[[[[[[[[",
    "{a: {b: [c, d]}}",
]
SETTINGS = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# What rewriting mends, so that a canonical file may lack it.
MENDED = {"E101", "E103", "E110", "E240", "E241", "E250", "E301", "E304", "E305"}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A good entry after some cuts, repetitions, swaps and insertions."""
    kind, text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        lines = text.split("\n")
        match draw(st.integers(0, 4)):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
            case 2:
                text = text[:end] + text[start:]
            case 3:
                one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case _:
                place = draw(st.integers(0, len(lines) - 1))
                lines[place] += draw(st.sampled_from(["  # beside", " #x", " ", "\t", "\r"]))
                text = "\n".join(lines)
    return kind, text


def judge(checker: Checker, raw: bytes, kind: str) -> set[str]:
    problems = checker.all_problems(raw, kind)
    for form in FORMATS:
        shown = render(problems, form)
        assert form == "json" or shown.count("\n") == max(len(problems) - 1, 0)
        assert shown.isprintable() or set(filter(lambda c: not c.isprintable(), shown)) == {"\n"}
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
        assert problem.fix
    return {problem.code for problem in problems}


@SETTINGS
@given(raw=st.binary(max_size=400), kind=st.sampled_from(["papers", "tools", "articles"]))
def test_random_bytes(checker: Checker, raw: bytes, kind: str) -> None:
    judge(checker, raw, kind)


@SETTINGS
@given(pieces=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30))
def test_random_pieces(checker: Checker, pieces: list[str]) -> None:
    judge(checker, "".join(pieces).encode("utf-8", "surrogatepass"), "papers")


@SETTINGS
@given(entry=mutated())
def test_mutations_are_judged(checker: Checker, entry: tuple[str, str]) -> None:
    kind, text = entry
    judge(checker, text.encode(), kind)


def collapsed(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [collapsed(part) for part in value]
    return {key: collapsed(part) for key, part in value.items()}


def titled(data: dict[str, Any]) -> dict[str, Any]:
    """The entry with its titles in normal form."""

    def settled(value: Any) -> Any:
        if isinstance(value, list):
            return [settled(part) if isinstance(part, str) else part for part in value]
        return settled_text(value) if isinstance(value, str) else value

    return {key: settled(value) if key in TITLES else value for key, value in data.items()}


@SETTINGS
@given(entry=mutated())
def test_formatting_loses_nothing(checker: Checker, entry: tuple[str, str]) -> None:
    kind, text = entry
    raw = text.encode()
    try:
        canonical = format_entry(raw, kind, "x.yaml")
    except NotFormattable as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert refusal.startswith("x.yaml:")
        assert "bug of the formatter" not in refusal
        return
    assert format_entry(canonical, kind, "x.yaml") == canonical
    before, problems = load(raw, "x.yaml")
    after, left = load(canonical, "x.yaml")
    assert {problem.code for problem in left} <= {"E112"}
    if before is not None and not {problem.code for problem in problems} & {"E102", "E302", "E301"}:
        assert after is not None
        assert titled(collapsed(before.data)) == after.data
        assert Counter(map(collapsed, _comments(before).every())) == Counter(map(collapsed, _comments(after).every()))
        found, still = judge(checker, raw, kind), judge(checker, canonical, kind)
        assert still <= found | {"E240"}  # a summary may get too short by losing double spaces
        assert found - still <= MENDED


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_shuffled_lines_come_back_in_order(kind: str, text: str) -> None:
    """Reversing the keys of a file and formatting it gives the file again, comments left aside."""
    document, _ = load(text.encode(), "x.yaml")
    assert document is not None
    starts = [place.line - 1 for steps, place in document.keys.items() if len(steps) == 1]
    lines = text.split("\n")
    blocks = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines) - 1], strict=True)]
    bare = [[line for line in block if not line.lstrip().startswith("#")] for block in blocks]
    shuffled = "\n".join(line for block in reversed(bare) for line in block) + "\n"
    straight = "\n".join(line for block in bare for line in block) + "\n"
    assert format_entry(shuffled.encode(), kind, "x.yaml").decode() == straight

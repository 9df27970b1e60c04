"""The nasty ones, through the command line in a process of little memory: quick, with a place, never a crash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = b"title: Prune Well\n"
ALIASES = b"a: &a [x, x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (i + 1, i + 1, i, i) for i in range(97, 121))
MERGES = b"a: &a {k: v}\n" + b"".join(b"%c: &%c {<<: [*%c, *%c]}\n" % (i + 1, i + 1, i, i) for i in range(97, 121))
RESULT = b"results: [{model: %s, dataset: %s, setting: s, where: Table 1, after: {%s: 1}}]\n"
PLACE = b'results: [{model: m, setting: s, where: "%s.", after: {fid: 1}}]\n'
NUMBER = b"results: [{model: m, setting: s, where: README, after: {fid: %s}}]\n"
INPUTS = {
    "alias bomb": (ALIASES, "1:4: error[E104]"),
    "merge bomb": (MERGES, "1:4: error[E104]"),
    "200,000 brackets": (b"[" * 200_000, "1:1: error[E100]"),
    "60,000 brackets": (b"title: " + b"[" * 60_000 + b"\n", "1:13: error[E107]"),
    "60,000 braces": (b"{" * 60_000 + b"\n", "1:2: error[E109]"),
    "60,000 closing brackets": (b"]" * 60_000 + b"\n", "1:1: error[E105]"),
    "30,000 dashes": (b"title:\n" + b"- " * 30_000 + b"\n", "2:11: error[E107]"),
    "30,000 question marks": (b"? " * 30_000 + b"\n", "1:3: error[E109]"),
    "20,000 items": (b"topics: [" + b"a, " * 20_000 + b"]\n", "1:14995: error[E107]"),
    "5,000-digit id": (b"arxiv: " + b"1" * 5_000 + b"\n", "1:8: error[E110]"),
    "5,000-digit date": (b"added: " + b"1" * 5_000 + b"\n", "1:8: error[E203]"),
    "digits that end in a letter": (b"title: " + b"1" * 60_000 + b"x\n", "1:1: error[E210]"),
    "NUL": (HEAD + b"short: a\0b\n", "2:9: error[E102]"),
    "UTF-16": ("title: A\n".encode("utf-16"), "1:1: error[E102]"),
    "UTF-16 without a mark": ("title: A\n".encode("utf-16-be"), "1:1: error[E102]"),
    "UTF-32": ("title: A\n".encode("utf-32"), "1:1: error[E102]"),
    "lone surrogate": (HEAD + b"short: \xed\xa0\x80\n", "2:8: error[E102]"),
    "escaped surrogate": (HEAD + b'short: "\\uD800\\uDC00"\n', "2:11: error[E105]"),
    "10 MB": (b"title: " + b"A" * 10_000_000 + b"\n", "1:1: error[E100]"),
    "empty": (b"", "1:1: error[E108]"),
    "one venue of 60,000 dashes": (HEAD + b"venue: a" + b"-" * 60_000 + b"\n", "2:8: error[E222]"),
    "one term of 60,000 letters": (HEAD + b"family: " + b"ab" * 30_000 + b"\n", "2:9: error[E220]"),
    "one metric of 1,000 letters": (RESULT % (b"m", b"d", b"ab" * 500), "1:1072: error[E220]"),
    "one model of 60,000 letters": (RESULT % (b"ab" * 30_000, b"d", b"fid"), "1:19: error[E513]"),
    "one data set of 60,000 letters": (RESULT % (b"m", b"ab" * 30_000, b"fid"), "1:31: error[E513]"),
    "one place of 60,000 letters": (PLACE % (b"Table 1, " * 6_500), "1:41: error[E235]"),
    "one number of 60,000 digits": (NUMBER % (b"1" * 60_000), "1:62: error[E232]"),
    "one key of 1,000 letters": (HEAD + b"ab" * 500 + b": c\n", "2:1: error[E211]"),
    "one slug of 60,000 letters": (HEAD + b"builds_on: [" + b"ab" * 30_000 + b"]\n", "2:13: error[E510]"),
    "one host of 60,000 letters": (HEAD + b"code: https://" + b"a-" * 30_000 + b"/\n", "2:7: error[E402]"),
    "one DOI of 60,000 letters": (HEAD + b"doi: 10.1000/" + b"a" * 60_000 + b" b\n", "2:6: error[E405]"),
    "a summary of 60,000 marks": (HEAD + b"summary: a" + b"*" * 60_000 + b"\n", "2:10: error[E241]"),
    "20,000 invisible characters": (b"title: " + "\u200b".encode() * 20_000 + b"\n", "1:8: error[E302]"),
    "20,000 foreign letters": (b"title: a" + "\u0430".encode() * 20_000 + b"\n", "1:8: error[E303]"),
    "2,400 doubled keys": (b"a: b\n" * 2_400, "2:1: error[E106]"),
    "2,400 typed values": (b"".join(b"k%d: 1\n" % i for i in range(2_400)), "1:5: error[E110]"),
    "random bytes": (bytes(range(256)) * 200, "2:118: error[E102]"),
}


Check = Callable[[Path], int]


@pytest.fixture(scope="module")
def check() -> Iterator[Check]:
    """Checks a folder in a child process of its own and returns its exit code."""
    with subprocess.Popen(
        [sys.executable, ROOT / "tests/bad_inputs/parent.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        requests, answers = parent.stdin, parent.stdout

        def run(folder: Path) -> int:
            requests.write(f"{folder}\n")
            requests.flush()
            return int(answers.readline())

        yield run
        requests.close()


@pytest.mark.parametrize("name", INPUTS)
def test_refused_within_memory_and_an_end(tmp_path: Path, check: Check, name: str) -> None:
    raw, message = INPUTS[name]
    file = tmp_path / "data/papers/2023/x.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(raw)
    for name_of_file in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        shutil.copy(ROOT / "data" / name_of_file, tmp_path / "data")
    code = check(tmp_path)
    output, errors = ((tmp_path / name).read_text("utf-8") for name in ("stdout", "stderr"))
    assert code == 1, errors
    assert "Traceback" not in output + errors
    assert f"data/papers/2023/x.yaml:{message}: " in output


def test_the_limits_hold(tmp_path: Path, check: Check) -> None:
    """Without a catalogue the child ends as for wrong use, and the parent goes on."""
    assert check(tmp_path) == 1
    assert "data/taxonomy.yaml" in (tmp_path / "stdout").read_text("utf-8")

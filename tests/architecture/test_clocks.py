"""Tests prove the same at every moment and on every machine: outside the benchmarks, none reads a clock or sleeps."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
CLOCK = re.compile(
    r"\bimport (\w+, )*time\b|\bfrom time import|\b(datetime|date)\.(now|utcnow|today)\("
    r"|\bwait_for_timeout\(|\btimeout=[1-9]\d?\b"
)
"""In the code of other processes, too, which is text here. A time-out of seconds is one that a slow machine misses."""


def test_no_test_depends_on_a_clock() -> None:
    found = {
        f"{file.relative_to(TESTS)}: {match[0]}"
        for file in TESTS.rglob("*.py")
        if file != Path(__file__) and not file.is_relative_to(TESTS / "benchmarks")
        for match in CLOCK.finditer(file.read_text("utf-8"))
    }
    assert found == set()

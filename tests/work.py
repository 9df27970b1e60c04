"""What no machine changes: the work of a function as a number, a clock for benchmarks, a limit for waits."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

ENDLESS = 600
"""Seconds after which a process is taken for endless, on the slowest machine with other work, too."""


def calls_in(function: Callable[[], object]) -> int:
    """Calls of functions while it runs, those written in C too."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return counted


def ticks() -> Iterator[float]:
    """Seconds, ten to twenty microseconds apart; the same in each run."""
    chance = random.Random(0)
    return itertools.accumulate(chance.uniform(1e-5, 2e-5) for _ in itertools.count())


def without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let benchmarks count ``ticks`` in place of time, and repeat no call to fill a second."""
    monkeypatch.setattr("reference_impls.bench.timing.clock", lambda: ticks().__next__)
    monkeypatch.setattr("reference_impls.bench.timing.LEAST_SECONDS", 0.0)
    for name in ("RUNS", "FEWEST_RUNS"):
        monkeypatch.setattr(f"reference_impls.bench.forward_pass.{name}", 2)

"""How much a function does, as a number that no other process changes; and how long a test waits for a process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

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

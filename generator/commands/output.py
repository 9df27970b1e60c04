"""How every command prints, and how it ends if it found problems."""

from __future__ import annotations

import sys


class Failed(Exception):  # not an error of the program: the problems are printed, the exit code is 1
    """The command did its work and found problems."""


def say(text: str, *, error: bool = False) -> None:
    """Print at once, to stdout or to stderr."""
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()

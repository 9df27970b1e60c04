"""How every command prints, and how it ends if it found problems."""

from __future__ import annotations

import codecs
import io
import sys


class Failed(Exception):  # not an error of the program: the problems are printed, the exit code is 1
    """The command did its work and found problems."""


def escaped(error: UnicodeError) -> tuple[str, int]:
    """A character that the encoding of the output lacks, as JSON and Python write it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    text = "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    return text, error.end


def accept_any_encoding() -> None:
    """Let both outputs take every character, whatever their encoding: one that it lacks is escaped."""
    codecs.register_error("escaped", escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="escaped")


def say(text: str, *, error: bool = False) -> None:
    """Print at once, to stdout or to stderr."""
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()

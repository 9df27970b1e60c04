"""Prompts to record calls with: from a file, one a line, or a small set of this package."""

from __future__ import annotations

from pathlib import Path

OWN = Path(__file__).with_name("prompts.txt")
MOST_BYTES, LONGEST = 1_000_000, 2_000
"""Bytes of a file of prompts, and letters of one."""


def own_prompts() -> tuple[str, ...]:
    """The set of this package: people, things, places and styles, short and long."""
    return read_prompts(OWN)


def read_prompts(file: Path) -> tuple[str, ...]:
    """The prompts of a file.

    Raises:
        ValueError: it is not there, empty, too large, not UTF-8 text, or has a blank or a too long line.
    """
    if not file.is_file():
        raise ValueError(f"{file}: no such file of prompts")
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{file} has {size:,} bytes; a file of prompts has {MOST_BYTES:,} at most, one prompt a line")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text (byte {error.start}); write one prompt a line") from None
    if any(not letter.isprintable() and letter not in "\r\n\t" for letter in text):
        raise ValueError(f"{file} holds control characters; write one prompt a line, as UTF-8 text")
    lines = [line.strip() for line in text.splitlines()]
    if not any(lines):
        raise ValueError(f"{file} is empty; write one prompt a line")
    for number, line in enumerate(lines, start=1):
        if not line:
            raise ValueError(f"{file}, line {number} is blank; write one prompt a line")
        if len(line) > LONGEST:
            raise ValueError(f"{file}, line {number} has {len(line):,} letters; a prompt has {LONGEST:,} at most")
    return tuple(lines)

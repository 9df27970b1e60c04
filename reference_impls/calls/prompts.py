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
        OSError: it may not be read.
        ValueError: it is not there, a folder, empty, too large, not UTF-8 text, or has a blank or a too long line.
    """
    if file.is_dir():
        raise ValueError(f"{file} is a folder; give a text file, one prompt a line")
    if not file.exists():
        raise ValueError(f"{file}: no such file of prompts")
    with file.open("rb") as opened:  # which may be a pipe of the shell
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{file} has more than {MOST_BYTES:,} bytes; give fewer prompts, one a line")
    try:
        text = content.decode("utf-8-sig")
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

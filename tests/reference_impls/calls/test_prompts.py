"""Files of prompts: one a line, and one line for each mistake."""

import os
import re
from pathlib import Path

import pytest

from reference_impls.calls.prompts import own_prompts, read_prompts


def test_prompts_are_read(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeffa cat\r\n  ein Hügel \nthe last".encode())
    assert read_prompts(file) == ("a cat", "ein Hügel", "the last")


def test_a_pipe_of_the_shell(tmp_path: Path) -> None:
    """As `--prompts <(head -2 FILE)` gives it; a folder is none."""
    reads, writes = os.pipe()
    os.write(writes, b"a cat\na dog\n")
    os.close(writes)
    assert read_prompts(Path(f"/dev/fd/{reads}")) == ("a cat", "a dog")
    os.close(reads)
    with pytest.raises(ValueError, match=r" is a folder; give a text file, one prompt a line$"):
        read_prompts(tmp_path)


def test_the_own_set() -> None:
    prompts = own_prompts()
    assert len(prompts) == len(set(prompts)) == 50


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (b"", "is empty; write one prompt a line"),
        (b"\n \n", "is empty; write one prompt a line"),
        (b"a\n\nb\n", ", line 2 is blank; write one prompt a line"),
        (b"a\nb\n\n", ", line 3 is blank; write one prompt a line"),
        (b"\xff\xd8 image", "is not UTF-8 text (byte 0); write one prompt a line"),
        ("a cat".encode("utf-16"), "is not UTF-8 text (byte 0); write one prompt a line"),
        (b"a\x00b", "holds control characters; write one prompt a line, as UTF-8 text"),
        (b"a\n" + b"b" * 2001, ", line 2 has 2,001 letters; a prompt has 2,000 at most"),
        (b"b" * 1_000_000, ", line 1 has 1,000,000 letters; a prompt has 2,000 at most"),
        (b"a\n" * 500_001, "has more than 1,000,000 bytes; give fewer prompts, one a line"),
        (None, ": no such file of prompts"),
    ],
)
def test_a_file_that_cannot_be(tmp_path: Path, held: bytes | None, told: str) -> None:
    file = tmp_path / "prompts.txt"
    if held is not None:
        file.write_bytes(held)
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))} ?{re.escape(told)}$"):
        read_prompts(file)

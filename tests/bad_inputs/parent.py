"""Checks many folders from one start of Python: each in a child of little memory and time, forked from here.

Reads folders from the standard input, one a line, and writes the exit code of each child. What the child writes lies
in the folder, in the files ``stdout`` and ``stderr``.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

import generator.checks.validate  # noqa: F401  before the forks, so that no child loads it again
from generator.cli import run

MOST_BYTES = 1 << 30
MOST_SECONDS = 20
"""What does not end is killed; what ends takes a fraction of a second."""


def check(folder: str) -> None:
    """Run ``validate`` in a folder, and end the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    signal.alarm(3 * MOST_SECONDS)
    os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(stream.name.strip("<>"), os.O_WRONLY | os.O_CREAT), stream.fileno())
    sys.argv = ["generator", "validate", "--no-notes"]
    run()
    sys.exit(0)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            check(line.rstrip("\n"))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

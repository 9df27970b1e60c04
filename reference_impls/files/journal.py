"""Rows of a long run, kept in a file beside its result, so that a stopped run can be continued.

The first line says what was run, with what and where; each further one holds the rows of one job.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reference_impls.files.outputs import replace_text

Rows = list[dict[str, Any]]


class OtherRun(ValueError):
    """What is kept there is not of this run."""


@contextmanager
def journal(file: Path, settings: Mapping[str, Any]) -> Iterator[tuple[Rows, Callable[[Rows], None]]]:
    """Yields the rows of earlier jobs, and a function that saves those of another job; deletes the file at the end.

    Args:
        file: made where it is not there, with its folders.
        settings: of this run; JSON can hold them.

    Raises:
        OtherRun: the file holds rows of a run with other settings, or something else.
    """
    jobs = _read(file, json.loads(json.dumps(settings)))
    replace_text(file, "".join(json.dumps(line) + "\n" for line in (settings, *jobs)))
    with file.open("a", encoding="utf-8") as sink:

        def keep(job: Rows) -> None:
            sink.write(json.dumps(job) + "\n")
            sink.flush()

        yield [row for job in jobs for row in job], keep
    file.unlink()


def _read(file: Path, settings: Mapping[str, Any]) -> list[Rows]:
    """The jobs of a file; an incomplete last line is ignored, and its job runs again."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]  # what ends without a line break was cut off
    try:
        before, *jobs = map(json.loads, lines)
        differing = [name for name in settings if before.get(name) != settings[name]]
    except (ValueError, AttributeError) as error:
        raise OtherRun(f"{file} does not hold the rows of a run that was stopped; move it away") from error
    if differing:
        raise OtherRun(
            f"{file} holds rows of a run with other {' and '.join(differing)}; move it away, or finish that run"
        )
    return jobs

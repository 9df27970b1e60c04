"""A result that grows in a folder beside its final name, and gets that name when it is complete.

``OUT.partial`` holds the files so far and a journal. A run that was interrupted at any moment, by a signal or a full
disk, is resumed there by the same command; it is refused if the source, the request or a version has changed, or while
another process is at work there.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_impls.files.journal import OtherRun, Rows, journal
from reference_impls.files.outputs import check_folder

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True)
class Partial:
    """The result of the runs so far."""

    folder: Path
    """What will be the result; empty at the beginning."""
    state: Path
    """For what only the next run needs."""
    rows: Rows
    """Of the journal, from this run and earlier ones."""
    keep: Callable[[Rows], None]
    """Add to the journal; what the rows say must be in the files by then."""


def partial_of(out: Path) -> Path:
    """Where a result grows."""
    return out.with_name(f"{out.name}.partial")


@contextmanager
def partial(out: Path, settings: Mapping[str, Any]) -> Iterator[Partial]:
    """Inside, the result is made; at the end it is renamed. Removed if it is refused, kept if it is stopped midway.

    Args:
        out: must not exist.
        settings: of the run; an interrupted run is resumed by one with the same settings.

    Raises:
        FileExistsError: something of the name ``out`` is there.
        OtherRun: what is there is of a run with other settings, or of one that is still at work.
        ValueError: it cannot be written.
    """
    check_folder(out)
    beside = partial_of(out)
    folder, state, rows_file = beside / "folder", beside / "state", beside / "journal.jsonl"
    before: Rows = []
    try:
        beside.mkdir(parents=True, exist_ok=True)
        with _alone(beside):
            if not folder.is_dir():
                rows_file.unlink(missing_ok=True)
            with journal(rows_file, settings) as (rows, keep):
                before = rows
                if not rows:
                    for path in (folder, state):
                        shutil.rmtree(path, ignore_errors=True)
                        path.mkdir()

                def note(new: Rows) -> None:
                    keep(new)
                    rows.extend(new)

                yield Partial(folder, state, rows, note)
                check_folder(out)  # a rename would replace an empty folder that another process has made meanwhile
                folder.rename(out)
            shutil.rmtree(beside)
    except (FileExistsError, OtherRun):
        raise
    except BaseException as error:
        resumable = bool(before) and not isinstance(error, ValueError)
        if not resumable:
            shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, OSError):
            how = f"; run the same command again to resume in {beside}" if resumable else ""
            raise ValueError(f"{out} cannot be written: {error.strerror or error}{how}") from error
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Inside, no other process works in a folder. The system ends this with the process, however that ends.

    Raises:
        OtherRun: one does.
    """
    opened = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    try:
        if opened is not None:
            _lock(opened, folder)
        yield
    finally:
        if opened is not None:
            os.close(opened)


def _lock(opened: int, folder: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OtherRun(f"another process is at work in {folder}; wait for it, or choose another --out") from error
    except OSError:  # a file system without locks
        pass

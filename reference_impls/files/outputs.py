"""Output files and folders: checked before the work begins, and written completely or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def check_folder(out: Path) -> None:
    """Refuse a folder that is there already, or that could not be made.

    Raises:
        FileExistsError: something of that name is there.
        ValueError: what it would stand in is a file, or may not be written to.
    """
    if out.exists() or out.is_symlink():
        raise FileExistsError(f"{out} exists; choose another --out or delete it")
    _check_parent(out)


def check_outside(out: Path, source: Path) -> None:
    """Refuse a folder inside the one that is read.

    Raises:
        ValueError: it is.
    """
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{out} is inside the folder that is read; choose another --out")


def check_file(out: Path) -> None:
    """Refuse a file that could not be written; one that is there may be replaced.

    Raises:
        ValueError: it is a folder, or what it would stand in is a file or may not be written to.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a folder; give the name of a file in it")
    _check_parent(out)


def _check_parent(out: Path) -> None:
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise ValueError(f"{out} cannot be made: {parent} is not a folder; choose another --out")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"{out} cannot be made: {parent} may not be written to; choose another --out")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``out`` at the end; it is removed if something fails inside.

    Files are as open to others as the umask lets any new file be, though safetensors makes its private. Files that are
    linked from elsewhere stay as they are.

    Raises:
        FileExistsError: something of that name is there.
        ValueError: it cannot be made; ``out`` is named, and not the folder beside it that is written first.
    """
    check_folder(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=".new-"))
        fresh = scratch / "folder"
        try:
            fresh.mkdir()
            mode = fresh.stat().st_mode & 0o666
            yield fresh
            for file in fresh.rglob("*"):
                if file.is_file() and file.stat().st_nlink == 1:
                    file.chmod(mode)
            check_folder(out)  # a rename would replace an empty folder that another process has made meanwhile
            fresh.rename(out)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise ValueError(f"{out} cannot be written: {error.strerror or error}") from error


def replace_text(file: Path, text: str) -> None:
    """Write a whole file and its folders; at every moment the file has the old or the new text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def write_rows(document: Mapping[str, object], file: Path) -> None:
    """Write a JSON document with one object of a list per line, so that two runs can be compared line by line."""
    fields = [f" {json.dumps(name)}: {_field(value)}" for name, value in document.items()]
    replace_text(file, "{\n" + ",\n".join(fields) + "\n}\n")


def _field(value: object) -> str:
    """One value of a document: a list with one element per line, anything else as JSON indents it."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n ]"
    return json.dumps(value, indent=1, ensure_ascii=False).replace("\n", "\n ")

"""The command `format`: rewrite entries in canonical form; keep comments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer

from generator.checks.drafts import (
    CHOOSE,
    DATASETS,
    GLOSSARY,
    QUERIES,
    TAXONOMY,
    TEMPLATE,
    TURNED_DOWN,
    entry_files,
)
from generator.commands.output import Failed, say
from generator.entries.format_yaml import NotFormattable, format_entry, format_turned_down, repair_text
from generator.escape import terminal
from generator.write import write_file
from reference_impls.number_format import count

WHOLE_FILES: Mapping[str, Callable[[bytes, str], bytes]] = {
    **dict.fromkeys((TAXONOMY, DATASETS, CHOOSE, GLOSSARY, QUERIES, TEMPLATE), repair_text),
    TURNED_DOWN: format_turned_down,
}
"""Files that are no entries, and what writes them; of most only the bytes are repaired, such as line ends."""


def format_entries(paths: Sequence[Path], check: bool, root: Path) -> None:
    """Rewrite entries.

    Args:
        paths: files; all entries and vocabularies if empty.
        check: write nothing, and fail if a file would change.
        root: of the repository.

    Raises:
        Failed: an entry cannot be formatted, or with ``check`` would change.
        typer.BadParameter: a path is not an entry.
    """
    chosen = _chosen(paths, root)
    changed = failed = 0
    for kind, file in chosen:
        raw = file.read_bytes()
        try:
            whole = WHOLE_FILES.get(kind)
            canonical = whole(raw, str(file)) if whole else format_entry(raw, kind, str(file))
        except NotFormattable as error:
            failed += 1
            say(terminal(str(error)), error=True)
            continue
        if canonical != raw:
            changed += 1
            say(f"{'would change' if check else 'changed'} {file}")
            if not check:
                write_file(file, canonical)
    say(
        f"{count(len(chosen), 'file')}, {changed} {'to change' if check else 'changed'}, {failed} not formattable",
        error=True,
    )
    if check and changed:
        say("fix: run make format", error=True)
    if failed or (check and changed):
        raise Failed


def _chosen(paths: Sequence[Path], root: Path) -> list[tuple[str, Path]]:
    """The entries of these paths, or all, each with its kind; of other files, the name."""
    every = (*entry_files(root / "data"), *((name, root / "data" / name) for name in WHOLE_FILES))
    plain = ((kind, file) for kind, file in every if file.is_file() and not file.is_symlink())
    known = {file.resolve(): (kind, file) for kind, file in plain}
    for path in paths:
        if path.resolve() not in known:
            raise typer.BadParameter(
                f"{path} is not an entry; give files such as data/papers/2023/diff-pruning.yaml", param_hint="PATH"
            )
    return [known[path.resolve()] for path in paths] or list(known.values())

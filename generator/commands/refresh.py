"""The command `refresh`: rewrite the committed generated files."""

from __future__ import annotations

from pathlib import Path

from generator.assemble.committed import committed_files
from generator.commands.checked import checked
from generator.commands.output import Failed, say
from generator.write import write_file


def refresh(check: bool, root: Path) -> None:
    """Rewrite README.md, the schemas and the figures of README.md; with ``check`` only list what is out of date.

    Raises:
        Failed: an entry has errors, or with ``check`` a file is out of date.
    """
    catalogue = checked(root)
    stale = []
    for name, content in committed_files(catalogue, root).items():
        file = root / name
        if not file.exists() or file.read_bytes() != content:
            stale.append(name)
            if not check:
                write_file(file, content)
    for name in stale:
        say(f"{'out of date:' if check else 'wrote'} {name}")
    if check and stale:
        say("fix: run make refresh", error=True)
        raise Failed

"""The command `unpack`: a packed folder of diffusers with all of its zeros."""

from __future__ import annotations

from pathlib import Path

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use
from reference_impls.models.packed_folder import unpack as run


def unpack(folder: Path, out: Path) -> None:
    """Write an unpacked folder.

    Raises:
        WrongUse: the folder is not packed or damaged, or the new one cannot be written.
    """
    with wrong_use(), terminal.spinner(f"unpacking {folder}"):
        run(folder, out)
    terminal.say_where(out, "weights, configuration, report")

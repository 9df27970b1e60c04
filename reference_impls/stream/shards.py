"""Weight files that are written tensor by tensor, with the layout of others.

A pruned tensor has the shape and the precision of the dense one. So the new file has the header of the old one, and
each tensor its place, and tensors can be written in any order, by several runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import torch

from reference_impls.files.layout import Place, bytes_of, header_of, places_in
from reference_impls.models.weight_files import WeightFiles


def places_of(weights: WeightFiles) -> dict[str, Place]:
    """The place of each tensor, by its name in the files, in the order of the files."""
    return {name: place for file in weights.files for name, place in places_in(file).items()}


def begin(folder: Path, weights: WeightFiles) -> None:
    """Make each file in a folder, with its header, as long as it will be.

    Raises:
        OSError: there is no room for it, or it cannot be written.
    """
    for source in weights.files:
        with (folder / source.name).open("wb") as file:
            file.write(header_of(source))
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, source.stat().st_size)
            else:
                file.truncate(source.stat().st_size)


def write(folder: Path, place: Place, value: torch.Tensor) -> None:
    """Write a tensor to its place in the files of a folder."""
    with (folder / place.file.name).open("r+b") as file:
        file.seek(place.begin)
        file.write(bytes_of(value))


def settle(files: Iterable[Path]) -> None:
    """Wait until what was written survives a failure of the machine."""
    for path in files:
        with path.open("r+b") as file:
            os.fsync(file.fileno())

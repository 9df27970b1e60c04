"""Weight files that are written tensor by tensor, with the layout of others.

A pruned tensor has the shape and the precision of the dense one. So the new file has the header of the old one (of a
packed one, that of the unpacked file), and each tensor its place; they can be written in any order, by several runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from reference_impls.files import packed
from reference_impls.files.layout import Place, bytes_of
from reference_impls.files.packed import Read, plain_header, plain_name, plain_size
from reference_impls.models.weight_files import WeightFiles


def places_of(weights: WeightFiles) -> dict[str, Place]:
    """The place that each tensor gets, by its name in the files, in the order of the files."""
    return {name: place for file in weights.files for name, place in packed.places_of(file).items()}


def reads_of(weights: WeightFiles) -> dict[str, Read]:
    """What reads each tensor, by its name in the files."""
    return {name: read for file in weights.files for name, read in packed.reads_of(file).items()}


def begin(folder: Path, weights: WeightFiles) -> None:
    """Make each file in a folder, with its header, as long as it will be.

    Raises:
        OSError: there is no room for it, or it cannot be written.
    """
    for source in weights.files:
        size = plain_size(source)
        with (folder / plain_name(source)).open("wb") as file:
            file.write(plain_header(source))
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)


def place_in(folder: Path, place: Place) -> Place:
    """The same place in the files of a folder."""
    return replace(place, file=folder / plain_name(place.file))


def write(folder: Path, place: Place, value: torch.Tensor) -> None:
    """Write a tensor to its place in the files of a folder."""
    with place_in(folder, place).file.open("r+b") as file:
        file.seek(place.begin)
        file.write(bytes_of(value))


def settle(files: Iterable[Path]) -> None:
    """Wait until what was written survives a failure of the machine."""
    for path in files:
        with path.open("r+b") as file:
            os.fsync(file.fileno())

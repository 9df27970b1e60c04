"""Weight files that are read tensor by tensor, and files of the same layout that are written so.

A pruned tensor has the shape and the precision of the dense one. So the new file has the header of the old one, and
each tensor its place, and tensors can be written in any order, by several runs. Files are read and not mapped: mapped
pages would count as memory of the process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reference_impls.models.weight_files import DTYPES, WHOLE, WeightFiles

LENGTH = 8
"""Bytes that hold the length of a header, the lowest first."""


@dataclass(frozen=True)
class Place:
    """Where a tensor is stored."""

    file: Path
    dtype: torch.dtype
    shape: torch.Size
    begin: int
    """In bytes, from the begin of the file."""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.shape.numel() * self.dtype.itemsize


def places_of(weights: WeightFiles) -> dict[str, Place]:
    """The place of each tensor, by its name in the files, in the order of the files."""
    found: dict[str, Place] = {}
    known = {**DTYPES, **WHOLE}
    for file in weights.files:
        header = _header(file)
        tensors: dict[str, dict[str, Any]] = json.loads(header[LENGTH:])
        own = {}
        for name, about in tensors.items():
            if name != "__metadata__":
                begin = len(header) + about["data_offsets"][0]
                own[name] = Place(file, known[about["dtype"]], torch.Size(about["shape"]), begin)
        found |= dict(sorted(own.items(), key=lambda item: item[1].begin))
    return found


def read(place: Place) -> torch.Tensor:
    """The tensor there.

    Raises:
        ValueError: the file is shorter than it was.
    """
    value = torch.empty(place.shape, dtype=place.dtype)
    with place.file.open("rb") as file:
        file.seek(place.begin)
        if file.readinto(_bytes_of(value)) != place.size:
            raise ValueError(f"{place.file} has changed since it was opened; start again")
    return value


def begin(folder: Path, weights: WeightFiles) -> None:
    """Make each file in a folder, with its header, as long as it will be.

    Raises:
        OSError: there is no room for it, or it cannot be written.
    """
    for source in weights.files:
        with (folder / source.name).open("wb") as file:
            file.write(_header(source))
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, source.stat().st_size)
            else:
                file.truncate(source.stat().st_size)


def write(folder: Path, place: Place, value: torch.Tensor) -> None:
    """Write a tensor to its place in the files of a folder."""
    with (folder / place.file.name).open("r+b") as file:
        file.seek(place.begin)
        file.write(_bytes_of(value))


def settle(files: Iterable[Path]) -> None:
    """Wait until what was written survives a failure of the machine."""
    for path in files:
        with path.open("r+b") as file:
            os.fsync(file.fileno())


def _header(file: Path) -> bytes:
    with file.open("rb") as opened:
        length = opened.read(LENGTH)
        return length + opened.read(int.from_bytes(length, "little"))


def _bytes_of(value: torch.Tensor) -> memoryview:
    return memoryview(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)

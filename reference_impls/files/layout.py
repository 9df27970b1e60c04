"""Where the tensors of a safetensors file are, so that they can be read and written one by one.

Files are read and not mapped: mapped pages would count as memory of the process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
"""Precisions of weights, as safetensors names them."""
WHOLE: Mapping[str, torch.dtype] = {
    "BOOL": torch.bool,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
}
"""What buffers may hold besides; weights in eight bits or less are quantized ones."""
NAMES: Mapping[torch.dtype, str] = {dtype: name for name, dtype in {**DTYPES, **WHOLE, "U8": torch.uint8}.items()}
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


def header_of(file: Path) -> bytes:
    """Length and header of a file.

    Raises:
        ValueError: the file is shorter.
    """
    with file.open("rb") as opened:
        length = opened.read(LENGTH)
        size = int.from_bytes(length, "little")
        if not 0 < size <= file.stat().st_size - LENGTH:
            raise ValueError(f"{file} is damaged: its header is not whole; get the file again")
        return length + opened.read(size)


def places_in(file: Path, header: bytes | None = None) -> dict[str, Place]:
    """The place of each tensor, in the order of the file.

    Args:
        file: of safetensors.
        header: that of the file, as ``header_of`` gives it, or of one that it is to become.

    Raises:
        ValueError: the header cannot be read.
    """
    header = header_of(file) if header is None else header
    known = {name: dtype for dtype, name in NAMES.items()}
    try:
        tensors: dict[str, dict[str, Any]] = json.loads(header[LENGTH:])
        found = {
            name: Place(file, known[about["dtype"]], torch.Size(about["shape"]), len(header) + about["data_offsets"][0])
            for name, about in tensors.items()
            if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{file} is damaged: its header cannot be read; get the file again") from error
    return dict(sorted(found.items(), key=lambda item: item[1].begin))


def metadata_in(header: bytes) -> dict[str, str]:
    """What a header says besides its tensors."""
    return dict(json.loads(header[LENGTH:]).get("__metadata__", {}))


def read(place: Place) -> torch.Tensor:
    """The tensor there.

    Raises:
        ValueError: the file is shorter than it was.
    """
    value = torch.empty(place.shape, dtype=place.dtype)
    with place.file.open("rb") as file:
        file.seek(place.begin)
        if file.readinto(bytes_of(value)) != place.size:
            raise ValueError(f"{place.file} has changed since it was opened; start again")
    return value


def bytes_of(value: torch.Tensor) -> memoryview:
    """The memory of a tensor, which is one line, also of a single value that was expanded and has a stride of 0."""
    flat = value.detach().contiguous().as_strided((value.numel(),), (1,))
    return memoryview(flat.view(torch.uint8).numpy().data)

"""Weights without their zeros.

Where that is smaller, ``NAME.kept`` is a bitmask of a tensor in memory order, its first number in the highest bit, and
``NAME.values`` are the others in the same order. A zero is a number whose bits are all zero, so that every other bit
comes back. A packed file of safetensors keeps the header of the file that it was made of, and becomes it again byte
by byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from reference_impls.files.layout import LENGTH, NAMES, Place, bytes_of, header_of, metadata_in, places_in, read
from reference_impls.maths.selection import INTEGERS

PREFIX = "packed-"
"""Before the name of a file, which no package then takes for one with all tensors."""
HEADER = "header"
"""Metadata of a packed file: the header of the unpacked one."""
Read = Callable[[], torch.Tensor]
"""Reads one tensor."""


def plain_name(file: Path) -> str:
    """The name of a file before it was packed."""
    return file.name.removeprefix(PREFIX)


def is_packed(file: Path) -> bool:
    """Whether a file has the name of a packed one."""
    return file.name.startswith(PREFIX)


def safetensors_bytes(model: nn.Module, *, zeros: bool) -> bytes:
    """The bytes of a safetensors file that holds the model, floating-point tensors as float16, integers as they are.

    Args:
        model: any module; its parameters and buffers are stored.
        zeros: whether they are stored as any other number.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        stored = (value.half() if value.is_floating_point() else value).contiguous()
        kept = stored != 0
        if zeros or not _is_smaller(stored, int(kept.sum())):
            tensors[name] = stored
        else:
            tensors[f"{name}.kept"] = _as_bits(kept)
            tensors[f"{name}.values"] = stored[kept]
    return save(tensors)


def _is_smaller(value: torch.Tensor, kept: int) -> bool:
    size = value.element_size()
    return size * kept + value.numel() / 8 < size * value.numel()


def _as_bits(kept: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.packbits(kept.flatten().numpy()))


def pack(source: Path, target: Path) -> None:
    """Write a safetensors file without its zeros, a tensor in memory at a time; the target is whole or not there."""
    header = header_of(source)
    places = places_in(source, header)
    text, _ = _packed_header(header, places)
    fresh = target.with_name(f"{target.name}.new")
    fresh.write_bytes(len(text).to_bytes(LENGTH, "little") + text)
    own = places_in(fresh)
    with fresh.open("r+b") as file:
        for name, place in places.items():
            value = read(place)
            if name in own:
                written = {name: value}
            else:
                kept = value.view(INTEGERS[value.element_size()]) != 0
                written = {f"{name}.kept": _as_bits(kept), f"{name}.values": value[kept]}
            for part, tensor in written.items():
                file.seek(own[part].begin)
                file.write(bytes_of(tensor))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)


def _packed_header(header: bytes, places: Mapping[str, Place]) -> tuple[bytes, int]:
    """The header of a file once it is packed, and the bytes of its tensors."""
    parts: dict[str, tuple[torch.dtype, list[int]]] = {}
    for name, place in places.items():
        kept = _kept(read(place))
        if kept is not None:
            parts[f"{name}.kept"] = torch.uint8, [-(-kept.numel() // 8)]
            parts[f"{name}.values"] = place.dtype, [int(kept.count_nonzero())]
        else:
            parts[name] = place.dtype, list(place.shape)
    begin, about = 0, {}
    for name, (dtype, shape) in sorted(parts.items(), key=lambda part: -part[1][0].itemsize):  # aligned, as readers ask
        end = begin + dtype.itemsize * torch.Size(shape).numel()
        about[name] = {"dtype": NAMES[dtype], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps({"__metadata__": {**metadata_in(header), HEADER: header[LENGTH:].decode()}, **about}).encode()
    return text + b" " * (-len(text) % LENGTH), begin


def _kept(value: torch.Tensor) -> torch.Tensor | None:
    """Which numbers of a tensor are kept; None where it is not smaller without its zeros."""
    if not value.is_floating_point():
        return None
    kept = value.view(INTEGERS[value.element_size()]) != 0
    return kept if _is_smaller(value, int(kept.count_nonzero())) else None


def plain_header(file: Path) -> bytes:
    """The header of a file, of a packed one that it had before.

    Raises:
        ValueError: a packed file has none, or it cannot be read.
    """
    header = header_of(file)
    if not is_packed(file):
        return header
    places_in(file, header)
    text = metadata_in(header).get(HEADER)
    if text is None:
        raise ValueError(f"{file} is damaged: the header of the unpacked file is missing; get the file again")
    return len(text.encode()).to_bytes(LENGTH, "little") + text.encode()


def places_of(file: Path) -> dict[str, Place]:
    """Where each tensor is in a file, of a packed one in that which it was made of; raises as ``plain_header``."""
    return places_in(file, plain_header(file))


def reads_of(file: Path) -> dict[str, Read]:
    """What reads each tensor of a file, packed or not, as it is in the unpacked one.

    Raises:
        ValueError: the file is damaged, also when a tensor is read; it and the tensor are named.
    """
    own, size = places_in(file), file.stat().st_size
    for name, place in own.items():
        if place.begin + place.size > size:
            raise ValueError(f"{file} is damaged: it ends before {name}; get the file again")
    return {
        name: partial(read, own[name]) if name in own else partial(_unpacked, file, name, plain, own)
        for name, plain in places_of(file).items()
    }


def _unpacked(file: Path, name: str, plain: Place, own: dict[str, Place]) -> torch.Tensor:
    try:
        bits, values = read(own[f"{name}.kept"]), read(own[f"{name}.values"])
    except KeyError as error:
        raise ValueError(f"{file} is damaged: {name} is missing; get the file again") from error
    numbers = plain.shape.numel()
    kept = torch.from_numpy(np.unpackbits(bits.numpy())).bool()
    if len(bits) != -(-numbers // 8) or int(kept.count_nonzero()) != len(values) or kept[numbers:].any():
        raise ValueError(f"{file} is damaged: the bitmask of {name} does not fit its values; get the file again")
    value = torch.zeros(numbers, dtype=plain.dtype)
    value[kept[:numbers]] = values
    return value.view(plain.shape)


def plain_size(file: Path) -> int:
    """Bytes of a file, of a packed one of that which it was made of."""
    return len(plain_header(file)) + sum(place.size for place in places_of(file).values())


def sizes(file: Path) -> tuple[int, int]:
    """Bytes of a file with its zeros packed, and without, whichever of the two it is."""
    if is_packed(file):
        return file.stat().st_size, plain_size(file)
    header = header_of(file)
    text, tensors = _packed_header(header, places_in(file, header))
    return LENGTH + len(text) + tensors, file.stat().st_size


def unpack(source: Path, target: Path) -> None:
    """Write the file that a packed one was made of.

    Raises:
        ValueError: it is damaged.
    """
    places = places_of(source)
    with target.open("wb") as file:
        file.write(plain_header(source))
        for name, read_one in reads_of(source).items():
            file.seek(places[name].begin)
            file.write(bytes_of(read_one()))

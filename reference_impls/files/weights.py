"""Weights on disk: safetensors only, never a pickle, with every tensor of the model and no other."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from reference_impls.files.packed import is_packed, places_of
from reference_impls.maths.masks import check_finite

PICKLES = (b"\x80", b"PK\x03\x04")
"""How a pickle begins, and the archive around pickles that ``torch.save`` writes."""
POINTER = b"version https://git-lfs"
"""How the text begins that Git LFS puts where a file has not been fetched."""


def load_weights(model: nn.Module, *files: Path) -> None:
    """Fill a model with what the files hold together.

    Raises:
        ValueError: a file is not of safetensors, or holds a tensor that is none of the model's, of another shape, or
            not finite, or one of the model's is in none of them. The file and the tensor are named.
    """
    check_shapes(model, *files)
    wanted = model.state_dict()
    state: dict[str, torch.Tensor] = {}
    for file in files:
        tensors = load_file(file)
        for name, value in tensors.items():
            if name not in wanted:
                raise ValueError(f"{file}: {name} of shape {tuple(value.shape)} is no tensor of a {_kind(model)}")
            check_finite(f"{file}: {name}", value)
        state |= tensors
    if missing := [name for name in wanted if name not in state]:
        shape = tuple(wanted[missing[0]].shape)
        raise ValueError(f"{files[0]}: {missing[0]} of shape {shape} is missing, which a {_kind(model)} has")
    model.load_state_dict(state)


def check_shapes(model: nn.Module, *files: Path) -> None:
    """Refuse tensors that have the name of one of the model's, and another shape. Only the files' heads are read.

    Raises:
        ValueError: there is one, or a file is not of safetensors.
    """
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for file in files:
        for name, shape in shapes_of(file).items():
            if shape != wanted.get(name, shape):
                raise ValueError(f"{file}: {name} has shape {shape}, expected {wanted[name]}")


def shapes_of(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a file.

    Raises:
        ValueError: the file is not of safetensors, or a packed one that is damaged.
    """
    if is_packed(file):
        return {name: tuple(place.shape) for name, place in places_of(file).items()}
    try:
        with safe_open(file, "pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        with file.open("rb") as opened:
            start = opened.read(len(POINTER))
        if start == POINTER:
            raise ValueError(f"{file} is a pointer of Git LFS; fetch the file itself by git lfs pull") from error
        if start.startswith(PICKLES):
            raise ValueError(
                f"{file} is a pickle, which could run anything and is not opened; safetensors is expected, as "
                "safetensors.torch.save_file writes it"
            ) from error
        raise ValueError(f"{file} is not a file of safetensors, which is expected: {error}") from error


def write_weights(file: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a file of safetensors; tensors may share memory.

    Raises:
        OSError: it cannot be written, for example because the disk is full.
    """
    try:
        save_file(apart({name: value.detach().contiguous() for name, value in tensors.items()}), file, metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise (OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))) from error


def apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors that share memory, each with its own, as a file of safetensors needs them."""
    seen: set[int] = set()
    made = {}
    for name, value in tensors.items():
        memory = value.untyped_storage().data_ptr()
        made[name] = value.clone() if memory in seen else value
        seen.add(memory)
    return made


def _kind(model: nn.Module) -> str:
    return type(model).__name__

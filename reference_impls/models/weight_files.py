"""The weight files of a folder of diffusers: found, checked, and written again in the same precision and shards.

``diffusion_pytorch_model.safetensors``, or shards with an index beside them; ``.fp16.`` and the like in a name is a
variant, of which a folder may hold several.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from reference_impls.files import packed
from reference_impls.files.layout import DTYPES, NAMES, WHOLE, metadata_in
from reference_impls.files.packed import PREFIX, is_packed, places_of, plain_header, plain_name
from reference_impls.files.weights import shapes_of, write_weights
from reference_impls.maths.masks import is_finite

CONFIG, STEM = "config.json", "diffusion_pytorch_model"
FILE = re.compile(rf"{STEM}(?:\.(\w+))?(?:-[0-9]+-of-[0-9]+)?(?:\.(\w+))?\.safetensors")
INDEX = re.compile(rf"{STEM}\.safetensors\.index(?:\.(\w+))?\.json")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class WeightFiles:
    """Weight files of a model, and what is in them."""

    files: tuple[Path, ...]
    index: Path | None
    """Where each tensor is, if there are several files."""
    variant: str | None
    names: Mapping[Path, tuple[str, ...]]
    """The tensors of each file."""
    dtypes: Mapping[str, str]
    """Precision of each tensor, as safetensors names it."""
    stamps: tuple[tuple[int, int], ...]
    """Size and time of change of each watched file, when it was found."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """The files, and the configuration beside them, which must stay as they are while the model is pruned."""
        return self.files[0].parent / CONFIG, *self.files

    @property
    def packed(self) -> bool:
        """Whether the zeros are left out of the files."""
        return is_packed(self.files[0])

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def precision(self) -> torch.dtype:
        """The precision of most tensors."""
        floats = [name for name in self.dtypes.values() if name in DTYPES] or ["F32"]
        return DTYPES[max(DTYPES, key=floats.count)]


def find(folder: Path, variant: str | None = None) -> WeightFiles:
    """The weight files of one variant; that without a name where none is asked for, or the only one.

    Raises:
        ValueError: there are none, they are pickles, quantized or of several variants, or a shard or a tensor of a
            shard is missing. The message says what would do.
    """
    groups = _groups(folder)
    if variant is None and None not in groups and len(groups) > 1:
        raise ValueError(f"{folder} holds the variants {', '.join(sorted(map(str, groups)))}; choose one by --variant")
    chosen = variant if variant is not None or None in groups else next(iter(groups))
    if chosen not in groups:
        known = ", ".join(sorted(str(name) for name in groups if name)) or "none"
        raise ValueError(f"{folder} has no weights of variant {variant!r}; its variants: {known}")
    files = groups[chosen]
    alike = [file for file in folder.iterdir() if is_packed(file) == is_packed(files[0])]
    indexes = {match[1]: file for file in alike if (match := INDEX.fullmatch(plain_name(file)))}
    index = indexes.get(chosen)
    if index is None and len(files) > 1:
        raise ValueError(f"{folder} holds {len(files)} files of weights and no {STEM}.safetensors.index.json for them")
    names = {file: tuple(shapes_of(file)) for file in files}
    if index is not None:
        _check_index(index, names)
    dtypes = {name: dtype for file in files for name, dtype in _dtypes(file).items()}
    if odd := {name: dtype for name, dtype in dtypes.items() if dtype not in DTYPES and dtype not in WHOLE}:
        name, dtype = next(iter(odd.items()))
        raise ValueError(f"{folder} holds quantized weights: {name} is {dtype}; prune the model, then quantize it")
    return replace(found := WeightFiles(files, index, chosen, names, dtypes, ()), stamps=_stamps(found))


def _groups(folder: Path) -> dict[str | None, tuple[Path, ...]]:
    """The files of each variant."""
    every = sorted(folder.iterdir())
    for without_zeros in (False, True):
        groups: dict[str | None, tuple[Path, ...]] = {}
        for file in every:
            if is_packed(file) == without_zeros and (match := FILE.fullmatch(plain_name(file))):
                if not file.is_file():
                    raise ValueError(f"{file} is a link to nothing; download it again")
                variant = match[1] or match[2]
                groups[variant] = (*groups.get(variant, ()), file)
        if groups:
            return groups
    if others := [file for file in every if file.suffix == ".safetensors"]:
        raise ValueError(f"{folder} holds {others[0].name}; name the file {STEM}.safetensors, as diffusers does")
    if pickles := [file for file in every if file.suffix in PICKLES]:
        raise ValueError(
            f"{folder} holds no safetensors; {pickles[0].name} is a pickle, which could run anything and is not "
            "opened: in a process that you trust, load it with diffusers and write it again by save_pretrained"
        )
    raise ValueError(f"{folder} holds no safetensors: {STEM}.safetensors is missing")


def _check_index(index: Path, names: Mapping[Path, tuple[str, ...]]) -> None:
    try:
        places: dict[str, str] = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{index} is not the index of a model's shards") from error
    there = {plain_name(file): set(own) for file, own in names.items()}
    for name, shard in places.items():
        if shard not in there:
            raise ValueError(f"{index.parent / shard} is missing, which {index.name} names; download it again")
        if name not in there[shard]:
            raise ValueError(
                f"{index.parent / shard}: {name} is missing, which {index.name} places there; download it again"
            )


def _dtypes(file: Path) -> dict[str, str]:
    if is_packed(file):
        return {name: NAMES[place.dtype] for name, place in places_of(file).items()}
    with safe_open(file, "pt") as opened:
        return {name: opened.get_slice(name).get_dtype() for name in opened.keys()}  # noqa: SIM118


def refuse_changed(weights: WeightFiles) -> None:
    """Refuse files that are not those that were opened.

    Raises:
        ValueError: a size or a time of change differs.
    """
    if _stamps(weights) != weights.stamps:
        raise ValueError(f"{weights.files[0].parent} has changed since it was opened; start again")


def _stamps(weights: WeightFiles) -> tuple[tuple[int, int], ...]:
    return tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in weights.watched)


def write(folder: Path, model: nn.Module, like: WeightFiles, renamed: Mapping[str, str]) -> None:
    """Write a model's weights into a folder, in the files, names and precisions of those that it came from.

    A tensor that ``like`` does not know, since diffusers has renamed it on loading, is put into the first file.

    Args:
        folder: where the files are made.
        model: in any precision.
        like: the files that it was loaded from.
        renamed: names of the model's tensors -> other names that they get in the files.

    Raises:
        OSError: a file cannot be written.
        ValueError: those have changed meanwhile, or a value does not fit the precision.
    """
    refuse_changed(like)
    state = model.state_dict()
    places = {name: file for file in like.files for name in like.names[file] if name in state}
    stored = {state[name].data_ptr() for name in places}  # of tensors that share memory, one name may be enough
    for name, value in state.items():
        if name not in places and (not value.numel() or value.data_ptr() not in stored):
            places[name] = like.files[0]
    size = 0
    for file in like.files:
        own = [name for name, place in places.items() if place == file]
        tensors = {name: in_precision(name, state[name], _dtype_of(name, like)) for name in own}
        size += sum(value.numel() * value.element_size() for value in tensors.values())
        metadata = metadata_in(plain_header(file)) or {"format": "pt"}
        named = {renamed.get(name, name): value for name, value in tensors.items()}
        write_weights(folder / plain_name(file), named, metadata)
    if like.index is not None:
        index: dict[str, Any] = json.loads(like.index.read_text(encoding="utf-8"))
        index["metadata"] = {**index.get("metadata", {}), "total_size": size}
        shards = {renamed.get(name, name): plain_name(file) for name, file in places.items()}
        index["weight_map"] = dict(sorted(shards.items()))
        (folder / plain_name(like.index)).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def pack(folder: Path) -> None:
    """Replace the weight files of a folder by packed ones; goes on where it was stopped.

    Raises:
        ValueError: they would not be smaller together.
    """
    for file in sorted(folder.iterdir()):
        target = folder / f"{PREFIX}{file.name}"
        if FILE.fullmatch(file.name):
            if not target.exists():
                packed.pack(file, target)
            file.unlink()
        elif INDEX.fullmatch(file.name):
            file.replace(target)
    size, dense = sizes(folder)
    if size >= dense:
        raise ValueError(
            f"--pack would make no file smaller: too few of the weights are zero ({dense:,} bytes stay {size:,}); "
            "leave it out"
        )


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of all packed files of a folder, and of those that they were made of; zeros where there is none."""
    own = [packed.sizes(file) for file in folder.iterdir() if is_packed(file) and file.suffix == ".safetensors"]
    return sum(size for size, _ in own), sum(size for _, size in own)


def _dtype_of(name: str, like: WeightFiles) -> torch.dtype | None:
    return DTYPES.get(like.dtypes[name]) if name in like.dtypes else like.precision


def in_precision(name: str, value: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    """A floating-point value in the precision of a file; anything else as it is.

    Raises:
        ValueError: it does not fit; it is named.
    """
    if dtype is None or not value.is_floating_point():
        return value.contiguous()
    made = value.to(dtype).contiguous()
    if not is_finite(made):
        largest = float(value.abs().max())
        raise ValueError(
            f"{name}: {largest:g} does not fit {dtype}, the precision of the folder; write the model in bfloat16 or "
            "float32 first"
        )
    return made

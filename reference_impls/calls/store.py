"""Recorded forward passes on disk: their structure as JSON, their tensors as safetensors, with checksums.

Another process, with another model or method, reads the same values in the same dtypes. A tensor that several forward
passes share is written once, and shared again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from reference_impls.calls.call import Calibration, Call
from reference_impls.files.layout import bytes_of
from reference_impls.files.outputs import new_folder
from reference_impls.files.weights import write_weights

CALLS, TENSORS = "calls.json", "calls.safetensors"
FORMAT = 1
TREES = ("positional", "arguments", "target", "noise_scale")
PLAIN = ("step", "steps", "batch")


def write(folder: Path, calibration: Calibration) -> None:
    """Write all forward passes into a new folder, or nothing.

    Raises:
        FileExistsError: the folder is there.
        ValueError: it cannot be written, or an argument is of a type that cannot be stored; it is named.
    """
    tensors: dict[int, tuple[str, torch.Tensor]] = {}
    calls = []
    for number, call in enumerate(calibration):
        try:
            trees = {name: encoded(getattr(call, name), name, tensors) for name in TREES}
        except TypeError as error:
            raise ValueError(f"forward pass {number} cannot be stored: {error}") from None
        plain = {name: getattr(call, name) for name in PLAIN}
        calls.append({**trees, **plain, "unbatched": sorted(call.unbatched)})
    with new_folder(folder) as fresh:
        write_weights(fresh / TENSORS, dict(tensors.values()))
        content = {"format": FORMAT, "about": dict(calibration.about), "calls": calls}
        sums = {TENSORS: _sum_of_file(fresh / TENSORS), CALLS: _sum_of(content)}
        (fresh / CALLS).write_text(json.dumps({**content, "sha256": sums}) + "\n", encoding="utf-8")


def read(folder: Path) -> Calibration:
    """What ``write`` wrote.

    Raises:
        ValueError: a file is missing, is something else, or was changed since it was written.
    """
    for name in (CALLS, TENSORS):
        if not (folder / name).is_file():
            raise ValueError(f"no {name} in {folder}; give a folder of recorded forward passes")
    file = folder / CALLS
    try:
        content = dict(json.loads(file.read_text(encoding="utf-8")))
        sums = dict(content.pop("sha256"))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} does not hold recorded forward passes") from error
    if content.get("format") != FORMAT:
        raise ValueError(f"{file} has format {content.get('format')!r}; this version reads {FORMAT}: record again")
    for name, found in ((TENSORS, _sum_of_file(folder / TENSORS)), (CALLS, _sum_of(content))):
        if sums.get(name) != found:
            raise ValueError(f"{folder / name} has changed since it was written (its checksum differs); record again")
    tensors = load_file(folder / TENSORS)
    calls = []
    for one in content["calls"]:
        trees = {name: decoded(one[name], tensors) for name in TREES}
        plain = {name: one[name] for name in PLAIN}
        calls.append(Call(**trees, **plain, unbatched=frozenset(one["unbatched"])))
    return Calibration(tuple(calls), content["about"])


def fingerprint(calibration: Calibration) -> str:
    """SHA-256 of all values of the forward passes, which two calibrations share only if they are the same.

    Raises:
        ValueError: an argument is of a type that cannot be stored.
    """
    digest = hashlib.sha256()
    for number, call in enumerate(calibration):
        tensors: dict[int, tuple[str, torch.Tensor]] = {}
        try:
            trees = [encoded(getattr(call, name), name, tensors) for name in TREES]
        except TypeError as error:
            raise ValueError(f"forward pass {number} cannot be stored: {error}") from None
        digest.update(json.dumps([trees, [getattr(call, name) for name in PLAIN]]).encode())
        for _, value in tensors.values():
            digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
            digest.update(bytes_of(value))
    return digest.hexdigest()


def encoded(value: Any, where: str, tensors: dict[int, tuple[str, torch.Tensor]]) -> Any:
    """A value as JSON: None, booleans, whole numbers and text as they are, anything else as {kind: content}.

    Raises:
        TypeError: it is of another type.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, torch.Tensor):
        name, _ = tensors.setdefault(id(value), (f"t{len(tensors)}", value))
        return {"tensor": name}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, (list, tuple)):
        parts = [encoded(part, f"{where}[{number}]", tensors) for number, part in enumerate(value)]
        return {type(value).__name__: parts} if type(value) in (list, tuple) else {"tuple": parts}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: encoded(part, f"{where}[{key!r}]", tensors) for key, part in value.items()}}
    raise TypeError(f"{where} is a {type(value).__name__}; tensors, numbers, text, None and lists of them can be")


def decoded(tree: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """What ``encoded`` was given."""
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dtype":
        return getattr(torch, content)
    if kind == "float":
        return float(content)
    if kind == "dict":
        return {key: decoded(part, tensors) for key, part in content.items()}
    parts = [decoded(part, tensors) for part in content]
    return parts if kind == "list" else tuple(parts)


def _sum_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sum_of_file(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

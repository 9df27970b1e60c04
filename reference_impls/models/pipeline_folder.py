"""Whole pipelines of diffusers on disk: opened to record their calls, and written again with another denoiser."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reference_impls.calls.record import DENOISERS
from reference_impls.files.outputs import new_folder
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_folder import PIPELINE, Opened, Steps
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.folder_kinds import SINGLE_FILES

NOT_OURS = (".git", ".cache")
"""Folders that are of a download and not of the pipeline."""
LINKED = 1_000_000
"""Files of so many bytes or more are linked where the system can, and not copied."""


@dataclass(frozen=True)
class Pipeline:
    """A pipeline, and its denoiser as a folder of its own."""

    pipeline: Any
    denoiser: Opened
    """The module that the pipeline holds."""


def denoiser_folder(folder: Path) -> Path:
    """The folder of the pipeline's denoiser.

    Raises:
        ValueError: it has none, or its ``model_index.json`` cannot be read.
    """
    try:
        named = json.loads((folder / PIPELINE).read_text(encoding="utf-8"))["_class_name"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / PIPELINE} is not the index of a pipeline") from error
    for name in DENOISERS:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(
        f"{folder} holds a {named} without a folder {' or '.join(DENOISERS)}; give the folder of one of its models"
    )


def load(folder: Path, variant: str | None = None) -> Pipeline:
    """A pipeline in float32; a denoiser that lost units is opened, too.

    Raises:
        ValueError: it cannot be opened, or ``diffusers_folder.load`` refuses its denoiser.
    """
    diffusers = diffusers_package()
    place = denoiser_folder(folder)
    opened = diffusers_folder.load(place, variant)
    try:
        with diffusers_folder.quiet():
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                folder,
                **{place.name: opened.model},
                variant=opened.weights.variant,
                torch_dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
            )
    except Exception as error:  # each part fails in its own way
        what = str(error).strip().partition("\n")[0]
        raise ValueError(f"{folder} cannot be opened as a pipeline: {what}") from error
    return Pipeline(pipeline, opened)


def save(folder: Path, source: Path, opened: Opened, steps: Steps) -> None:
    """Write a pipeline with another denoiser into a new folder, or nothing.

    All other files are linked or copied; weights beside the folders of the parts, which ``from_pretrained`` does not
    read, are left out.

    Args:
        folder: must not exist yet.
        source: the pipeline's folder.
        opened: the pruned denoiser.
        steps: what was done to it.

    Raises:
        FileExistsError: the folder is there.
        ValueError: it is inside ``source``, or as ``diffusers_folder.save``.
    """
    check_place(folder, source)
    name = denoiser_folder(source).name
    with new_folder(folder) as fresh:
        put_other_parts(fresh, source, name)
        (fresh / name).mkdir()
        diffusers_folder.write(fresh / name, opened, steps)


def put_other_parts(folder: Path, source: Path, denoiser: str) -> None:
    """Link or copy all files of a pipeline but those of its denoiser."""
    for file in sorted(source.rglob("*")):
        place = file.relative_to(source)
        if place.parts[0] == denoiser or place.parts[0] in NOT_OURS:
            continue
        if file.is_dir():
            (folder / place).mkdir()
        elif len(place.parts) > 1 or file.suffix not in SINGLE_FILES:
            _put(file, folder / place)


def check_place(folder: Path, source: Path) -> None:
    """Refuse a folder inside the pipeline.

    Raises:
        ValueError: it is.
    """
    if folder.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{folder} is inside the pipeline that is read; choose another --out")


def _put(file: Path, place: Path) -> None:
    """Link a large file, copy a small one."""
    if file.stat().st_size >= LINKED:
        try:
            os.link(file.resolve(), place)
        except OSError:  # another file system, or one without links
            pass
        else:
            return
    shutil.copyfile(file, place)

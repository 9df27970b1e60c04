"""Whole pipelines of diffusers on disk: opened to record their calls, and written again with another denoiser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch

from reference_impls.calls.record import DENOISERS
from reference_impls.files.outputs import check_outside, new_folder
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_folder import PIPELINE, Opened, Steps
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.folder_kinds import SINGLE_FILES

SCHEDULER = "scheduler"
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
    named = _class_of(folder)
    for name in DENOISERS:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(
        f"{folder} holds a {named} without a folder {' or '.join(DENOISERS)}; give the folder of one of its models"
    )


def starts_from_images(folder: Path) -> bool:
    """Whether the pipeline's class takes an image or a video, and not prompts alone."""
    kind = getattr(diffusers_package(), _class_of(folder), None)
    return kind is not None and not {"image", "video"}.isdisjoint(signature(kind.__call__).parameters)


def _class_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / PIPELINE).read_text(encoding="utf-8"))["_class_name"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / PIPELINE} is not the index of a pipeline") from error


def scheduler_of(folder: Path) -> Any:
    """The scheduler of a pipeline's folder, without the models; None where there is no such part.

    Raises:
        ValueError: it cannot be opened.
    """
    if not (folder / SCHEDULER).is_dir():
        return None
    try:
        name = json.loads((folder / PIPELINE).read_text(encoding="utf-8"))[SCHEDULER][1]
        return getattr(diffusers_package(), name).from_pretrained(folder / SCHEDULER, local_files_only=True)
    except Exception as error:  # each class fails in its own way
        what = str(error).strip().partition("\n")[0]
        raise ValueError(f"{folder / SCHEDULER} cannot be opened: {what}") from error


def load(folder: Path, variant: str | None = None) -> Pipeline:
    """A pipeline in float32; a denoiser that lost units is opened, too.

    Raises:
        ValueError: it cannot be opened, or ``diffusers_folder.load`` refuses its denoiser.
    """
    diffusers = diffusers_package()
    place = denoiser_folder(folder)
    opened = diffusers_folder.load(place, variant)
    parts = json.loads((folder / PIPELINE).read_text(encoding="utf-8"))
    absent = {name: None for name, part in parts.items() if part == [None, None]}  # as the third encoder of SD 3 may be
    try:
        with diffusers_folder.quiet():
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                folder,
                **{**absent, place.name: opened.model},
                variant=opened.weights.variant,
                torch_dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
            )
    except Exception as error:  # each part fails in its own way
        what = str(error).strip().partition("\n")[0]
        raise ValueError(f"{folder} cannot be opened as a pipeline: {what}") from error
    return Pipeline(pipeline, opened)


def save(folder: Path, source: Path, opened: Opened, steps: Steps, *, pack: bool = False) -> None:
    """Write a pipeline with another denoiser into a new folder, or nothing.

    All other files are linked or copied; weights beside the folders of the parts, which ``from_pretrained`` does not
    read, are left out.

    Args:
        folder: must not exist yet.
        source: the pipeline's folder.
        opened: the pruned denoiser.
        steps: what was done to it.
        pack: whether zeros are left out of the denoiser's files.

    Raises:
        FileExistsError: the folder is there.
        ValueError: as ``check`` or ``diffusers_folder.save``.
    """
    check(folder, source)
    name = denoiser_folder(source).name
    with new_folder(folder) as fresh:
        put_other_parts(fresh, source, name)
        (fresh / name).mkdir()
        diffusers_folder.write(fresh / name, opened, steps, pack=pack)


def put_other_parts(folder: Path, source: Path, denoiser: str) -> None:
    """Link or copy all files of a pipeline but those of its denoiser."""
    for file in _other_files(source, denoiser):
        place = folder / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        _put(file, place)


def check(folder: Path, source: Path) -> None:
    """Refuse what a result cannot be made in or of, before the work.

    Raises:
        ValueError: the folder is inside the pipeline, or a file of the pipeline is a link to nothing.
    """
    check_outside(folder, source)
    _other_files(source, denoiser_folder(source).name)


def _other_files(source: Path, denoiser: str) -> list[Path]:
    """All files of a pipeline but those of its denoiser, also where folders are links, as in a cache of the hub."""
    found: list[Path] = []
    for part in sorted(source.iterdir()):
        if part.is_dir():
            if part.name != denoiser and part.name not in NOT_OURS:
                found += _files(part, (source.resolve(),))
        elif part.suffix not in SINGLE_FILES:
            found += _files(part, ())
    return found


def _files(path: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """The file, or those below the folder; links are followed."""
    if path.is_dir():
        if (folder := path.resolve()) in above:
            raise ValueError(f"{path} is a link to a folder above it; remove it")
        for part in sorted(path.iterdir()):
            yield from _files(part, (*above, folder))
    elif path.is_file():
        yield path
    else:
        raise ValueError(f"{path} is a link to nothing; download the pipeline again")


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

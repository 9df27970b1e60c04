"""Folders of diffusers whose weights are stored without their zeros.

No other package takes a packed file for one with all tensors: ``from_pretrained`` says that it finds no weights. The
unpacked folder has the same files as before, byte by byte.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from reference_impls.files import packed
from reference_impls.files.outputs import new_folder
from reference_impls.files.packed import is_packed, plain_name
from reference_impls.models import diffusers_folder, pipeline_folder
from reference_impls.models.diffusers_folder import PIPELINE, REPORT
from reference_impls.models.weight_files import find


def unpack(folder: Path, out: Path) -> None:
    """Write a packed folder, of a model or of a pipeline, into a new one with all zeros, or nothing.

    Raises:
        FileExistsError: ``out`` is there.
        ValueError: the folder is not packed or damaged, or ``out`` cannot be written.
    """
    whole = (folder / PIPELINE).is_file()
    place = pipeline_folder.denoiser_folder(folder) if whole else folder
    weights = find(place)
    if not weights.packed:
        raise ValueError(f"{place} is not packed; it can be used as it is")
    if whole:
        pipeline_folder.check(out, folder)
    with new_folder(out) as fresh:
        target = fresh / place.name if whole else fresh
        if whole:
            pipeline_folder.put_other_parts(fresh, folder, place.name)
            target.mkdir()
        for file in sorted(place.iterdir()):
            if is_packed(file) and file.suffix == ".safetensors":
                packed.unpack(file, target / plain_name(file))
            elif file.is_file() and file.name != REPORT:
                shutil.copyfile(file, target / plain_name(file))
        diffusers_folder.report_unpacked(place, target)

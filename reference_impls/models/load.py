"""Open any folder that holds a model or a pipeline: dense, or as ``prune`` wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reference_impls.models import diffusers_folder, pipeline_folder, testbed_folder
from reference_impls.models.folder_kinds import kind_of


def load(folder: Path | str, variant: str | None = None) -> Any:
    """A pipeline or a model in float32, also where structure was removed, which ``from_pretrained`` cannot open.

    Args:
        folder: of a pipeline or a model of diffusers, or of a pruned model of the testbed.
        variant: of the weights, as in ``diffusion_pytorch_model.fp16.safetensors``.

    Raises:
        ValueError: the folder holds something else, or it cannot be opened; the message says what would do.
    """
    kind = kind_of(str(folder))
    if kind == "pipeline":
        return pipeline_folder.load(Path(folder), variant).pipeline
    if kind == "denoiser":
        return diffusers_folder.load(Path(folder), variant).model
    return testbed_folder.load(Path(folder)).model

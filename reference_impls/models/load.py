"""Open any folder that holds a model or a pipeline: dense, or as ``prune`` wrote it, also with sparse layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from reference_impls.calls.call import Call
from reference_impls.calls.one_pass import pass_of_noise, pass_of_pipeline
from reference_impls.kernels.modules import sparsify
from reference_impls.models import diffusers_folder, pipeline_folder, testbed_folder
from reference_impls.models.folder_kinds import kind_of
from reference_impls.testbed.calibration import from_trajectory


def load(folder: Path | str, variant: str | None = None, *, sparse: bool = False) -> Any:
    """A pipeline or a model in float32, also where structure was removed, which ``from_pretrained`` cannot open.

    Args:
        folder: of a pipeline or a model of diffusers, or of a pruned model of the testbed.
        variant: of the weights, as in ``diffusion_pytorch_model.fp16.safetensors``.
        sparse: whether the pruned layers of the model, or of the pipeline's denoiser, are replaced by sparse kernels
            where these are faster on this machine. Each is timed on its input in one forward pass: the pipeline's own
            for one prompt, or noise for a model alone. Outputs differ by rounding, and no parameter of the model takes
            a gradient any more.

    Raises:
        ValueError: the folder holds something else, or it cannot be opened, or with ``sparse`` no layer has zeros or
            there is no forward pass to time; the message says what would do.
    """
    kind, path = kind_of(str(folder)), Path(folder)
    if kind == "pipeline":
        opened = pipeline_folder.load(path, variant)
        if sparse:
            with diffusers_folder.quiet():
                call = pass_of_pipeline(opened.pipeline)
            _make_sparse(opened.denoiser.model, call, path)
        return opened.pipeline
    if kind == "denoiser":
        model = diffusers_folder.load(path, variant).model
        if sparse:
            _make_sparse(model, pass_of_noise(model), path)
        return model
    pruned = testbed_folder.load(path).model
    if sparse:
        _make_sparse(pruned, from_trajectory(pruned, n=10, steps=1).calls[0], path)
    return pruned


def _make_sparse(model: nn.Module, call: Call, folder: Path) -> None:
    """Replace the layers of a model where a kernel is faster."""
    if not sparsify(model, call.run):
        raise ValueError(
            f"{folder} has no layer with zeros to skip; prune it by an unstructured method, or load it dense"
        )
    model.requires_grad_(requires_grad=False)

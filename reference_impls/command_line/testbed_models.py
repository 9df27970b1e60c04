"""What several commands do with a model of the testbed: open it, measure it and sample from it, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from reference_impls.command_line import terminal
from reference_impls.maths.hooks import hooked
from reference_impls.models import testbed_folder
from reference_impls.models.folder_kinds import kind_of
from reference_impls.models.testbed_folder import Saved
from reference_impls.near_names import nearest, unknown
from reference_impls.pruning.contract import Changes
from reference_impls.testbed import metrics
from reference_impls.testbed.data import load
from reference_impls.testbed.metrics import Quality
from reference_impls.testbed.models import BUILDERS, DATA_OF, Denoiser, pretrained

STEPS, IMAGES = 10, 100
"""DDIM steps of every measurement of a command, and images of the grid that is saved."""
SAMPLES, FEWEST = 400, 10
"""Samples for the metrics where no number is given, and the fewest that they can use."""


def open_model(model: str) -> Saved:
    """A model of the testbed as shipped, or from a folder written by `prune --out`.

    Raises:
        ValueError: there is none, or the folder holds something else.
        OSError: the folder cannot be read.
    """
    if model in BUILDERS:
        return Saved(model, pretrained(model), Changes())
    if kind_of(model) == "pipeline":
        raise ValueError(f"{model} is a whole pipeline of diffusers, which only `prune` takes")
    if Path(model).is_dir():
        return testbed_folder.load(Path(model))
    if nearest(model, BUILDERS):
        raise ValueError(unknown("model", model, BUILDERS))
    raise ValueError(
        f"there is no folder {model}; give one of a diffusers pipeline or of its unet or transformer, one written by "
        f"`prune --out`, or {' or '.join(BUILDERS)}"
    )


def measure(model: nn.Module, name: str, n: int, what: str, dense: torch.Tensor | None = None) -> Quality:
    """All metrics of a model of the testbed.

    Args:
        model: dense or pruned.
        name: dit or unet.
        n: how many samples are generated.
        what: shown beside the bar.
        dense: (n, 1, side, side) samples of the dense model, for the MSE to them.
    """
    data = DATA_OF[name]
    images = STEPS * n + metrics.GRID * len(load(data)[1])
    with counted_images(model, what, images):
        return metrics.measure(model, data, n=n, steps=STEPS, dense=dense)


def sample(model: Denoiser, n: int, what: str) -> torch.Tensor:
    """(n, 1, side, side) samples of a model of the testbed; ``what`` is shown beside the bar."""
    with counted_images(model, what, STEPS * n):
        return metrics.samples(model, model.side, n, steps=STEPS)


@contextmanager
def counted_images(model: nn.Module, what: str, images: int) -> Iterator[None]:
    """A bar that moves as a model processes images."""
    with terminal.bar(what, images) as show:
        done = 0

        def count(_module: nn.Module, _inputs: object, output: Sequence[object]) -> None:
            nonlocal done
            done += len(output)
            show(done)

        with hooked([(model, count)]):
            yield

"""What several commands do with a model of the testbed: open, measure and draw with it, under a bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from reference_impls.command_line import terminal
from reference_impls.maths.hooks import hooked
from reference_impls.models import diffusers_folder, testbed_folder
from reference_impls.models.testbed_folder import Saved
from reference_impls.pruning.contract import Changes
from reference_impls.testbed import metrics
from reference_impls.testbed.data import load
from reference_impls.testbed.metrics import Quality
from reference_impls.testbed.models import BUILDERS, DATA_OF, Denoiser, pretrained

STEPS, PICTURES = 10, 100
"""Of DDIM in every measurement of a command, and of the grid that is saved."""


def open_model(model: str) -> Saved:
    """A model of the testbed as it is shipped, or what a folder holds that `prune --out` wrote.

    Raises:
        ValueError: there is none, or the folder holds something else.
        OSError: the folder cannot be read.
    """
    if model in BUILDERS:
        return Saved(model, pretrained(model), Changes())
    if (Path(model) / "model_index.json").is_file():
        raise ValueError(f"{model} is a whole pipeline of diffusers; give the folder unet or transformer inside it")
    if Path(model).is_dir():
        return testbed_folder.load(Path(model))
    raise ValueError(f"model {model!r} is not one of {', '.join(BUILDERS)}, nor a folder")


def open_folder(folder: Path) -> Saved:
    """A model of the testbed that `prune --out` or `recover --out` wrote.

    Raises:
        ValueError: the folder holds a model of diffusers, or something else.
        OSError: the folder cannot be read.
    """
    diffusers_folder.refuse_folder(folder)
    return testbed_folder.load(folder)


def measure(model: nn.Module, name: str, n: int, what: str, dense: torch.Tensor | None = None) -> Quality:
    """All metrics of a model of the testbed.

    Args:
        model: dense or pruned.
        name: dit or unet.
        n: how many samples are drawn.
        what: shown beside the bar.
        dense: (n, 1, side, side) samples of the dense model, from which the drift is measured.
    """
    data = DATA_OF[name]
    pictures = STEPS * n + metrics.GRID * len(load(data)[1])
    with counted_calls(model, what, pictures):
        return metrics.measure(model, data, n=n, steps=STEPS, dense=dense)


def draw(model: Denoiser, n: int, what: str) -> torch.Tensor:
    """(n, 1, side, side) samples of a model of the testbed; ``what`` is shown beside the bar."""
    with counted_calls(model, what, STEPS * n):
        return metrics.samples(model, model.side, n, steps=STEPS)


@contextmanager
def counted_calls(model: nn.Module, what: str, pictures: int) -> Iterator[None]:
    """A bar that moves as pictures go through a model."""
    with terminal.bar(what, pictures) as tell:
        done = 0

        def count(_module: nn.Module, _inputs: object, output: Sequence[object]) -> None:
            nonlocal done
            done += len(output)
            tell(done)

        with hooked([(model, count)]):
            yield

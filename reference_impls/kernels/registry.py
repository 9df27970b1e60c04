"""The kernels, as plain data: nothing here imports NumPy, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Format = Literal["csr", "shared"]
FORMAT_NAMES: Mapping[str, str] = {"csr": "unstructured (CSR)", "shared": "4×1 blocks"}
"""Names of the formats of sparse weights."""


@dataclass(frozen=True)
class Kernel:
    """One kernel."""

    layer: Literal["linear", "conv"]
    format: Format
    """csr: every row has its own pattern; shared: blocks of four rows have one."""
    summary: str
    """One sentence."""
    serves: tuple[str, ...]
    """Patterns that it computes, as ``bench`` names them."""
    sources: tuple[str, ...]
    """Files of this folder, in reading order."""


KERNELS: Mapping[str, Kernel] = {
    "csr_spmm": Kernel(
        "linear",
        "csr",
        "Linear layers and 1×1 convolutions with unstructured sparsity, stored as compressed sparse rows (CSR).",
        ("unstructured", "2:4"),
        ("csr_spmm.py", "csr_spmm.cpp", "spmm.h", "tile.h", "weight_order.py"),
    ),
    "rowblock_spmm": Kernel(
        "linear",
        "shared",
        "Linear layers and 1×1 convolutions with 4×1 blocks: four neighbouring outputs have the same sparsity pattern.",
        ("4x1", "2:4x4", "4x4", "16x16"),
        ("rowblock_spmm.py", "rowblock_spmm.cpp", "spmm.h", "tile.h", "weight_order.py"),
    ),
    "conv3x3": Kernel(
        "conv",
        "csr",
        "3×3 convolutions with unstructured sparsity (CSR), without unfolding the image into a matrix.",
        ("unstructured", "2:4"),
        ("conv3x3.py", "conv3x3.cpp", "conv.h", "tile.h", "convolution.py"),
    ),
    "rowblock_conv3x3": Kernel(
        "conv",
        "shared",
        "3×3 convolutions with 4×1 blocks: four neighbouring output channels have the same sparsity pattern.",
        ("4x1", "2:4x4", "4x4", "16x16"),
        ("rowblock_conv3x3.py", "rowblock_conv3x3.cpp", "conv.h", "tile.h", "convolution.py"),
    ),
}

"""The kernels, as plain data: nothing here imports NumPy, so that the site's generator can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kernel:
    """One kernel."""

    layer: Literal["linear", "conv"]
    format: Literal["csr", "shared"]
    """csr: every row has its own pattern; shared: four rows have one."""
    summary: str
    """One sentence."""
    serves: tuple[str, ...]
    """Patterns, as ``bench`` names them."""
    sources: tuple[str, ...]
    """Files of this folder, in the order in which to read them."""


KERNELS: Mapping[str, Kernel] = {
    "csr_spmm": Kernel(
        "linear",
        "csr",
        "Linear layers and 1x1 convolutions in which every output has its own zeros.",
        ("unstructured", "2:4"),
        ("csr_spmm.py", "csr_spmm.cpp", "spmm.h", "tile.h", "weight_order.py"),
    ),
    "rowblock_spmm": Kernel(
        "linear",
        "shared",
        "Linear layers and 1x1 convolutions in which four outputs share their zeros.",
        ("4x1", "2:4x4", "4x4", "16x16"),
        ("rowblock_spmm.py", "rowblock_spmm.cpp", "spmm.h", "tile.h", "weight_order.py"),
    ),
    "conv3x3": Kernel(
        "conv",
        "csr",
        "3x3 convolutions in which every output channel has its own zeros, without unfolding the picture.",
        ("unstructured", "2:4"),
        ("conv3x3.py", "conv3x3.cpp", "conv.h", "tile.h", "convolution.py"),
    ),
    "rowblock_conv3x3": Kernel(
        "conv",
        "shared",
        "3x3 convolutions in which four output channels share their zeros.",
        ("4x1", "2:4x4", "4x4", "16x16"),
        ("rowblock_conv3x3.py", "rowblock_conv3x3.cpp", "conv.h", "tile.h", "convolution.py"),
    ),
}

"""Sampling time of a pruned model of the testbed with sparse layers, and whether the images are the same."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from reference_impls.bench.forward_pass import counted
from reference_impls.bench.timing import interleaved
from reference_impls.kernels.modules import sparsify
from reference_impls.testbed import metrics
from reference_impls.testbed.models import Denoiser

REPEATS = 3


@dataclass(frozen=True)
class Sampling:
    """The same images from the same noise, with dense and with sparse layers."""

    seconds: float
    sparse_seconds: float
    largest_difference: float
    """Between pixels, which run from -1 to 1."""
    layers: Mapping[str, int]
    """How many layers with zeros use dense, csr or shared kernels."""

    @property
    def speed_up(self) -> float:
        """Dense time over sparse time."""
        return self.seconds / self.sparse_seconds


@torch.no_grad()
def sample_both(model: Denoiser, n: int) -> Sampling:
    """Generate n images in ten steps, with as many threads as torch has.

    Args:
        model: a pruned model of the testbed.
        n: images.
    """
    side, sparse = model.side, copy.deepcopy(model)
    batch = min(n, metrics.BATCH)
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(batch, 1, side, side, generator=generator), torch.rand(batch, generator=generator)
    choices = sparsify(sparse, lambda m: m(*given, metrics.balanced_classes(batch)))
    difference = metrics.samples(sparse, side, n) - metrics.samples(model, side, n)
    seconds = interleaved(
        {"dense": lambda: metrics.samples(model, side, n), "sparse": lambda: metrics.samples(sparse, side, n)},
        least=REPEATS,
    )
    return Sampling(
        seconds["dense"],
        seconds["sparse"],
        float(difference.abs().max()),
        counted(choices),
    )

"""One forward pass of a pruned model, with dense and with sparse layers: the same output, timed alternately."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from reference_impls.bench.timing import interleaved
from reference_impls.kernels.modules import Choice, sparsify

TOLERANCE = 1e-4
"""Largest difference of outputs, relative to the largest output."""
RUNS, FEWEST_RUNS, SECONDS = 20, 5, 120.0
"""Runs of which the minimum is taken; fewer, but not below the second number, if they would take longer than this."""


@dataclass(frozen=True)
class ForwardPass:
    """What was measured."""

    dense_seconds: float
    sparse_seconds: float
    runs: int
    """Of each, of which the minimum is taken."""
    largest_difference: float
    """Of the outputs, relative to the largest."""
    choices: Mapping[str, Choice]
    """The kernel of each layer with zeros."""

    @property
    def speed_up(self) -> float:
        """Dense over sparse."""
        return self.dense_seconds / self.sparse_seconds

    @property
    def layers(self) -> Mapping[str, int]:
        """How many layers with zeros use which kernel."""
        return counted(self.choices)


def counted(choices: Mapping[str, Choice]) -> dict[str, int]:
    """How many layers use dense, csr or shared kernels."""
    return dict(sorted(Counter(choice.chosen for choice in choices.values()).items()))


@torch.no_grad()
def sparse_copy(
    model: nn.Module, run: Callable[[nn.Module], torch.Tensor]
) -> tuple[nn.Module, Mapping[str, Choice], float]:
    """A copy of a pruned model with sparse layers where they are faster, their choice, and how far outputs differ.

    The copy has the dense layers' own memory for all that it does not replace.

    Args:
        model: pruned, in float32.
        run: its forward pass.

    Raises:
        ValueError: no layer has zeros, or the output of the model is not finite.
        RuntimeError: outputs differ by more than rounding.
    """
    expected = run(model)
    if not bool(torch.isfinite(expected).all()):
        raise ValueError(f"the output of this {type(model).__name__} is not finite; prune it less, or calibrate it")
    shared = {id(value): value for value in (*model.parameters(), *model.buffers())}
    sparse: nn.Module = copy.deepcopy(model, shared)
    choices = sparsify(sparse, run)
    if not choices:
        raise ValueError(
            f"no layer of this {type(model).__name__} has zeros to skip; prune it by an unstructured method"
        )
    difference = float((run(sparse) - expected).abs().max() / expected.abs().max())
    if not difference <= TOLERANCE:
        raise RuntimeError(f"outputs of {type(model).__name__} differ by {difference:.1e}; it is not timed")
    return sparse, choices, difference


@torch.no_grad()
def time_forward_pass(model: nn.Module, run: Callable[[nn.Module], torch.Tensor]) -> ForwardPass:
    """Time a pruned model; arguments and errors are those of ``sparse_copy``."""
    sparse, choices, difference = sparse_copy(model, run)
    calls = {"dense": partial(run, model), "sparse": partial(run, sparse)}
    once = sum(interleaved(calls, least=1).values())
    runs = max(FEWEST_RUNS, min(RUNS, int(SECONDS / once)))
    seconds = interleaved(calls, least=runs)
    return ForwardPass(seconds["dense"], seconds["sparse"], runs, difference, choices)

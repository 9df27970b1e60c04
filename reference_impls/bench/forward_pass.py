"""One forward pass of a pruned model, with dense and with sparse layers: the same output, timed alternately.

The model that it was pruned from can be timed in the same run: a model that lost units or blocks has no zeros to skip,
and is compared with that one only.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from reference_impls.bench.timing import Call, interleaved
from reference_impls.kernels.modules import Choice, sparsify
from reference_impls.pruning.contract import Cost

TOLERANCE = 1e-4
"""Largest difference of outputs, relative to the largest output."""
RUNS, FEWEST_RUNS, SECONDS = 20, 5, 120.0
"""Runs of which the minimum is taken; fewer, but not below the second number, if they would take longer than this."""


Timed = Literal["unpruned", "dense", "sparse"]
"""The model before pruning, and the pruned one with dense and with sparse layers."""


@dataclass(frozen=True)
class ForwardPass:
    """What was measured."""

    seconds: Mapping[Timed, float]
    """Of what was timed: the pruned model with dense layers, and at least one more."""
    runs: int
    """Of each, of which the minimum is taken."""
    largest_difference: float
    """Of the outputs of dense and sparse layers, relative to the largest; 0 where no layer has zeros."""
    choices: Mapping[str, Choice]
    """The kernel of each layer with zeros."""

    @property
    def base(self) -> Timed:
        """What a speed-up is over."""
        return "unpruned" if "unpruned" in self.seconds else "dense"

    def speed_up(self, of: Timed = "sparse") -> float:
        """The seconds of the base over those of another."""
        return self.seconds[self.base] / self.seconds[of]

    @property
    def layers(self) -> Mapping[str, int]:
        """How many layers with zeros use which kernel."""
        return counted(self.choices)


@dataclass(frozen=True)
class Stored:
    """What a model of a folder costs."""

    cost: Cost
    """Parameters, and MACs of one sample."""
    bytes: int
    """Of its weights, zeros stored like other weights."""
    packed_bytes: int
    """The same without zeros."""


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

    Returns:
        Copy, choices and difference; without a choice where no layer has zeros.

    Raises:
        ValueError: the output of the model is not finite.
        RuntimeError: outputs differ by more than rounding.
    """
    expected = run(model)
    if not bool(torch.isfinite(expected).all()):
        raise ValueError(f"the output of this {type(model).__name__} is not finite; prune it less, or calibrate it")
    shared = {id(value): value for value in (*model.parameters(), *model.buffers())}
    sparse: nn.Module = copy.deepcopy(model, shared)
    choices = sparsify(sparse, run)
    difference = float((run(sparse) - expected).abs().max() / expected.abs().max())
    if not difference <= TOLERANCE:
        raise RuntimeError(f"outputs of {type(model).__name__} differ by {difference:.1e}; it is not timed")
    return sparse, choices, difference


def refuse_without_zeros(model: nn.Module, choices: Mapping[str, Choice], cure: str) -> None:
    """Refuse a model whose sparse copy would be the same.

    Raises:
        ValueError: no layer has zeros.
    """
    if not choices:
        raise ValueError(f"no layer of this {type(model).__name__} has zeros to skip; {cure}")


@torch.no_grad()
def time_forward_pass(
    model: nn.Module, run: Callable[[nn.Module], torch.Tensor], unpruned: nn.Module | None = None
) -> ForwardPass:
    """Time a pruned model.

    Args:
        model: pruned, in float32.
        run: its forward pass.
        unpruned: the model before pruning, to be timed, too.

    Raises:
        ValueError: no layer has zeros and there is no other model, or the output is not finite.
        RuntimeError: as ``sparse_copy``.
    """
    sparse, choices, difference = sparse_copy(model, run)
    models: dict[Timed, nn.Module] = {"dense": model}
    if unpruned is None:
        refuse_without_zeros(
            model, choices, "prune it by an unstructured method, or time it against the dense model: --against DENSE"
        )
    else:
        models["unpruned"] = unpruned
    if choices:
        models["sparse"] = sparse
    calls: dict[str, Call] = {name: partial(run, one) for name, one in models.items()}
    once = sum(interleaved(calls, least=1).values())
    runs = max(FEWEST_RUNS, min(RUNS, int(SECONDS / once)))
    seconds = interleaved(calls, least=runs)
    return ForwardPass({name: seconds[name] for name in models}, runs, difference, choices)

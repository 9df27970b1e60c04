"""TinyFusion: learn which blocks to keep for the best recovery.  Fang et al., 2024, arXiv:2412.01199, section 3.

Maths   x_out = m block(x) + (1 - m) x with a gate m of each block (Eq. 1). Consecutive blocks form groups of 4; of each
        group N of M are kept. A categorical variable over the C(M, N) masks is sampled by Gumbel softmax with
        straight-through gradients (Eq. 5, 6), the temperature falling; low-rank updates of the blocks' Linear layers
        are trained together with it (Eq. 7), so that a mask is scored after simulated fine-tuning. The most likely
        mask of each group is used, and the updates are discarded.
Differs from the paper: where the sparsity does not divide evenly, groups lose its floor or ceiling, the later ones
        more; a mask is sampled for each batch, the temperature falls geometrically, and the low-rank updates have rank
        4, unscaled, on the Linear layers of the blocks alone (the authors' code: for each image, linearly, rank 8
        scaled by two, on every Linear layer, with logits times 100 and an average of them that decides). U-Nets
        are not in the paper: x is the stream without the skip connection, and where the width changes it passes those
        columns of the shortcut that read it; with `--keep-shortcuts`, the whole shortcut. Its recovery, distillation
        from masked hidden states, is not here.
Shapes  one step a batch -> names of blocks.   Cost  training.
Raises  ValueError if the sparsity is not in [0, 1], a pattern, a scope other than "layer" or sparsities of single
        layers are requested, the blocks of the model are not known, a batch has no target, or the loss is not finite.
Run     python -m reference_impls prune --method tinyfusion --model dit --sparsity 0.5 --out build/tinyfusion
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.gates import one_of
from reference_impls.maths.hooks import Hook, checkpointed, frozen, hooked
from reference_impls.maths.masks import check_finite
from reference_impls.maths.surgery import Block, Skip, replacement, streams
from reference_impls.pruning.chosen import blocks_to_prune
from reference_impls.pruning.contract import Outcome, Request
from reference_impls.pruning.skip_blocks import count_of, skip_blocks

SIZE, RANK = 4, 4
HOT, COLD = 4.0, 0.1
"""First and last temperature."""
RATE_OF_GATES, RATE_OF_UPDATES = 0.05, 1e-3


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Outcome:
    """Learn the masks, one step a batch, and remove the blocks that the most likely ones exclude."""
    blocks = blocks_to_prune(model, request)
    count = count_of(blocks, request)
    ways = all_ways(len(blocks), count)
    logits = learn(model, blocks, ways, calibration, request.seed, request.keep_shortcuts)
    kept = {number for of_group, way in zip(logits, ways, strict=True) for number in way[int(of_group.argmax())]}
    return skip_blocks(model, blocks, set(range(len(blocks))) - kept, request)


def all_ways(blocks: int, gone: int) -> list[list[tuple[int, ...]]]:
    """For each group of consecutive blocks, every set of them that can be kept; ``gone`` blocks are removed in all."""
    groups = [range(start, min(start + SIZE, blocks)) for start in range(0, blocks, SIZE)]
    ends = [group.stop for group in groups]
    lost = [gone * end // blocks for end in ends]  # until here; the differences are the blocks that each group loses
    shares = [now - before for now, before in zip(lost, [0, *lost], strict=False)]
    return [list(combinations(group, len(group) - share)) for group, share in zip(groups, shares, strict=True)]


def learn(
    model: nn.Module,
    blocks: Sequence[Block],
    ways: Sequence[Sequence[tuple[int, ...]]],
    calibration: Calibration,
    seed: int,
    keep_shortcuts: bool = False,
) -> list[torch.Tensor]:
    """Logits of each group's masks; the model's weights do not change.

    Raises:
        ValueError: a batch has no target, or the loss is not finite.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.zeros(len(way), requires_grad=True) for way in ways]
    stays = [torch.tensor([[float(n in way) for n in range(len(blocks))] for way in group]) for group in ways]
    with low_rank(model, blocks, generator) as updates:
        optimiser = torch.optim.Adam(
            [{"params": logits, "lr": RATE_OF_GATES}, {"params": updates, "lr": RATE_OF_UPDATES}]
        )
        for step, batch in enumerate(calibration):
            temperature = HOT * (COLD / HOT) ** (step / max(1, len(calibration.calls) - 1))
            chosen = [
                one_of(of_group, temperature, generator) @ rows for of_group, rows in zip(logits, stays, strict=True)
            ]
            optimiser.zero_grad()
            with gated(model, blocks, torch.stack(chosen).sum(0), keep_shortcuts), checkpointed(model):  # (blocks,)
                check_finite("training loss", batch.loss(model)).backward()
            optimiser.step()
    return [of_group.detach() for of_group in logits]


@contextmanager
def gated(
    model: nn.Module, blocks: Sequence[Block], gates: torch.Tensor, keep_shortcuts: bool = False
) -> Iterator[None]:
    """Inside, block i gives out gate_i * block(x) + (1 - gate_i) * skip(x)."""

    def hook(number: int, without: Skip) -> Hook:
        def mix(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
            passing = streams(without(*inputs, **named))
            mixed = tuple(
                None if after is None else before + gates[number] * (after - before)
                for before, after in zip(passing, streams(output), strict=True)
            )
            return mixed if isinstance(output, tuple) else mixed[0]

        return mix

    hooks = []
    for number, block in enumerate(blocks):
        without = replacement(model, block, keep_shortcuts=keep_shortcuts)
        hooks.append((model.get_submodule(block.name), hook(number, without)))
    with hooked(hooks, named=True):
        yield


@contextmanager
def low_rank(model: nn.Module, blocks: Sequence[Block], generator: torch.Generator) -> Iterator[list[torch.Tensor]]:
    """Inside, each Linear of the blocks computes W x + B A x; gives all A and B; the model's own weights are frozen."""
    updates: list[torch.Tensor] = []
    hooks = []
    for block in blocks:
        for layer in model.get_submodule(block.name).modules():
            if isinstance(layer, nn.Linear):
                a = torch.randn(RANK, layer.in_features, generator=generator) / layer.in_features**0.5
                b = torch.zeros(layer.out_features, RANK)
                updates += [a.requires_grad_(), b.requires_grad_()]
                hooks.append((layer, _plus(a, b)))
    with frozen(model), hooked(hooks):
        yield updates


def _plus(a: torch.Tensor, b: torch.Tensor) -> Hook:
    """The update, in its own precision whatever the layer's: Adam needs more than half of it."""
    return lambda layer, inputs, output: output + (inputs[0].to(a.dtype) @ a.T @ b.T).to(output.dtype)  # noqa: ARG005

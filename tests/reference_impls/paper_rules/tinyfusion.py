"""TinyFusion's rule (arXiv:2412.01199, section 3): one step in plain loops, and the authors' training loop anew.

Settings and order of steps are those of the authors' ``prune_by_learning.py``; nothing of it is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn

from reference_impls.calls.call import Call

FIRST_LOGIT, SCALE, HOT, COLD = 0.02, 100.0, 4.0, 0.1
RATE, RATE_OF_GATES, CLIP, DECAY = 1e-4, 1e-3, 1.0, 0.999
"""Of the updates and of the logits, with AdamW without weight decay; largest norm of all gradients; of the average."""
RANK, ALPHA = 8, 16


def slope_of_logits(
    logits: Sequence[float],
    gumbel: Sequence[float],
    temperature: float,
    options: Sequence[Sequence[float]],
    loss: Callable[[Sequence[float]], float],
) -> tuple[int, list[float]]:
    """The option that is sampled, and the straight-through gradient of the loss by the logits of one group.

    ``options`` are the masks, a number for each block; ``loss`` is of a mask, and its slopes are central differences.
    """
    weights = [math.exp((logit + noise) / temperature) for logit, noise in zip(logits, gumbel, strict=True)]
    soft = [weight / sum(weights) for weight in weights]
    chosen = max(range(len(soft)), key=soft.__getitem__)
    slopes = []
    for block in range(len(options[0])):
        step = [1e-5 * (other == block) for other in range(len(options[0]))]
        up, down = ([m + sign * s for m, s in zip(options[chosen], step, strict=True)] for sign in (1, -1))
        slopes.append((loss(up) - loss(down)) / 2e-5)
    by_option = [sum(slope * keep for slope, keep in zip(slopes, option, strict=True)) for option in options]
    mean = sum(probability * slope for probability, slope in zip(soft, by_option, strict=True))
    gradient = [probability * (slope - mean) / temperature for probability, slope in zip(soft, by_option, strict=True)]
    return chosen, gradient


def learned_options(
    model: nn.Module, blocks: Sequence[str], options: Sequence[torch.Tensor], calls: Sequence[Call], seed: int
) -> list[int]:
    """The option of each group that the authors' loop decides for: blocks that keep the width of the stream only.

    A mask for each sample; the temperature falls linearly; the decision is that of the average of the logits. Each
    option is (choices, blocks of the group).
    """
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.full((len(option),), FIRST_LOGIT, requires_grad=True) for option in options]
    average = [value.detach().clone() for value in logits]
    pairs: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            a = (2 * torch.rand(RANK, layer.in_features, generator=generator) - 1) * bound
            pairs[layer] = (a.requires_grad_(), torch.zeros(layer.out_features, RANK, requires_grad=True))
    updates = [value for pair in pairs.values() for value in pair]
    optimiser = torch.optim.AdamW(
        [{"params": updates, "lr": RATE}, {"params": logits, "lr": RATE_OF_GATES}], weight_decay=0.0
    )
    masks: list[torch.Tensor] = []  # of each block, (samples,)

    def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        a, b = pairs[layer]
        return output + ALPHA / RANK * (inputs[0] @ a.T @ b.T)

    def mix(number: int) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], torch.Tensor]:
        return lambda _, inputs, output: (
            masks[number][:, None, None] * output + (1 - masks[number])[:, None, None] * inputs[0]
        )

    handles = [layer.register_forward_hook(add) for layer in pairs]
    handles += [model.get_submodule(name).register_forward_hook(mix(number)) for number, name in enumerate(blocks)]
    weights = [value for value in model.parameters() if value.requires_grad]
    _learn(weights, requires=False)
    for step, call in enumerate(calls):
        temperature = HOT + (COLD - HOT) * step / max(1, len(calls) - 1)
        masks[:] = []
        for value, option in zip(logits, options, strict=True):
            noise = -torch.log(
                -torch.log(torch.rand(call.samples, len(option), generator=generator).clamp(1e-9, 1 - 1e-7))
            )
            soft = torch.softmax((value * SCALE + noise) / temperature, dim=1)
            hard = torch.nn.functional.one_hot(soft.argmax(1), len(option)).to(soft.dtype)
            masks += list(((hard + soft - soft.detach()) @ option).T)
        optimiser.zero_grad()
        torch.autograd.backward(call.loss(model))
        torch.nn.utils.clip_grad_norm_([*updates, *logits], CLIP)
        optimiser.step()
        for mean, value in zip(average, logits, strict=True):
            mean.mul_(DECAY).add_(value.detach(), alpha=1 - DECAY)
    for handle in handles:
        handle.remove()
    _learn(weights, requires=True)
    return [int(mean.argmax()) for mean in average]


def _learn(weights: Iterable[nn.Parameter], *, requires: bool) -> None:
    for value in weights:
        value.requires_grad_(requires)

"""BK-SDM as its authors do it: the smaller U-Net is built, and takes the weights of the blocks that stay.

Kim et al., 2023, arXiv:2305.15798, section 3.1; the configuration bk_base of the authors' code
(layers_per_block 1 in place of 2) and the losses of its training script.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from reference_impls.testbed.data import Images
from reference_impls.testbed.diffusion import noised, stratified_times
from reference_impls.testbed.unet import UNet


def base_blocks(levels: int) -> list[str]:
    """Names of the blocks that the first size, Base, removes of a U-Net with two blocks a resolution.

    Down, the second of two blocks of each resolution; up, the one in the middle of three. One layer that resamples
    stands between resolutions.
    """
    down = [f"down.{3 * level + 1}" for level in range(levels)]
    up = [f"up.{4 * level + 1}" for level in range(levels)]
    return down + up


def small_blocks() -> list[str]:
    """Names of the blocks that the second size, Small, removes besides: the whole middle."""
    return ["middle.0", "middle.1"]


def tiny_blocks(levels: int) -> list[str]:
    """Names of the blocks that the third size, Tiny, removes besides: what is left of the innermost resolution."""
    return [f"down.{3 * (levels - 1)}", "up.0", "up.2"]


def base(dense: UNet, **architecture: object) -> UNet:
    """The first size: a U-Net with one block a resolution less, whose weights are those of the blocks that stay.

    Args:
        dense: with two blocks a resolution.
        architecture: what ``dense`` was made with, but for the number of blocks.
    """
    model = UNet(blocks=1, **architecture)  # type: ignore[arg-type]  # what a U-Net takes
    taken: dict[str, str] = {}
    for part, dense_blocks in (("down", 2), ("up", 3)):
        all_of_them = range(len(getattr(dense, part)))
        stay = [index for index in all_of_them if index % (dense_blocks + 1) != 1]  # of each resolution, not the second
        taken |= {f"{part}.{number}.": f"{part}.{index}." for number, index in enumerate(stay)}
    state = dense.state_dict()
    mine = {}
    for name in model.state_dict():
        part, _, rest = name.partition(".")
        if part in ("down", "up"):
            number, _, end = rest.partition(".")
            mine[name] = state[taken[f"{part}.{number}."] + end]
        else:
            mine[name] = state[name]
    model.load_state_dict(mine)
    return model.eval()


def tiny(dense: UNet, **architecture: object) -> UNet:
    """The third size of a U-Net of three resolutions: two of them, one block a resolution, no middle.

    Without the innermost resolution there is no layer that resamples to it or from it either.
    """
    model = UNet(blocks=1, multipliers=(1, 2), **architecture)  # type: ignore[arg-type]  # what a U-Net takes
    model.middle = nn.ModuleList()
    down, up = ("0", "2", "3"), ("4", "6", "7", "8", "10")
    taken = {
        f"{part}.{number}": f"{part}.{name}"
        for part, stay in (("down", down), ("up", up))
        for number, name in enumerate(stay)
    }
    for name in ("condition", "first", *taken, "norm", "last"):
        model.get_submodule(name).load_state_dict(dense.get_submodule(taken.get(name, name)).state_dict())
    return model.eval()


def recovered(student: UNet, teacher: UNet, images: Images, *, steps: int, batch: int, rate: float, seed: int) -> UNet:
    """The first size after distillation: task, output and feature loss, all with weight 1, summed.

    Features: the outputs of the stages, which end in the layer that resamples where there is one. Images, timesteps,
    noise, optimizer and schedule are those of the testbed.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(student.parameters(), lr=rate, weight_decay=0.0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        chosen = torch.randint(len(images), (batch,), generator=generator)
        x0, label = images.pixels[chosen], images.labels[chosen]
        t = stratified_times(batch, generator)
        x, v = noised(x0, torch.randn(x0.shape, generator=generator), t)
        output, mine = with_stages(student, (x, t, label))
        with torch.no_grad():
            target, wanted = with_stages(teacher, (x, t, label))
        loss = ((output - v) ** 2).mean() + ((output - target) ** 2).mean()
        for one, other in zip(mine, wanted, strict=True):
            loss = loss + ((one - other) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch declares none here
        optimizer.step()
    return student.eval()


def with_stages(model: UNet, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The output, and what each resolution of the way down and of the way up puts out."""
    seen: list[torch.Tensor] = []
    handles = []
    for path in (model.down, model.up):
        for number, layer in enumerate(path):
            if isinstance(layer, nn.Conv2d) or number == len(path) - 1:
                handles.append(layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output)))
    output = model(*given)
    for handle in handles:
        handle.remove()
    return output, seen


def feature_loss(mine: list[torch.Tensor], teachers: list[torch.Tensor]) -> float:
    """Eq. (4) as the training script has it: of each stage the mean squared difference, summed over the stages."""
    total = 0.0
    for student, teacher in zip(mine, teachers, strict=True):
        squares = [(a - b) ** 2 for a, b in zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True)]
        total += sum(squares) / len(squares)
    return total

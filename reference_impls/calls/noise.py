"""Calibration with noise, for a model without its pipeline: random inputs at falling timesteps, random conditions.

It knows the inputs of a few classes only, and says little about a trained model: with inputs recorded from a pipeline,
a quarter of Wanda's decisions in cross-attention are others. Where there is a pipeline, use ``record``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.targets import FLOW, target_of

TOKENS = 8
"""Length of the random prompt."""
SIDE = 4
"""Of the image of a class that takes any size, in patches."""
UNBATCHED = frozenset({"img_ids", "txt_ids"})
Arguments = dict[str, Any]


def noise_calls(
    model: nn.Module, *, batches: int = 4, n: int = 2, seed: int = 0, tried: bool = True, targets: bool = False
) -> Calibration:
    """Forward passes with noise at falling timesteps and random conditions.

    Args:
        model: of one of the classes in ``INPUTS``.
        batches: how many forward passes.
        n: samples in each.
        seed: fixes all of it.
        tried: whether the model is run, to see that they fit; without its weights it cannot be.
        targets: what the model should predict, if images were noise as well; its class is taken to predict the noise,
            or the velocity of a flow.

    Raises:
        ValueError: no inputs are known for the class or for this configuration of it.
    """
    kind = type(model).__name__
    if kind not in INPUTS:
        if hasattr(model, "decode"):  # a pipeline calls its parts, and never the whole
            raise ValueError(f"{kind} denoises nothing, so no inputs are recorded for it; choose a data-free method")
        raise ValueError(
            f"no inputs are known for {kind}; {RECORD}, or choose a data-free method; they are known for "
            f"{', '.join(INPUTS)}"
        )
    generator = torch.Generator().manual_seed(seed)
    calls = []
    try:
        for index in range(batches):
            t = 1 - (index + 0.5) / batches
            given = {**INPUTS[kind](model, n, t, generator), "return_dict": False}
            call = Call(given, index, batches, unbatched=UNBATCHED)
            calls.append(_with_target(call, t, kind in FLOWS, generator) if targets else call)
        if tried:
            with torch.no_grad():
                calls[0].first().run(model)
    except Exception as error:  # what a configuration asks for besides is found out in its own code
        raise misfit(model, error) from error
    about: dict[str, Any] = {"source": "noise", "forward passes": batches, "samples": n, "seed": seed}
    about |= {"targets": "noise"} if targets else {}
    return Calibration(tuple(calls), about)


def _with_target(call: Call, t: float, flow: bool, generator: torch.Generator) -> Call:
    """The call with a noised image of noise, which is its first argument, and the target."""
    name = next(iter(call.arguments))
    clean, noise = (_noise(generator, *call.arguments[name].shape) for _ in range(2))
    angle = t * math.pi / 2
    levels = (1 - t, t) if flow else (math.cos(angle), math.sin(angle))
    noised = levels[0] * clean + levels[1] * noise
    target, scale = target_of(FLOW if flow else "epsilon", noised, clean, levels)
    return replace(call, arguments={**call.arguments, name: noised}, target=target, noise_scale=torch.tensor(scale))


RECORD = "give the whole pipeline, whose inputs are recorded"


def _noise(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator)


def _image(config: Any, n: int, generator: torch.Generator) -> torch.Tensor:
    sides = config.sample_size
    height, width = (sides, sides) if isinstance(sides, int) else sides
    return _noise(generator, n, config.in_channels, height, width)


def _times(n: int, t: float) -> torch.Tensor:
    return torch.full((n,), t * 999)


def _unet(model: Any, n: int, t: float, generator: torch.Generator) -> Arguments:
    return {"sample": _image(model.config, n, generator), "timestep": _times(n, t).long()}


def _unet_with_prompt(model: Any, n: int, t: float, generator: torch.Generator) -> Arguments:
    config = model.config
    arguments = {
        **_unet(model, n, t, generator),
        "encoder_hidden_states": _noise(generator, n, TOKENS, config.cross_attention_dim),
    }
    if config.addition_embed_type == "text_time":  # SDXL
        width = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        added = {"text_embeds": _noise(generator, n, width), "time_ids": torch.ones(n, 6)}
        return {**arguments, "added_cond_kwargs": added}
    return arguments


def _dit(model: Any, n: int, t: float, generator: torch.Generator) -> Arguments:
    image = _image(model.config, n, generator)
    labels = torch.randint(model.config.num_embeds_ada_norm, (n,), generator=generator)
    return {"hidden_states": image, "timestep": _times(n, t).long(), "class_labels": labels}


def _prompt(config: Any, n: int, generator: torch.Generator) -> Arguments:
    return {
        "encoder_hidden_states": _noise(generator, n, TOKENS, config.joint_attention_dim),
        "pooled_projections": _noise(generator, n, config.pooled_projection_dim),
    }


def _sd3(model: Any, n: int, t: float, generator: torch.Generator) -> Arguments:
    image = _image(model.config, n, generator)
    return {"hidden_states": image, **_prompt(model.config, n, generator), "timestep": _times(n, t)}


def _flux(model: Any, n: int, t: float, generator: torch.Generator) -> Arguments:
    config = model.config
    arguments = {
        "hidden_states": _noise(generator, n, SIDE * SIDE, config.in_channels),
        **_prompt(config, n, generator),
        "timestep": torch.full((n,), t),
        "img_ids": torch.cartesian_prod(torch.zeros(1), torch.arange(SIDE).float(), torch.arange(SIDE).float()),
        "txt_ids": torch.zeros(TOKENS, 3),
    }
    return {**arguments, "guidance": torch.full((n,), 3.5)} if config.guidance_embeds else arguments


INPUTS: Mapping[str, Callable[[Any, int, float, torch.Generator], Arguments]] = {
    "UNet2DModel": _unet,
    "UNet2DConditionModel": _unet_with_prompt,
    "DiTTransformer2DModel": _dit,
    "SD3Transformer2DModel": _sd3,
    "FluxTransformer2DModel": _flux,
}
"""How the inputs of each class are made: (model, samples, time from 1 to 0, generator) -> arguments."""
FLOWS = ("SD3Transformer2DModel", "FluxTransformer2DModel")
"""Those that predict the velocity of a flow."""


def misfit(model: nn.Module, error: Exception) -> ValueError:
    """What to raise where a model refuses noise."""
    first = str(error).partition("\n")[0]
    return ValueError(f"noise does not fit this {type(model).__name__} ({first}); {RECORD}")

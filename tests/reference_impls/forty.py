"""Forty configurations of real models, with random weights, as small as their classes allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from reference_impls.models.diffusers_package import diffusers_package
from tests.reference_impls.tiny_transformers import LATENTS, SIDE, TEXT, TIME, TINY, TOKENS, UNET, Random, Tiny

CROSS = {
    **UNET,
    "layers_per_block": 1,
    "cross_attention_dim": TEXT,
    "attention_head_dim": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}
SIMPLE = {
    **CROSS,
    "down_block_types": ("SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D"),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ("ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"),
    "resnet_time_scale_shift": "scale_shift",
}
"""U-Nets of DeepFloyd-IF, Kandinsky and unCLIP."""


def unet(config: dict[str, Any], inputs: Callable[[Random], dict[str, Any]] = lambda r: {}) -> Tiny:
    channels = {**CROSS, **config}["in_channels"]

    def given(r: Random) -> dict[str, Any]:
        own = {"sample": r(1, channels, SIDE, SIDE), "timestep": TIME, "encoder_hidden_states": r(1, TOKENS, TEXT)}
        return {**own, **inputs(r)}

    return Tiny("UNet2DConditionModel", {**CROSS, **config}, given)


def like(name: str, **config: Any) -> Tiny:
    """A transformer of ``TINY`` with other settings."""
    return Tiny(TINY[name].kind, {**TINY[name].config, **config}, TINY[name].inputs)


def and_guidance(r: Random) -> dict[str, Any]:
    return {**TINY["flux"].inputs(r), "guidance": torch.tensor([1.0])}


FRAMES = 2
VIDEO = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "norm_num_groups": 32,
    **LATENTS,
    "sample_size": SIDE,
    "cross_attention_dim": TEXT,
}
FLUX = TINY["flux"]
FORTY: dict[str, Tiny] = {
    "Stable Diffusion 1": unet({"layers_per_block": 2}),
    "Stable Diffusion 2": unet({"use_linear_projection": True, "attention_head_dim": (2, 4)}),
    "Stable Diffusion inpainting": unet({"in_channels": 9}),
    "SDXL": unet(
        {
            "use_linear_projection": True,
            "transformer_layers_per_block": (1, 2),
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": TEXT + 48,
        },
        lambda r: {"added_cond_kwargs": {"text_embeds": r(1, TEXT), "time_ids": torch.ones(1, 6)}},
    ),
    "LCM": unet({"time_cond_proj_dim": 8}, lambda r: {"timestep_cond": r(1, 8)}),
    "Stable Diffusion x4 upscaler": unet(
        {"in_channels": 7, "num_class_embeds": 1000},
        lambda r: {"class_labels": torch.tensor([20])},
    ),
    "unCLIP": Tiny(
        "UNet2DConditionModel",
        {**SIMPLE, "class_embed_type": "identity"},
        lambda r: {
            "sample": r(1, 4, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": r(1, TOKENS, TEXT),
            "class_labels": r(1, 64),
        },
    ),
    "DeepFloyd IF": Tiny(
        "UNet2DConditionModel",
        {
            **SIMPLE,
            "encoder_hid_dim": TEXT,
            "encoder_hid_dim_type": "text_proj",
            "addition_embed_type": "text",
            "addition_embed_type_num_heads": 2,
        },
        TINY["unet-if"].inputs,
    ),
    "Kandinsky 2.2": Tiny(
        "UNet2DConditionModel",
        {**SIMPLE, "encoder_hid_dim": TEXT, "encoder_hid_dim_type": "image_proj", "addition_embed_type": "image"},
        lambda r: {
            "sample": r(1, 4, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": None,
            "added_cond_kwargs": {"image_embeds": r(1, TEXT)},
        },
    ),
    "AudioLDM": unet(
        {
            "cross_attention_dim": (16, 32),
            "class_embed_type": "simple_projection",
            "projection_class_embeddings_input_dim": TEXT,
            "class_embeddings_concat": True,
        },
        lambda r: {"class_labels": r(1, TEXT), "encoder_hidden_states": None},
    ),
    "Stable Video Diffusion": Tiny(
        "UNetSpatioTemporalConditionModel",
        {
            "sample_size": SIDE,
            "in_channels": 8,
            "out_channels": 4,
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "num_attention_heads": (2, 4),
            "cross_attention_dim": TEXT,
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 24,
            "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            "num_frames": FRAMES,
        },
        lambda r: {
            "sample": r(1, FRAMES, 8, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": r(1, 1, TEXT),
            "added_time_ids": torch.ones(1, 3),
        },
    ),
    "ModelScope text to video": Tiny(
        "UNet3DConditionModel",
        {
            **VIDEO,
            "attention_head_dim": 8,
            "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
            "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
        },
        lambda r: {
            "sample": r(1, 4, FRAMES, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": r(1, TOKENS, TEXT),
        },
    ),
    "AnimateDiff": Tiny(
        "UNetMotionModel",
        {
            **VIDEO,
            "num_attention_heads": 2,
            "motion_num_attention_heads": 2,
            "motion_max_seq_length": 8,
            "down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion"),
            "up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion"),
        },
        lambda r: {
            "sample": r(1, 4, FRAMES, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": r(FRAMES, TOKENS, TEXT),
        },
    ),
    "DiT": TINY["dit"],
    "PixArt-α": TINY["pixart"],
    "PixArt-Σ": like("pixart", interpolation_scale=1, use_additional_conditions=False),
    "Sana": TINY["sana"],
    "Stable Diffusion 3": like("sd3", qk_norm=None, dual_attention_layers=()),
    "Stable Diffusion 3.5 medium": TINY["sd3"],
    "Stable Diffusion 3.5 large": like("sd3", dual_attention_layers=()),
    "FLUX.1 dev": Tiny(FLUX.kind, {**FLUX.config, "guidance_embeds": True}, and_guidance),
    "FLUX.1 schnell": FLUX,
    "FLUX.1 Fill": Tiny(
        FLUX.kind,
        {**FLUX.config, "guidance_embeds": True, "in_channels": 24, "out_channels": 4},
        lambda r: {**and_guidance(r), "hidden_states": r(1, 16, 24)},
    ),
    "AuraFlow": TINY["auraflow"],
    "Lumina-Image 2": TINY["lumina2"],
    "Chroma": TINY["chroma"],
    "CogView4": TINY["cogview4"],
    "Qwen-Image": TINY["qwen-image"],
    "Hunyuan-DiT": TINY["hunyuan-dit"],
    "HunyuanVideo": TINY["hunyuan-video"],
    "Wan 2.1": TINY["wan"],
    "LTX-Video": TINY["ltx"],
    "CogVideoX": TINY["cogvideox"],
    "Mochi 1": like("mochi", num_attention_heads=6, pooled_projection_dim=24),  # multiples of three, as in the real one
    "Allegro": TINY["allegro"],
    "Latte": TINY["latte"],
    "Stable Audio": TINY["stable-audio"],
    "ControlNet": Tiny(
        "ControlNetModel",
        {
            **{
                key: value
                for key, value in CROSS.items()
                if key not in ("sample_size", "out_channels", "up_block_types")
            },
            "conditioning_embedding_out_channels": (8, 16),
        },
        lambda r: {
            "sample": r(1, 4, SIDE, SIDE),
            "timestep": TIME,
            "encoder_hidden_states": r(1, TOKENS, TEXT),
            "controlnet_cond": r(1, 3, 2 * SIDE, 2 * SIDE),
        },
    ),
    "AutoencoderKL": Tiny(
        "AutoencoderKL",
        {
            "block_out_channels": (16, 32),
            "norm_num_groups": 8,
            "layers_per_block": 1,
            "down_block_types": ("DownEncoderBlock2D",) * 2,
            "up_block_types": ("UpDecoderBlock2D",) * 2,
        },
        lambda r: {"sample": r(1, 3, 2 * SIDE, 2 * SIDE)},
    ),
    "Dance Diffusion": Tiny(
        "UNet1DModel",
        {
            "sample_size": 64,
            "block_out_channels": (32, 32, 64),
            "extra_in_channels": 64,
            "layers_per_block": 1,
        },
        lambda r: {"sample": r(1, 2, 64), "timestep": TIME},
    ),
}
"""By the model that has such a configuration."""


def model_of(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """A model in single precision whose layers are not zero, and the inputs of a forward pass."""
    generator = torch.Generator().manual_seed(0)
    one = FORTY[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = getattr(diffusers_package(), one.kind)(**one.config)
    with torch.no_grad():
        for value in model.parameters():
            spread = 0.15 if value.dim() > 1 else 0.05
            value.add_(spread * torch.randn(value.shape, generator=generator))
    inputs = one.inputs(lambda *shape: torch.randn(*shape, generator=generator))
    return model.eval(), {**inputs, "return_dict": False}

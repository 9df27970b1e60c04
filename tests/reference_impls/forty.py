"""Forty configurations of real models, with random weights, as small as their classes allow."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from reference_impls.models.diffusers_package import diffusers_package
from tests.reference_impls.tiny_transformers import SIDE, TEXT, TINY, UNET, Sized

CROSS = {
    **UNET,
    "layers_per_block": 1,
    "cross_attention_dim": TEXT,
    "attention_head_dim": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}
SIMPLE = {
    "down_block_types": ("SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D"),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ("ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"),
    "resnet_time_scale_shift": "scale_shift",
    "out_channels": 8,
}
"""U-Nets of DeepFloyd-IF, Kandinsky and unCLIP, which also predict the variance."""
PIXELS = {**SIMPLE, "in_channels": 3, "out_channels": 6}


def unet(**config: Any) -> Sized:
    return Sized("UNet2DConditionModel", {**CROSS, **config})


def like(name: str, **config: Any) -> Sized:
    """A transformer of ``TINY`` with other settings."""
    return Sized(TINY[name].kind, {**TINY[name].config, **config})


FRAMES = 2
VIDEO = {
    **UNET,
    "block_out_channels": (32, 64),
    "norm_num_groups": 32,
    "layers_per_block": 1,
    "cross_attention_dim": TEXT,
}
FORTY: dict[str, Sized] = {
    "Stable Diffusion 1": unet(layers_per_block=2),
    "Stable Diffusion 2": unet(use_linear_projection=True, attention_head_dim=(2, 4)),
    "Stable Diffusion inpainting": unet(in_channels=9),
    "SDXL": unet(
        use_linear_projection=True,
        transformer_layers_per_block=(1, 2),
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=TEXT + 48,
    ),
    "LCM": unet(time_cond_proj_dim=8),
    "Stable Diffusion x4 upscaler": unet(in_channels=7, num_class_embeds=1000),
    "unCLIP": unet(**PIXELS, class_embed_type="identity"),
    "DeepFloyd IF": unet(
        **PIXELS,
        encoder_hid_dim=TEXT,
        encoder_hid_dim_type="text_proj",
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
    ),
    "Kandinsky 2.2": unet(
        **SIMPLE, encoder_hid_dim=TEXT, encoder_hid_dim_type="image_proj", addition_embed_type="image"
    ),
    "AudioLDM": unet(
        cross_attention_dim=(16, 32),
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=TEXT,
        class_embeddings_concat=True,
    ),
    "Stable Video Diffusion": Sized(
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
    ),
    "ModelScope text to video": Sized(
        "UNet3DConditionModel",
        {
            **VIDEO,
            "attention_head_dim": 8,
            "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
            "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
        },
    ),
    "AnimateDiff": Sized(
        "UNetMotionModel",
        {
            **VIDEO,
            "num_attention_heads": 2,
            "motion_num_attention_heads": 2,
            "motion_max_seq_length": 8,
            "down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion"),
            "up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion"),
        },
    ),
    "DiT": TINY["dit"],
    "PixArt-α": TINY["pixart"],
    "PixArt-Σ": like("pixart", interpolation_scale=1, use_additional_conditions=False),
    "Sana": TINY["sana"],
    "Stable Diffusion 3": like("sd3", qk_norm=None, dual_attention_layers=()),
    "Stable Diffusion 3.5 medium": TINY["sd3"],
    "Stable Diffusion 3.5 large": like("sd3", dual_attention_layers=()),
    "FLUX.1 dev": like("flux", guidance_embeds=True),
    "FLUX.1 schnell": TINY["flux"],
    "FLUX.1 Fill": like("flux", guidance_embeds=True, in_channels=24, out_channels=4),
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
    "Allegro": like("allegro", attention_head_dim=12, cross_attention_dim=48),
    "Latte": like("latte", out_channels=8),
    "Stable Audio": like("stable-audio", global_states_input_dim=2 * TEXT),
    "ControlNet": Sized(
        "ControlNetModel",
        {
            **{
                key: value
                for key, value in CROSS.items()
                if key not in ("sample_size", "out_channels", "up_block_types")
            },
            "conditioning_embedding_out_channels": (8, 16),
        },
    ),
    "AutoencoderKL": Sized(
        "AutoencoderKL",
        {
            "block_out_channels": (16, 32),
            "norm_num_groups": 8,
            "layers_per_block": 1,
            "down_block_types": ("DownEncoderBlock2D",) * 2,
            "up_block_types": ("UpDecoderBlock2D",) * 2,
        },
    ),
    "Dance Diffusion": Sized(
        "UNet1DModel",
        {
            "sample_size": 64,
            "sample_rate": 64,
            "block_out_channels": (32, 32, 64),
            "extra_in_channels": 64,
            "layers_per_block": 1,
        },
    ),
}
"""By the model that has such a configuration."""


def model_of(name: str) -> nn.Module:
    """A model in single precision whose layers are not zero."""
    generator = torch.Generator().manual_seed(0)
    one = FORTY[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = getattr(diffusers_package(), one.kind)(**one.config)
    with torch.no_grad():
        for value in model.parameters():
            spread = 0.15 if value.dim() > 1 else 0.05
            value.add_(spread * torch.randn(value.shape, generator=generator))
    return model.eval()

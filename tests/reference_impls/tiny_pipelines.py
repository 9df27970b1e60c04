"""Pipelines in the real classes of diffusers and transformers, with random weights, as small as the classes allow."""

from importlib import import_module
from typing import Any

import torch
from torch import nn

from reference_impls.models.diffusers_package import diffusers_package

diffusers = diffusers_package()
WORDS = ("a", "cat", "dog", "red", "small", "on", "the", "hill")
WIDTH = 16
"""Of a prompt's embedding."""
UNET: dict[str, Any] = {
    "sample_size": 8,
    "layers_per_block": 1,
    "block_out_channels": (16, 32),
    "norm_num_groups": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
}


def package(name: str) -> Any:
    """One that is imported where it is needed; type checkers do not read it."""
    return import_module(name)


AUTOENCODER: dict[str, Any] = {
    "block_out_channels": (8, 8),
    "norm_num_groups": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
}


def vae(channels: int = 4, **options: Any) -> Any:
    return diffusers.AutoencoderKL(**AUTOENCODER, latent_channels=channels, **options)


def tokenizer() -> Any:
    """One token a word; made here, since none can be downloaded."""
    tokenizers, transformers = package("tokenizers"), package("transformers")
    ids = {word: number for number, word in enumerate(("<s>", "</s>", "<unk>", *WORDS))}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    ends = {"single": "<s> $A </s>", "special_tokens": [("<s>", 0), ("</s>", 1)]}
    words.post_processor = tokenizers.processors.TemplateProcessing(**ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="</s>",
        model_max_length=8,
    )


def clip(projection: bool = False) -> Any:
    transformers = package("transformers")
    config = transformers.CLIPTextConfig(
        vocab_size=16,
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=8,
        projection_dim=WIDTH,
        bos_token_id=0,
        eos_token_id=1,
    )
    kind = transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel
    return kind(config)


def t5() -> Any:
    transformers = package("transformers")
    sizes = {"vocab_size": 16, "d_model": WIDTH, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    return transformers.T5EncoderModel(transformers.T5Config(**sizes))


def ddpm() -> Any:
    blocks = {"down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D")}
    return diffusers.DDPMPipeline(diffusers.UNet2DModel(**{**UNET, **blocks}), diffusers.DDPMScheduler())


def dit() -> Any:
    model = diffusers.DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        sample_size=8,
        num_embeds_ada_norm=1000,  # the pipeline itself asks for class 1000, that of guidance
    )
    return diffusers.DiTPipeline(model, vae(), diffusers.DDIMScheduler())


def sd() -> Any:
    return diffusers.StableDiffusionPipeline(
        vae=vae(),
        text_encoder=clip(),
        tokenizer=tokenizer(),
        unet=diffusers.UNet2DConditionModel(**UNET, cross_attention_dim=WIDTH),
        scheduler=diffusers.DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sdxl() -> Any:
    unet = diffusers.UNet2DConditionModel(
        **UNET,
        cross_attention_dim=2 * WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=WIDTH + 6 * 8,
    )
    return diffusers.StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=clip(),
        text_encoder_2=clip(projection=True),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(),
        unet=unet,
        scheduler=diffusers.EulerDiscreteScheduler(),
    )


def sd3() -> Any:
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=2 * WIDTH,
        caption_projection_dim=16,
        pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=8,
    )
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1),
        text_encoder=clip(projection=True),
        tokenizer=tokenizer(),
        text_encoder_2=clip(projection=True),
        tokenizer_2=tokenizer(),
        text_encoder_3=None,
        tokenizer_3=None,
    )


def flux() -> Any:
    transformer = diffusers.FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        axes_dims_rope=(2, 2, 4),
        guidance_embeds=True,
    )
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=vae(shift_factor=0.1),
        text_encoder=clip(),
        tokenizer=tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=tokenizer(),
        transformer=transformer,
    )


def pixart() -> Any:
    transformer = diffusers.PixArtTransformer2DModel(
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        cross_attention_dim=16,
        caption_channels=WIDTH,
        sample_size=8,
        in_channels=4,
        out_channels=8,
    )
    return diffusers.PixArtAlphaPipeline(
        tokenizer=tokenizer(),
        text_encoder=t5(),
        vae=vae(),
        transformer=transformer,
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )


INPUTS: dict[str, dict[str, Any]] = {
    "sd": {"height": 16, "width": 16},
    "sdxl": {"height": 16, "width": 16},
    "sd3": {"height": 16, "width": 16, "max_sequence_length": 8},
    "flux": {"height": 16, "width": 16, "max_sequence_length": 8},
    "pixart": {"height": 16, "width": 16, "max_sequence_length": 8, "use_resolution_binning": False},
}
"""Arguments of a pipeline that keep it small, by its name in ``PIPELINES``."""
PIPELINES = {"ddpm": ddpm, "dit": dit, "sd": sd, "sdxl": sdxl, "sd3": sd3, "flux": flux, "pixart": pixart}


def made(name: str) -> Any:
    """A pipeline; no layer of its denoiser is zero, which would hide what is behind it."""
    torch.manual_seed(0)
    pipeline = PIPELINES[name]()
    denoiser = pipeline.components.get("unet") or pipeline.components["transformer"]
    for value in denoiser.eval().parameters():
        if value.dim() > 1:
            nn.init.normal_(value, std=0.1)
    return pipeline

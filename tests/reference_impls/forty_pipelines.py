"""The pipelines around the forty configurations, in their own classes of diffusers, with embedded prompts.

The denoiser is that of ``forty``; a part that no run needs is None. Small parts come from ``tiny_pipelines``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.generate import accepted_by
from reference_impls.calls.record import DENOISERS, record
from reference_impls.methods.matrix import RECORDED
from reference_impls.models.diffusers_package import diffusers_package
from tests.reference_impls.forty import CROSS, FRAMES
from tests.reference_impls.tiny_pipelines import AUTOENCODER, clip, package, tokenizer, vae
from tests.reference_impls.tiny_transformers import SIDE, TEXT, TOKENS, Random

STEPS = 2
diffusers = diffusers_package()


@dataclass(frozen=True)
class Piped:
    """A pipeline without its denoiser, and how it is run."""

    kind: str
    """Its class in diffusers."""
    scheduler: str
    """Class of its scheduler."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the scheduler."""
    parts: Callable[[], dict[str, Any]] = dict
    """Modules that its run needs, by their names."""
    inputs: Callable[[Random], dict[str, Any]] = lambda r: {}
    """Arguments of its run, beside those of ``COMMON``."""
    denoiser: str | None = None
    """Name of the denoiser, where it is neither ``unet`` nor ``transformer``."""


MASK = torch.ones(1, TOKENS).bool()
COMMON: Mapping[str, Callable[[Random], Any]] = {
    **{f"{which}prompt_embeds{of}": lambda r: r(1, TOKENS, TEXT) for which in ("", "negative_") for of in ("", "_2")},
    **{f"{which}prompt_attention_mask{of}": lambda r: MASK for which in ("", "negative_") for of in ("", "_2")},
    **{f"{which}image_embeds": lambda r: r(1, TEXT) for which in ("", "negative_")},
    "pooled_prompt_embeds": lambda r: r(1, TEXT),
    "negative_pooled_prompt_embeds": lambda r: r(1, TEXT),
    "negative_prompt": lambda r: None,  # some expect an empty one
    "height": lambda r: 8 * SIDE,
    "width": lambda r: 8 * SIDE,
    "num_frames": lambda r: 5,
    "use_resolution_binning": lambda r: False,
}
"""What each pipeline that has such an argument is given; without an autoencoder, a latent is an eighth of an image."""


def sized(r: Random) -> dict[str, Any]:
    """The size of an image whose autoencoder halves it once."""
    return {"height": 2 * SIDE, "width": 2 * SIDE}


def shown(r: Random) -> dict[str, Any]:
    return {**sized(r), "image": r(1, 3, 2 * SIDE, 2 * SIDE).sigmoid()}


def filmed(r: Random) -> dict[str, Any]:
    return {**shown(r), "num_frames": FRAMES}


def painted(r: Random) -> dict[str, Any]:
    """An image and where it is painted anew."""
    return {**shown(r), "mask_image": r(1, 1, 2 * SIDE, 2 * SIDE).sigmoid().round()}


def with_vae() -> dict[str, Any]:
    return {"vae": vae()}


def for_control() -> dict[str, Any]:
    return {"vae": vae(), "unet": diffusers.UNet2DConditionModel(**CROSS)}


def for_upscaling() -> dict[str, Any]:
    return {"vae": vae(), "low_res_scheduler": diffusers.DDPMScheduler()}


def for_unclip() -> dict[str, Any]:
    config = {"sample_size": 2 * SIDE, "in_channels": 6, "out_channels": 3, "layers_per_block": 1}
    blocks = {"down_block_types": ("ResnetDownsampleBlock2D",), "up_block_types": ("ResnetUpsampleBlock2D",)}
    finer = diffusers.UNet2DModel(**config, **blocks, block_out_channels=(8,), norm_num_groups=4, add_attention=False)
    return {
        "prior": diffusers.PriorTransformer(2, 8, 1, embedding_dim=16, num_embeddings=8, additional_embeddings=4),
        "prior_scheduler": diffusers.UnCLIPScheduler(prediction_type="sample", clip_sample_range=5.0),
        "text_encoder": clip(projection=True),
        "tokenizer": tokenizer(),
        "text_proj": package("diffusers.pipelines.deprecated.unclip.text_proj").UnCLIPTextProjModel(
            clip_embeddings_dim=16, time_embed_dim=64, cross_attention_dim=TEXT
        ),
        "super_res_first": finer,
        "super_res_last": finer,
        "super_res_scheduler": diffusers.UnCLIPScheduler(),
    }


def for_audio_latents() -> dict[str, Any]:
    transformers = package("transformers")
    config = transformers.SpeechT5HifiGanConfig(
        model_in_dim=16,
        upsample_initial_channel=8,
        upsample_rates=(2, 2),
        upsample_kernel_sizes=(4, 4),
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1,),),
        normalize_before=False,
    )
    return {
        "text_encoder": clip(),
        "vae": vae(in_channels=1, out_channels=1),
        "vocoder": transformers.SpeechT5HifiGan(config),
    }


def for_film() -> dict[str, Any]:
    transformers = package("transformers")
    config = transformers.CLIPVisionConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=16,
        patch_size=8,
        projection_dim=TEXT,
    )
    return {
        "vae": diffusers.AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
        ),
        "image_encoder": transformers.CLIPVisionModelWithProjection(config),
        "feature_extractor": transformers.CLIPImageProcessorPil(crop_size=16, size=16),
    }


def for_audio() -> dict[str, Any]:
    return {
        "vae": diffusers.AutoencoderOobleck(
            encoder_hidden_size=8,
            downsampling_ratios=[2],
            channel_multiples=[1],
            decoder_channels=8,
            decoder_input_channels=4,
        ),
        "projection_model": diffusers.StableAudioProjectionModel(TEXT, TEXT, 0, 8),
    }


FLOW = "FlowMatchEulerDiscreteScheduler"
PIPED: dict[str, Piped] = {
    "Stable Diffusion 1": Piped("StableDiffusionPipeline", "PNDMScheduler", {"skip_prk_steps": True}),
    "Stable Diffusion 2": Piped("StableDiffusionPipeline", "DDIMScheduler"),
    "Stable Diffusion inpainting": Piped(
        "StableDiffusionInpaintPipeline", "DDIMScheduler", parts=with_vae, inputs=painted
    ),
    "SDXL": Piped("StableDiffusionXLPipeline", "EulerDiscreteScheduler"),
    "LCM": Piped("LatentConsistencyModelPipeline", "LCMScheduler"),
    "Stable Diffusion x4 upscaler": Piped(
        "StableDiffusionUpscalePipeline",
        "DDIMScheduler",
        parts=for_upscaling,
        inputs=lambda r: {"image": r(1, 3, SIDE, SIDE).sigmoid()},
    ),
    "unCLIP": Piped(
        "UnCLIPPipeline",
        "UnCLIPScheduler",
        {"variance_type": "learned_range"},
        for_unclip,
        lambda r: {"prompt": "a cat"},
        denoiser="decoder",
    ),
    "DeepFloyd IF": Piped("IFPipeline", "DDPMScheduler", inputs=lambda r: {"height": SIDE, "width": SIDE}),
    "Kandinsky 2.2": Piped(
        "KandinskyV22Pipeline",
        "DDPMScheduler",
        parts=lambda: {"movq": diffusers.VQModel(**AUTOENCODER, latent_channels=4)},
        inputs=sized,
    ),
    "AudioLDM": Piped(
        "AudioLDMPipeline",
        "DDIMScheduler",
        parts=for_audio_latents,
        inputs=lambda r: {"prompt_embeds": r(1, TEXT), "negative_prompt_embeds": r(1, TEXT)},
    ),
    "Stable Video Diffusion": Piped(
        "StableVideoDiffusionPipeline",
        "EulerDiscreteScheduler",
        {"prediction_type": "v_prediction"},
        for_film,
        filmed,
    ),
    "ModelScope text to video": Piped(
        "TextToVideoSDPipeline", "DDIMScheduler", inputs=lambda r: {"num_frames": FRAMES}
    ),
    "AnimateDiff": Piped("AnimateDiffPipeline", "DDIMScheduler", inputs=lambda r: {"num_frames": FRAMES}),
    "DiT": Piped(
        "DiTPipeline",
        "DDIMScheduler",
        parts=with_vae,
        inputs=lambda r: {"class_labels": [3], "guidance_scale": 1.0},
    ),
    "PixArt-α": Piped("PixArtAlphaPipeline", "DPMSolverMultistepScheduler"),
    "PixArt-Σ": Piped("PixArtSigmaPipeline", "DPMSolverMultistepScheduler"),
    "Sana": Piped("SanaPipeline", "DPMSolverMultistepScheduler"),
    "Stable Diffusion 3": Piped("StableDiffusion3Pipeline", FLOW),
    "Stable Diffusion 3.5 medium": Piped("StableDiffusion3Pipeline", FLOW),
    "Stable Diffusion 3.5 large": Piped("StableDiffusion3Pipeline", FLOW),
    "FLUX.1 dev": Piped("FluxPipeline", FLOW),
    "FLUX.1 schnell": Piped("FluxPipeline", FLOW),
    "FLUX.1 Fill": Piped("FluxFillPipeline", FLOW, parts=lambda: {"vae": vae(1, shift_factor=0.1)}, inputs=painted),
    "AuraFlow": Piped("AuraFlowPipeline", FLOW),
    "Lumina-Image 2": Piped("Lumina2Pipeline", FLOW),
    "Chroma": Piped("ChromaPipeline", FLOW),
    "CogView4": Piped("CogView4Pipeline", FLOW),
    "Qwen-Image": Piped("QwenImagePipeline", FLOW),
    "Hunyuan-DiT": Piped("HunyuanDiTPipeline", "DDPMScheduler"),
    "HunyuanVideo": Piped("HunyuanVideoPipeline", FLOW),
    "Wan 2.1": Piped("WanPipeline", "UniPCMultistepScheduler"),
    "LTX-Video": Piped("LTXPipeline", FLOW),
    "CogVideoX": Piped("CogVideoXPipeline", "CogVideoXDDIMScheduler", inputs=lambda r: {"num_frames": 1}),
    "Mochi 1": Piped("MochiPipeline", FLOW),
    "Allegro": Piped("AllegroPipeline", "EulerAncestralDiscreteScheduler", inputs=lambda r: {"num_frames": 8}),
    "Latte": Piped("LattePipeline", "DDIMScheduler", inputs=lambda r: {"video_length": 1}),
    "Stable Audio": Piped("StableAudioPipeline", "EDMDPMSolverMultistepScheduler", parts=for_audio),
    "ControlNet": Piped(
        "StableDiffusionControlNetPipeline",
        "DDIMScheduler",
        parts=for_control,
        inputs=shown,
        denoiser="controlnet",
    ),
    "Dance Diffusion": Piped("DanceDiffusionPipeline", "IPNDMScheduler"),
}
"""By the configuration of ``forty``."""
GIVEN: dict[str, tuple[str, Callable[[Random], dict[str, Any]]]] = {
    "AutoencoderKL": (
        "given, since pipelines encode and decode with it, and never take its whole forward pass",
        lambda r: {"sample": r(1, 3, 2 * SIDE, 2 * SIDE)},
    ),
}
"""Why no pipeline gives the inputs of a configuration, and such inputs."""


def pipeline_of(name: str, model: nn.Module) -> Any:
    """The pipeline of a configuration, with its denoiser; parts that its run does not need are None."""
    one = PIPED[name]
    kind = getattr(diffusers, one.kind)
    taken = inspect.signature(kind.__init__).parameters
    empty = {part: None for part, about in taken.items() if part != "self" and about.default is about.empty}
    denoiser = one.denoiser or next(part for part in DENOISERS if part in taken)
    scheduler = "scheduler" if "scheduler" in taken else f"{denoiser}_scheduler"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = one.parts()
    parts |= {denoiser: model, scheduler: getattr(diffusers, one.scheduler)(**one.settings)}
    return kind(**{**empty, **parts})


def calls_of(name: str, model: nn.Module) -> tuple[str, Calibration]:
    """How forward passes of a configuration were made, and they: one of each step."""
    generator = torch.Generator().manual_seed(1)

    def r(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    if name in GIVEN:
        why, given = GIVEN[name]
        return why, Calibration(tuple(Call(given(r), step, STEPS, batch=1) for step in range(STEPS)), {"source": why})
    one, pipeline = PIPED[name], pipeline_of(name, model)
    taken = accepted_by(pipeline)
    inputs = {argument: value(r) for argument, value in COMMON.items() if argument in taken} | one.inputs(r)
    calls = record(pipeline, steps=STEPS, limit=STEPS, denoiser=one.denoiser, inputs=inputs)
    return RECORDED + one.kind, calls

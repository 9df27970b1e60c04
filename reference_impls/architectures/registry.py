"""Real models and their published counts, as plain data: nothing here imports torch or diffusers.

A model is a class and its configuration, and what a pruning method took out of it. To add one is to add an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DOWN, CROSS_DOWN, ATTENTION_DOWN = "DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D"
UP, CROSS_UP, ATTENTION_UP = "UpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D"


@dataclass(frozen=True)
class Count:
    """One published number."""

    what: str
    """parameters, or macs: multiply-accumulates of Linear and convolution layers in one call for one sample."""
    value: int
    source: str
    """Where it stands."""
    tolerance: float = 0.0
    """Largest relative difference that is still right; 0: to the last one. Rounded numbers allow their rounding."""


@dataclass(frozen=True)
class UnitsRemoved:
    """Structured pruning of some blocks: the same share of heads and neurons in each."""

    ratio: float
    blocks: tuple[int, int]
    """First and last block, counted from 0."""
    prefix: str = "transformer_blocks"


@dataclass(frozen=True)
class Architecture:
    """One model."""

    build: str
    """A class of diffusers, or OriginalDiT."""
    config: Mapping[str, Any]
    counts: tuple[Count, ...]
    paper: str | None = None
    """Slug of the catalogue's entry, where there is one."""
    removed: UnitsRemoved | None = None
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of each argument of the call whose MACs are counted."""
    note: str = ""
    """What a reader should know about the count."""

    @property
    def inputs_in_words(self) -> str:
        """For a table."""
        return ", ".join("x".join(map(str, shape)) for shape in self.inputs.values()) or "weights only"


MEASURED = "the released configuration; counted on the released weights"

DDPM_CIFAR = {
    "sample_size": 32,
    "in_channels": 3,
    "out_channels": 3,
    "layers_per_block": 2,
    "block_out_channels": (128, 256, 256, 256),
    "down_block_types": (DOWN, ATTENTION_DOWN, DOWN, DOWN),
    "up_block_types": (UP, UP, ATTENTION_UP, UP),
    "attention_head_dim": None,
    "norm_eps": 1e-6,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
}
DDPM_256 = {
    **DDPM_CIFAR,
    "sample_size": 256,
    "block_out_channels": (128, 128, 256, 256, 512, 512),
    "down_block_types": (DOWN, DOWN, DOWN, DOWN, ATTENTION_DOWN, DOWN),
    "up_block_types": (UP, ATTENTION_UP, UP, UP, UP, UP),
}
SD_1 = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "layers_per_block": 2,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, DOWN),
    "up_block_types": (UP, CROSS_UP, CROSS_UP, CROSS_UP),
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
}
SD_2 = {**SD_1, "attention_head_dim": (5, 10, 20, 20), "cross_attention_dim": 1024, "use_linear_projection": True}
BASE = {"layers_per_block": 1}
SMALL = {**BASE, "mid_block_type": None}
TINY = {
    **SMALL,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": (CROSS_DOWN, CROSS_DOWN, CROSS_DOWN),
    "up_block_types": (CROSS_UP, CROSS_UP, CROSS_UP),
}
"""BK-SDM's three sizes: one block of each pair, no middle, no innermost resolution."""
SDXL = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "layers_per_block": 2,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": (DOWN, CROSS_DOWN, CROSS_DOWN),
    "up_block_types": (CROSS_UP, CROSS_UP, UP),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
DIFFUSERS_DIT = {
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "in_channels": 4,
    "out_channels": 8,
    "num_layers": 28,
    "sample_size": 32,
    "patch_size": 2,
    "num_embeds_ada_norm": 1000,
}
PIXART = {
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "in_channels": 4,
    "out_channels": 8,
    "num_layers": 28,
    "sample_size": 128,
    "patch_size": 2,
    "cross_attention_dim": 1152,
    "caption_channels": 4096,
    "attention_bias": True,
    "norm_type": "ada_norm_single",
    "norm_elementwise_affine": False,
    "norm_eps": 1e-6,
    "use_additional_conditions": False,
}
SD_3 = {
    "sample_size": 128,
    "patch_size": 2,
    "in_channels": 16,
    "num_layers": 24,
    "attention_head_dim": 64,
    "num_attention_heads": 24,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 1536,
    "pooled_projection_dim": 2048,
    "out_channels": 16,
    "pos_embed_max_size": 192,
}
SD_35_LARGE = {
    **SD_3,
    "num_layers": 38,
    "num_attention_heads": 38,
    "caption_projection_dim": 2432,
    "qk_norm": "rms_norm",
}
FLUX = {
    "patch_size": 1,
    "in_channels": 64,
    "num_layers": 19,
    "num_single_layers": 38,
    "attention_head_dim": 128,
    "num_attention_heads": 24,
    "joint_attention_dim": 4096,
    "pooled_projection_dim": 768,
    "guidance_embeds": True,
}
TINYFUSION_TABLE = "TinyFusion, arXiv:2412.01199, Table 1"


def dit(width: int, depth: int, *counts: Count, paper: str = "dit") -> Architecture:
    """A DiT in its original form."""
    return Architecture("OriginalDiT", {"width": width, "depth": depth}, counts, paper)


def parameters(value: int, source: str = MEASURED, tolerance: float = 0.0) -> Count:
    """A published number of parameters."""
    return Count("parameters", value, source, tolerance)


ARCHITECTURES: Mapping[str, Architecture] = {
    "ddpm-cifar10": Architecture(
        "UNet2DModel",
        DDPM_CIFAR,
        (
            parameters(35_746_307),
            parameters(35_700_000, "DDPM, arXiv:2006.11239, appendix B: 35.7 million", 0.002),
            Count("macs", 6_100_000_000, "Diff-Pruning, arXiv:2305.10924, Table 1: 6.1 G", 0.008),
        ),
        inputs={"sample": (1, 3, 32, 32), "timestep": (1,)},
    ),
    "ddpm-256": Architecture(
        "UNet2DModel",
        DDPM_256,
        (parameters(114_000_000, "DDPM, arXiv:2006.11239, appendix B: 114 million, LSUN and CelebA-HQ", 0.005),),
    ),
    "diff-pruning-cifar10-30": Architecture(
        "UNet2DModel",
        {**DDPM_CIFAR, "block_out_channels": (96, 192, 192, 192)},
        (
            parameters(19_800_000, "Diff-Pruning, arXiv:2305.10924, Table 1: 19.8 M", 0.02),
            Count("macs", 3_400_000_000, "Diff-Pruning, arXiv:2305.10924, Table 1: 3.4 G", 0.02),
        ),
        "diff-pruning",
        inputs={"sample": (1, 3, 32, 32), "timestep": (1,)},
        note="Widths floored in each norm group: 4 channels lose 1, 8 lose 2. The authors' code also narrows the time "
        "embedding, which a configuration of this class cannot say: hence 2 %.",
    ),
    "sd-1.4": Architecture(
        "UNet2DConditionModel",
        SD_1,
        (parameters(859_520_964), Count("macs", 338_610_000_000, "the released configuration at 64x64", 0.0001)),
        inputs={"sample": (1, 4, 64, 64), "timestep": (1,), "encoder_hidden_states": (1, 77, 768)},
    ),
    "bk-sdm-base": Architecture("UNet2DConditionModel", {**SD_1, **BASE}, (parameters(579_384_964),), "bk-sdm"),
    "bk-sdm-small": Architecture("UNet2DConditionModel", {**SD_1, **SMALL}, (parameters(482_346_884),), "bk-sdm"),
    "bk-sdm-tiny": Architecture("UNet2DConditionModel", {**SD_1, **TINY}, (parameters(323_384_964),), "bk-sdm"),
    "sd-2.1": Architecture("UNet2DConditionModel", SD_2, (parameters(865_910_724),)),
    "bk-sdm-v2-base": Architecture("UNet2DConditionModel", {**SD_2, **BASE}, (parameters(583_480_964),), "bk-sdm"),
    "sdxl": Architecture("UNet2DConditionModel", SDXL, (parameters(2_567_463_684),)),
    "ssd-1b": Architecture(
        "UNet2DConditionModel",
        {
            **SDXL,
            "transformer_layers_per_block": [1, [2, 2], [4, 4]],
            "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
            "mid_block_type": "UNetMidBlock2D",
        },
        (parameters(1_331_334_404), parameters(1_300_000_000, "SSD-1B, arXiv:2401.02677, abstract: 1.3B", 0.04)),
        "ssd-1b",
    ),
    "koala-700m": Architecture(
        "UNet2DConditionModel",
        {**SDXL, **SMALL, "transformer_layers_per_block": [0, 2, 5]},
        (parameters(782_822_724),),
        "koala",
    ),
    "koala-1b": Architecture(
        "UNet2DConditionModel",
        {**SDXL, **BASE, "transformer_layers_per_block": [0, 2, 6]},
        (parameters(1_180_000_000, "KOALA model cards: 54 % smaller than SDXL's U-Net", 0.03),),
        "koala",
    ),
    "dit-xl-2": dit(1152, 28, parameters(675_129_632), parameters(675_000_000, f"{TINYFUSION_TABLE}: 675 M", 0.001)),
    "tinydit-d19": dit(1152, 19, parameters(459_000_000, f"{TINYFUSION_TABLE}: 459 M", 0.003), paper="tinyfusion"),
    "tinydit-d14": dit(1152, 14, parameters(340_457_504), paper="tinyfusion"),
    "tinydit-d7": dit(1152, 7, parameters(173_121_440), paper="tinyfusion"),
    "dit-l-2": dit(1024, 24, parameters(458_000_000, f"{TINYFUSION_TABLE}: 458 M", 0.002)),
    "dit-xl-2-diffusers": Architecture(
        "DiTTransformer2DModel",
        DIFFUSERS_DIT,
        (parameters(749_826_464),),
        "dit",
        note="Every block of this class owns an embedder: 75 million parameters more than the original.",
    ),
    "pixart-alpha": Architecture(
        "PixArtTransformer2DModel",
        PIXART,
        (parameters(610_856_096),),
        "pixart-alpha",
        note="Without the embedders of size and aspect ratio, 493,056 parameters.",
    ),
    "sd-3-medium": Architecture("SD3Transformer2DModel", SD_3, (parameters(2_028_328_000),)),
    "sd-3.5-medium": Architecture(
        "SD3Transformer2DModel",
        {**SD_3, "dual_attention_layers": tuple(range(13)), "qk_norm": "rms_norm", "pos_embed_max_size": 384},
        (parameters(2_243_171_520),),
    ),
    "sd-3.5-large": Architecture("SD3Transformer2DModel", SD_35_LARGE, (parameters(8_056_627_520),)),
    "obs-diff-sd-3.5-large-15": Architecture(
        "SD3Transformer2DModel", SD_35_LARGE, (parameters(7_276_526_312),), "obs-diff", UnitsRemoved(0.15, (1, 36))
    ),
    "obs-diff-sd-3.5-large-30": Architecture(
        "SD3Transformer2DModel", SD_35_LARGE, (parameters(6_541_265_552),), "obs-diff", UnitsRemoved(0.30, (1, 36))
    ),
    "flux.1-dev": Architecture("FluxTransformer2DModel", FLUX, (parameters(11_901_408_320),)),
    "flux.1-schnell": Architecture(
        "FluxTransformer2DModel", {**FLUX, "guidance_embeds": False}, (parameters(11_891_178_560),)
    ),
    "flux.1-lite-8b": Architecture(
        "FluxTransformer2DModel",
        {**FLUX, "num_layers": 8},
        (parameters(8_000_000_000, "its name, Flux.1 Lite 8B: 8 of 19 joint blocks stay", 0.03),),
    ),
    "auraflow": Architecture(
        "AuraFlowTransformer2DModel", {}, (parameters(6_800_000_000, "its name, AuraFlow 6.8B", 0.01),)
    ),
    "sana-1.6b": Architecture(
        "SanaTransformer2DModel", {}, (parameters(1_600_000_000, "its name, Sana-1.6B", 0.01),), "sana"
    ),
    "sana-0.6b": Architecture(
        "SanaTransformer2DModel",
        {
            "num_attention_heads": 36,
            "attention_head_dim": 32,
            "num_layers": 28,
            "num_cross_attention_heads": 16,
            "cross_attention_head_dim": 72,
            "cross_attention_dim": 1152,
        },
        (parameters(600_000_000, "its name, Sana-0.6B", 0.02),),
        "sana",
    ),
    "mochi-1": Architecture(
        "MochiTransformer3DModel", {}, (parameters(10_000_000_000, "model card: a 10 billion parameter model", 0.01),)
    ),
    "wan-2.1-14b": Architecture(
        "WanTransformer3DModel", {}, (parameters(14_000_000_000, "its name, Wan2.1 14B", 0.03),)
    ),
    "hunyuan-video": Architecture(
        "HunyuanVideoTransformer3DModel",
        {"guidance_embeds": True},
        (parameters(13_000_000_000, "model card: over 13 billion, with rounding", 0.02),),
    ),
}


def chosen(name: str | None) -> Mapping[str, Architecture]:
    """One architecture by name, or all.

    Raises:
        ValueError: there is none of that name.
    """
    if name is None:
        return ARCHITECTURES
    if name not in ARCHITECTURES:
        raise ValueError(f"architecture {name!r} is not one of {', '.join(ARCHITECTURES)}")
    return {name: ARCHITECTURES[name]}

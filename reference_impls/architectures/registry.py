"""Real models and their published counts, as plain data: nothing here imports torch or diffusers.

A model is a class and its configuration, and what a pruning method took out of it. To add one is to add an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reference_impls.near_names import unknown

DOWN, CROSS_DOWN, ATTENTION_DOWN = "DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D"
UP, CROSS_UP, ATTENTION_UP = "UpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D"


WHAT: Mapping[str, str] = {
    "parameters": "weights and biases, trained or not",
    "MACs": "multiply-accumulates of Linear and convolution layers, per forward pass of one sample",
    "MACs with attention": "MACs, and both products of attention: queries with keys, attention weights with values",
    "MACs by torch-pruning": "as that package counts: MACs, plus one for each bias (once for all tokens of a Linear "
    "layer) and two for each value that a norm scales",
}
"""Everything that can be counted. Papers call each of the last three MACs, and some call them FLOPs."""


@dataclass(frozen=True)
class Count:
    """One published number."""

    what: str
    """A key of WHAT."""
    value: int
    source: str
    """The paper, table or page that states it."""
    tolerance: float = 0.0
    """Largest relative difference that is still right; 0: to the last one. Rounded numbers allow their rounding."""


@dataclass(frozen=True)
class UnitsRemoved:
    """Structured pruning: the same fraction of heads and neurons in each layer that has them."""

    ratio: float
    layers: tuple[str, ...]
    """Patterns of their names, as in a shell: * is any text."""


Inputs = Mapping[str, tuple[int, ...] | Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Architecture:
    """One model."""

    build: str
    """A class of diffusers, or one of this folder: OriginalDiT, DDIMUNet."""
    config: Mapping[str, Any]
    counts: tuple[Count, ...]
    paper: str | None = None
    """Slug of the catalogue's entry, where there is one."""
    removed: UnitsRemoved | None = None
    inputs: Inputs = field(default_factory=dict)
    """Shape of each argument of the call whose MACs are counted; an argument may be a mapping of its own."""
    note: str = ""
    """What a reader should know about the count."""

    @property
    def inputs_in_words(self) -> str:
        """For a table."""
        shapes: list[tuple[int, ...]] = []
        for given in self.inputs.values():
            shapes.extend(given.values() if isinstance(given, Mapping) else [given])
        return ", ".join("x".join(map(str, shape)) for shape in shapes) or "weights only"


MEASURED = "the released configuration; counted on the released weights"
DIFF_PRUNING = "Diff-Pruning, arXiv:2305.10924"
DEEPCACHE = "DeepCache, arXiv:2312.00858"
SECOND_MATCH = "2ndMatch, arXiv:2506.05398"
OBS_DIFF = "OBS-Diff, arXiv:2510.06751"
TINYFUSION_TABLE = "TinyFusion, arXiv:2412.01199, Table 1"

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
DDIM_CIFAR = {"widths": (128, 256, 256, 256), "time": 512, "attention": (1,)}
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
MIDDLE_36 = tuple(f"transformer_blocks.{block}.*" for block in range(1, 37))
"""All blocks of SD3.5-large but the first and the last."""
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
CIFAR_CALL: Inputs = {"sample": (1, 3, 32, 32), "timestep": (1,)}
LSUN_CALL: Inputs = {"sample": (1, 3, 256, 256), "timestep": (1,)}
SD_1_CALL: Inputs = {"sample": (1, 4, 64, 64), "timestep": (1,), "encoder_hidden_states": (1, 77, 768)}
SD_2_CALL: Inputs = {"sample": (1, 4, 64, 64), "timestep": (1,), "encoder_hidden_states": (1, 77, 1024)}
SDXL_CALL: Inputs = {
    "sample": (1, 4, 128, 128),
    "timestep": (1,),
    "encoder_hidden_states": (1, 77, 2048),
    "added_cond_kwargs": {"text_embeds": (1, 1280), "time_ids": (1, 6)},
}
PIXART_CALL: Inputs = {"hidden_states": (1, 4, 128, 128), "encoder_hidden_states": (1, 120, 4096), "timestep": (1,)}
SD_3_CALL: Inputs = {
    "hidden_states": (1, 16, 128, 128),
    "encoder_hidden_states": (1, 333, 4096),
    "pooled_projections": (1, 2048),
    "timestep": (1,),
}
SCHNELL_CALL: Inputs = {
    "hidden_states": (1, 4096, 64),
    "encoder_hidden_states": (1, 512, 4096),
    "pooled_projections": (1, 768),
    "timestep": (1,),
    "img_ids": (4096, 3),
    "txt_ids": (512, 3),
}
FLUX_CALL: Inputs = {**SCHNELL_CALL, "guidance": (1,)}
CHROMA_CALL: Inputs = {name: shape for name, shape in SCHNELL_CALL.items() if name != "pooled_projections"}
SANA_CALL: Inputs = {"hidden_states": (1, 32, 32, 32), "encoder_hidden_states": (1, 300, 2304), "timestep": (1,)}
AURAFLOW_CALL: Inputs = {"hidden_states": (1, 4, 128, 128), "encoder_hidden_states": (1, 256, 2048), "timestep": (1,)}
WAN_CALL: Inputs = {"hidden_states": (1, 16, 21, 60, 104), "encoder_hidden_states": (1, 512, 4096), "timestep": (1,)}
"""Images of 1024×1024 for the models that make them, of 512×512 for SD 1 and 2, 81 frames of 480p for Wan."""


def dit(width: int, depth: int, *counts: Count, side: int = 32, paper: str = "dit") -> Architecture:
    """A DiT in its original form."""
    return Architecture(
        "OriginalDiT",
        {"width": width, "depth": depth, "side": side},
        counts,
        paper,
        inputs={"sample": (1, 4, side, side), "frequencies": (1, 256), "label": (1,)},
    )


def unet(config: Mapping[str, Any], *counts: Count, call: Inputs, paper: str | None = None) -> Architecture:
    """A U-Net of the Stable Diffusion family."""
    return Architecture("UNet2DConditionModel", config, counts, paper, inputs=call)


def parameters(value: int, source: str = MEASURED, tolerance: float = 0.0) -> Count:
    """A published number of parameters."""
    return Count("parameters", value, source, tolerance)


def macs_by_torch_pruning(value: int, source: str, tolerance: float) -> Count:
    """A published number of MACs that counts biases and norms too."""
    return Count("MACs by torch-pruning", value, source, tolerance)


ARCHITECTURES: Mapping[str, Architecture] = {
    "ddpm-cifar10": Architecture(
        "UNet2DModel",
        DDPM_CIFAR,
        (
            parameters(35_746_307),
            parameters(35_700_000, "DDPM, arXiv:2006.11239, appendix B: 35.7 million", 0.002),
            macs_by_torch_pruning(6_064_000_000, "torch-pruning's counter on this class: 6.064 G", 0.0001),
        ),
        inputs=CIFAR_CALL,
        note="Attention has linear layers here, whose biases torch-pruning counts once and not for each position.",
    ),
    "ddpm-cifar10-ddim": Architecture(
        "DDIMUNet",
        DDIM_CIFAR,
        (
            parameters(35_746_307),
            macs_by_torch_pruning(6_100_000_000, f"{DIFF_PRUNING}, Table 1: 6.1 G", 0.008),
        ),
        inputs=CIFAR_CALL,
        note="The same model as ddpm-cifar10 with attention of 1×1 convolutions: 1.3 million MACs of biases more.",
    ),
    "ddpm-256": Architecture(
        "UNet2DModel",
        DDPM_256,
        (
            parameters(114_000_000, "DDPM, arXiv:2006.11239, appendix B: 114 million, LSUN and CelebA-HQ", 0.005),
            parameters(113_700_000, f"{SECOND_MATCH}, main table: 113.7 M", 0.0005),
            macs_by_torch_pruning(248_700_000_000, f"{DEEPCACHE}, Table 2: 248.7 G", 0.0003),
        ),
        inputs=LSUN_CALL,
    ),
    "diff-pruning-cifar10-30": Architecture(
        "DDIMUNet",
        {**DDIM_CIFAR, "widths": (96, 192, 192, 192), "time": 358, "unnormed": (89, 179, 179, 179)},
        (
            parameters(19_851_157, "the authors' rule, run with torch-pruning 1.2.5"),
            parameters(19_800_000, f"{DIFF_PRUNING}, Table 1: 19.8 M", 0.003),
            macs_by_torch_pruning(3_392_800_000, "the authors' rule, run with torch-pruning 1.2.5: 3.3928 G", 0.00002),
            macs_by_torch_pruning(3_400_000_000, f"{DIFF_PRUNING}, Table 1: 3.4 G", 0.003),
        ),
        "diff-pruning",
        inputs=CIFAR_CALL,
        note="Of 128 channels 39 are to go, which is one from each of the 32 groups of a norm, so 96 stay; of 256, 77, "
        "two from each group, so 192 stay. Channels that no norm reads are in no group: of 256 stay 179, of 512 358.",
    ),
    "diff-pruning-cifar10-30-rounded-up": Architecture(
        "DDIMUNet",
        {**DDIM_CIFAR, "widths": (64, 160, 160, 160), "time": 358, "unnormed": (89, 179, 179, 179)},
        (
            parameters(13_950_000, f"{OBS_DIFF}, Table 10: 13.95 M", 0.0004),
            macs_by_torch_pruning(2_100_000_000, f"{OBS_DIFF}, Table 10: 2.1 G", 0.01),
        ),
        "diff-pruning",
        inputs=CIFAR_CALL,
        note="The same 30% with torch-pruning 1.6, rounded up per group: of 128 channels 64 remain, of 256 160.",
    ),
    "diff-pruning-lsun-30": Architecture(
        "DDIMUNet",
        {
            "widths": (96, 96, 192, 192, 384, 384),
            "time": 358,
            "attention": (4,),
            "unnormed": (89, 89, 179, 179, 358, 358),
        },
        (
            parameters(63_200_000, f"{SECOND_MATCH}, main table: 63.2 M", 0.0008),
            macs_by_torch_pruning(138_800_000_000, f"{DEEPCACHE}, Table 2: 138.8 G", 0.0006),
        ),
        "diff-pruning",
        inputs=LSUN_CALL,
        note="138.87 G is counted; the papers seem to cut the last digit off.",
    ),
    "sd-1.4": unet(
        SD_1,
        parameters(859_520_964),
        Count("MACs", 338_610_000_000, "the released configuration at 64x64: 338.61 G", 0.0001),
        macs_by_torch_pruning(338_830_000_000, f"{DEEPCACHE}, Table 3, SD 1.5: 338.83 G", 0.0001),
        call=SD_1_CALL,
    ),
    "bk-sdm-base": unet(
        {**SD_1, **BASE},
        parameters(579_384_964),
        macs_by_torch_pruning(223_810_000_000, f"{DEEPCACHE}, Table 3: 223.81 G", 0.0001),
        call=SD_1_CALL,
        paper="bk-sdm",
    ),
    "bk-sdm-small": unet(
        {**SD_1, **SMALL},
        parameters(482_346_884),
        macs_by_torch_pruning(217_780_000_000, f"{DEEPCACHE}, Table 3: 217.78 G", 0.0001),
        call=SD_1_CALL,
        paper="bk-sdm",
    ),
    "bk-sdm-tiny": unet(
        {**SD_1, **TINY},
        parameters(323_384_964),
        macs_by_torch_pruning(205_090_000_000, f"{DEEPCACHE}, Table 3: 205.09 G", 0.0001),
        call=SD_1_CALL,
        paper="bk-sdm",
    ),
    "sd-2.1": unet(SD_2, parameters(865_910_724), call=SD_2_CALL),
    "bk-sdm-v2-base": unet({**SD_2, **BASE}, parameters(583_480_964), call=SD_2_CALL, paper="bk-sdm"),
    "bk-sdm-v2-tiny": unet(
        {**SD_2, **TINY, "attention_head_dim": (5, 10, 20)},
        parameters(330_000_000, "BK-SDM's model card: 0.33 B", 0.015),
        call=SD_2_CALL,
        paper="bk-sdm",
    ),
    "sdxl": unet(
        SDXL,
        parameters(2_567_463_684),
        parameters(2_570_000_000, f"{OBS_DIFF}, Table 3: 2.57 B", 0.002),
        call=SDXL_CALL,
    ),
    "ssd-1b": unet(
        {
            **SDXL,
            "transformer_layers_per_block": [1, [2, 2], [4, 4]],
            "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
            "mid_block_type": "UNetMidBlock2D",
        },
        parameters(1_331_334_404),
        parameters(1_300_000_000, "SSD-1B, arXiv:2401.02677, abstract: 1.3B", 0.04),
        call=SDXL_CALL,
        paper="ssd-1b",
    ),
    "segmind-vega": unet(
        {
            **SDXL,
            "transformer_layers_per_block": [1, [1, 1], [2, 2]],
            "reverse_transformer_layers_per_block": [[2, 2, 2], [1, 1, 1], 1],
            "mid_block_type": "UNetMidBlock2D",
        },
        parameters(745_000_000, "Segmind Vega's model card: 745 million", 0.0007),
        parameters(740_000_000, "SSD-1B, arXiv:2401.02677, abstract: 0.74B", 0.0075),
        call=SDXL_CALL,
        paper="ssd-1b",
    ),
    "koala-700m": unet(
        {**SDXL, **SMALL, "transformer_layers_per_block": [0, 2, 5]},
        parameters(782_822_724),
        call=SDXL_CALL,
        paper="koala",
    ),
    "koala-1b": unet(
        {**SDXL, **BASE, "transformer_layers_per_block": [0, 2, 6]},
        parameters(1_161_000_000, "KOALA's model card: 1,161 M", 0.0005),
        call=SDXL_CALL,
        paper="koala",
    ),
    "obs-diff-sdxl-15": Architecture(
        "UNet2DConditionModel",
        SDXL,
        (parameters(2_240_000_000, f"{OBS_DIFF}, Table 3: 2.24 B", 0.0025),),
        "obs-diff",
        UnitsRemoved(0.15, ("*.transformer_blocks.*",)),
        SDXL_CALL,
    ),
    "obs-diff-sdxl-30": Architecture(
        "UNet2DConditionModel",
        SDXL,
        (parameters(1_910_000_000, f"{OBS_DIFF}, Table 3: 1.91 B", 0.0025),),
        "obs-diff",
        UnitsRemoved(0.30, ("*.transformer_blocks.*",)),
        SDXL_CALL,
    ),
    "dit-xl-2": dit(
        1152,
        28,
        parameters(675_129_632),
        parameters(675_000_000, f"{TINYFUSION_TABLE}: 675 M", 0.001),
        Count("MACs with attention", 119_000_000_000, "DiT's repository, README: 119 Gflops", 0.004),
    ),
    "dit-xl-2-512": dit(
        1152,
        28,
        Count("MACs with attention", 525_000_000_000, "DiT's repository, README: 525 Gflops", 0.001),
        side=64,
    ),
    "tinydit-d19": dit(1152, 19, parameters(459_000_000, f"{TINYFUSION_TABLE}: 459 M", 0.003), paper="tinyfusion"),
    "tinydit-d14": dit(
        1152,
        14,
        parameters(340_457_504),
        parameters(340_000_000, f"{TINYFUSION_TABLE}: 340 M", 0.0015),
        paper="tinyfusion",
    ),
    "tinydit-d7": dit(
        1152,
        7,
        parameters(173_121_440),
        parameters(173_000_000, f"{TINYFUSION_TABLE}: 173 M", 0.003),
        paper="tinyfusion",
    ),
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
        inputs=PIXART_CALL,
        note="Without the embedders of size and aspect ratio, 493,056 parameters.",
    ),
    "sd-3-medium": Architecture("SD3Transformer2DModel", SD_3, (parameters(2_028_328_000),), inputs=SD_3_CALL),
    "neodragon": Architecture(
        "SD3Transformer2DModel",
        {**SD_3, "num_layers": 18},
        (parameters(1_518_000_000, "Neodragon, arXiv:2511.06055, ablation table: 1,518 M, 24 to 18 blocks", 0.0005),),
        "neodragon",
        inputs=SD_3_CALL,
        note="It prunes the transformer of Pyramidal Flow, which has the layers of SD3-medium.",
    ),
    "sd-3.5-medium": Architecture(
        "SD3Transformer2DModel",
        {**SD_3, "dual_attention_layers": tuple(range(13)), "qk_norm": "rms_norm", "pos_embed_max_size": 384},
        (parameters(2_243_171_520),),
        inputs=SD_3_CALL,
    ),
    "sd-3.5-large": Architecture("SD3Transformer2DModel", SD_35_LARGE, (parameters(8_056_627_520),), inputs=SD_3_CALL),
    "obs-diff-sd-3.5-large-15": Architecture(
        "SD3Transformer2DModel",
        SD_35_LARGE,
        (parameters(7_276_526_312),),
        "obs-diff",
        UnitsRemoved(0.15, MIDDLE_36),
        SD_3_CALL,
    ),
    "obs-diff-sd-3.5-large-30": Architecture(
        "SD3Transformer2DModel",
        SD_35_LARGE,
        (parameters(6_541_265_552),),
        "obs-diff",
        UnitsRemoved(0.30, MIDDLE_36),
        SD_3_CALL,
    ),
    "flux.1-dev": Architecture("FluxTransformer2DModel", FLUX, (parameters(11_901_408_320),), inputs=FLUX_CALL),
    "flux.1-schnell": Architecture(
        "FluxTransformer2DModel", {**FLUX, "guidance_embeds": False}, (parameters(11_891_178_560),), inputs=SCHNELL_CALL
    ),
    "flux.1-lite-8b": Architecture(
        "FluxTransformer2DModel",
        {**FLUX, "num_layers": 8},
        (parameters(8_000_000_000, "its name, Flux.1 Lite 8B: 8 of 19 joint blocks stay", 0.03),),
        inputs=FLUX_CALL,
    ),
    "chroma1": Architecture(
        "ChromaTransformer2DModel",
        {},
        (parameters(8_900_000_000, "Chroma's model card: 8.9B, from FLUX.1-schnell", 0.001),),
        inputs=CHROMA_CALL,
        note="The modulation of FLUX, a quarter of its weights, gave way to one small network for all blocks.",
    ),
    "auraflow": Architecture(
        "AuraFlowTransformer2DModel",
        {},
        (parameters(6_800_000_000, "its name, AuraFlow 6.8B", 0.01),),
        inputs=AURAFLOW_CALL,
    ),
    "sana-1.6b": Architecture(
        "SanaTransformer2DModel",
        {},
        (parameters(1_600_000_000, "its name, Sana-1.6B", 0.01),),
        "sana",
        inputs=SANA_CALL,
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
        inputs=SANA_CALL,
    ),
    "sana-1.5-4.8b": Architecture(
        "SanaTransformer2DModel",
        {"num_layers": 60, "qk_norm": "rms_norm_across_heads"},
        (parameters(4_800_000_000, "SANA-1.5, arXiv:2501.18427, abstract: 4.8B, 60 blocks for 20", 0.02),),
        "sana-1-5",
        inputs=SANA_CALL,
    ),
    "mochi-1": Architecture(
        "MochiTransformer3DModel", {}, (parameters(10_000_000_000, "model card: a 10 billion parameter model", 0.01),)
    ),
    "wan-2.1-14b": Architecture(
        "WanTransformer3DModel",
        {},
        (parameters(14_000_000_000, "its name, Wan2.1 14B", 0.03),),
        inputs=WAN_CALL,
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
        raise ValueError(unknown("architecture", name, ARCHITECTURES, "python -m reference_impls arch"))
    return {name: ARCHITECTURES[name]}

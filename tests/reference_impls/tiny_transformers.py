"""Transformers and U-Nets of diffusers with random weights and inputs, as small as the classes allow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reference_impls.models.diffusers_package import diffusers_package

Random = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class Sized:
    """A configuration of a class."""

    kind: str
    config: dict[str, Any]


@dataclass(frozen=True)
class Tiny(Sized):
    """A configuration of a class, and inputs of one forward pass."""

    inputs: Callable[[Random], dict[str, Any]]


TEXT, TOKENS, SIDE = 8, 5, 8
"""Width and length of a prompt, side of a latent image."""
ATTENTION = {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 2}
LATENTS = {"in_channels": 4, "out_channels": 4}
TIME = torch.tensor([500])


def _image(r: Random, *frames: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_states": r(1, 4, *frames, SIDE, SIDE),
        "encoder_hidden_states": r(1, TOKENS, TEXT),
        "timestep": TIME,
        **more,
    }


def _tokens(r: Random, channels: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_states": r(1, 16, channels),
        "encoder_hidden_states": r(1, TOKENS, TEXT),
        "timestep": torch.tensor([0.5]),
        **more,
    }


def _ids() -> dict[str, torch.Tensor]:
    rows = torch.cartesian_prod(torch.zeros(1), torch.arange(4.0), torch.arange(4.0))
    return {"img_ids": rows, "txt_ids": torch.zeros(TOKENS, 3)}


MASK = torch.ones(1, TOKENS)
UNET: dict[str, Any] = {"sample_size": SIDE, "block_out_channels": (16, 32), "norm_num_groups": 8, **LATENTS}
TINY: dict[str, Tiny] = {
    "pixart": Tiny(
        "PixArtTransformer2DModel",
        {**ATTENTION, "sample_size": SIDE, **LATENTS, "cross_attention_dim": 32, "caption_channels": TEXT},
        lambda r: _image(r, added_cond_kwargs={"aspect_ratio": None, "resolution": None}),
    ),
    "sana": Tiny(
        "SanaTransformer2DModel",
        {
            **ATTENTION,
            **LATENTS,
            "sample_size": SIDE,
            "patch_size": 1,
            "caption_channels": TEXT,
            "num_cross_attention_heads": 2,
            "cross_attention_head_dim": 16,
            "cross_attention_dim": 32,
        },
        _image,
    ),
    "wan": Tiny(
        "WanTransformer3DModel",
        {
            **ATTENTION,
            **LATENTS,
            "patch_size": (1, 2, 2),
            "text_dim": TEXT,
            "freq_dim": 16,
            "ffn_dim": 24,
            "attention_head_dim": 12,
            "rope_max_seq_len": 32,
        },
        lambda r: _image(r, 2),
    ),
    "cogvideox": Tiny(
        "CogVideoXTransformer3DModel",
        {
            **ATTENTION,
            **LATENTS,
            "time_embed_dim": 8,
            "text_embed_dim": TEXT,
            "max_text_seq_length": TOKENS,
            "sample_width": SIDE,
            "sample_height": SIDE,
            "sample_frames": 1,
            "patch_size": 2,
        },
        lambda r: _image(r) | {"hidden_states": r(1, 1, 4, SIDE, SIDE)},
    ),
    "hunyuan-video": Tiny(
        "HunyuanVideoTransformer3DModel",
        {
            **ATTENTION,
            **LATENTS,
            "num_single_layers": 2,
            "num_refiner_layers": 1,
            "patch_size": 2,
            "text_embed_dim": TEXT,
            "pooled_projection_dim": TEXT,
            "rope_axes_dim": (2, 2, 4),
        },
        lambda r: _image(
            r,
            2,
            pooled_projections=r(1, TEXT),
            encoder_attention_mask=MASK,
            guidance=torch.tensor([1000.0]),
        ),
    ),
    "qwen-image": Tiny(
        "QwenImageTransformer2DModel",
        {**ATTENTION, "in_channels": 16, "out_channels": 4, "joint_attention_dim": TEXT, "axes_dims_rope": (2, 2, 4)},
        lambda r: _tokens(r, 16, encoder_hidden_states_mask=MASK.long(), img_shapes=[(1, 4, 4)]),
    ),
    "ltx": Tiny(
        "LTXVideoTransformer3DModel",
        {**ATTENTION, **LATENTS, "cross_attention_dim": 32, "caption_channels": TEXT},
        lambda r: _tokens(r, 4, encoder_attention_mask=MASK.bool(), num_frames=1, height=4, width=4),
    ),
    "auraflow": Tiny(
        "AuraFlowTransformer2DModel",
        {
            **LATENTS,
            "num_mmdit_layers": 2,
            "num_single_dit_layers": 2,
            "sample_size": SIDE,
            "num_attention_heads": 4,
            "attention_head_dim": 8,
            "caption_projection_dim": 32,
            "joint_attention_dim": TEXT,
            "pos_embed_max_size": 16,
        },
        _image,
    ),
    "lumina2": Tiny(
        "Lumina2Transformer2DModel",
        {
            "sample_size": SIDE,
            "in_channels": 4,
            "hidden_size": 32,
            "num_layers": 2,
            "num_refiner_layers": 1,
            "num_attention_heads": 4,
            "num_kv_heads": 2,
            "multiple_of": 2,
            "cap_feat_dim": TEXT,
            "axes_dim_rope": (4, 2, 2),
            "axes_lens": (16, 16, 16),
        },
        lambda r: _image(r, encoder_attention_mask=MASK.bool()) | {"timestep": torch.tensor([0.5])},
    ),
    "chroma": Tiny(
        "ChromaTransformer2DModel",
        {
            **ATTENTION,
            "in_channels": 4,
            "num_single_layers": 2,
            "joint_attention_dim": TEXT,
            "axes_dims_rope": (2, 2, 4),
            "approximator_num_channels": 8,
            "approximator_hidden_dim": 16,
            "approximator_layers": 1,
        },
        lambda r: _tokens(r, 4, **_ids()),
    ),
    "flux": Tiny(
        "FluxTransformer2DModel",
        {
            **ATTENTION,
            "in_channels": 4,
            "num_single_layers": 2,
            "joint_attention_dim": TEXT,
            "axes_dims_rope": (2, 2, 4),
            "pooled_projection_dim": TEXT,
        },
        lambda r: _tokens(r, 4, pooled_projections=r(1, TEXT), **_ids()),
    ),
    "sd3": Tiny(
        "SD3Transformer2DModel",
        {
            **ATTENTION,
            **LATENTS,
            "sample_size": SIDE,
            "joint_attention_dim": TEXT,
            "pos_embed_max_size": 8,
            "caption_projection_dim": 32,
            "pooled_projection_dim": TEXT,
            "qk_norm": "rms_norm",
            "num_layers": 3,
            "dual_attention_layers": (0,),
        },
        lambda r: _image(r, pooled_projections=r(1, TEXT)),
    ),
    "cogview4": Tiny(
        "CogView4Transformer2DModel",
        {**ATTENTION, **LATENTS, "text_embed_dim": TEXT, "time_embed_dim": 8, "condition_dim": 4},
        lambda r: _image(r, **{name: torch.ones(1, 2) for name in ("original_size", "target_size", "crop_coords")}),
    ),
    "hunyuan-dit": Tiny(
        "HunyuanDiT2DModel",
        {
            "sample_size": SIDE,
            "patch_size": 2,
            "in_channels": 4,
            "num_layers": 4,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "attention_head_dim": 8,
            "cross_attention_dim": TEXT,
            "text_len": TOKENS,
            "cross_attention_dim_t5": TEXT,
            "pooled_projection_dim": 4,
            "text_len_t5": TOKENS,
        },
        lambda r: (
            _image(
                r,
                text_embedding_mask=MASK,
                encoder_hidden_states_t5=r(1, TOKENS, TEXT),
                text_embedding_mask_t5=MASK,
                image_meta_size=torch.ones(1, 6),
                style=torch.zeros(1).long(),
                image_rotary_emb=[torch.ones(16, 8), torch.zeros(16, 8)],
            )
            | {"timestep": torch.tensor([500.0])}
        ),
    ),
    "mochi": Tiny(
        "MochiTransformer3DModel",
        {
            **ATTENTION,
            "in_channels": 4,
            "pooled_projection_dim": 16,
            "text_embed_dim": TEXT,
            "time_embed_dim": 4,
            "max_sequence_length": TOKENS,
        },
        lambda r: _image(r, 2, encoder_attention_mask=MASK.bool()),
    ),
    "allegro": Tiny(
        "AllegroTransformer3DModel",
        {
            **ATTENTION,
            **LATENTS,
            "cross_attention_dim": 32,
            "caption_channels": TEXT,
            "sample_width": SIDE,
            "sample_height": SIDE,
            "sample_frames": 2,
        },
        lambda r: _image(r, 2),
    ),
    "latte": Tiny(
        "LatteTransformer3DModel",
        {
            **ATTENTION,
            **LATENTS,
            "sample_size": SIDE,
            "patch_size": 2,
            "cross_attention_dim": 32,
            "caption_channels": TEXT,
            "norm_type": "ada_norm_single",
            "norm_elementwise_affine": False,
            "num_embeds_ada_norm": 1000,
            "attention_bias": True,
            "activation_fn": "gelu-approximate",
        },
        lambda r: _image(r, 1),
    ),
    "stable-audio": Tiny(
        "StableAudioDiTModel",
        {
            **ATTENTION,
            **LATENTS,
            "sample_size": 16,
            "num_key_value_attention_heads": 2,
            "cross_attention_dim": 16,
            "cross_attention_input_dim": TEXT,
            "time_proj_dim": 8,
            "global_states_input_dim": TEXT,
        },
        lambda r: {
            "hidden_states": r(1, 4, 16),
            "timestep": torch.tensor([0.5]),
            "encoder_hidden_states": r(1, TOKENS, TEXT),
            "global_hidden_states": r(1, 1, TEXT),
            "rotary_embedding": (torch.ones(17, 4), torch.zeros(17, 4)),
        },
    ),
    "dit": Tiny(
        "DiTTransformer2DModel",
        {
            **ATTENTION,
            "num_layers": 3,
            "in_channels": 4,
            "out_channels": 8,
            "sample_size": SIDE,
            "num_embeds_ada_norm": 10,
        },
        lambda r: {"hidden_states": r(1, 4, SIDE, SIDE), "timestep": TIME, "class_labels": torch.tensor([3])},
    ),
    "unet": Tiny(
        "UNet2DConditionModel",
        {
            **UNET,
            "layers_per_block": 2,
            "cross_attention_dim": TEXT,
            "attention_head_dim": 4,
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        },
        lambda r: {"sample": r(1, 4, SIDE, SIDE), "timestep": TIME, "encoder_hidden_states": r(1, TOKENS, TEXT)},
    ),
    "unet-if": Tiny(
        "UNet2DConditionModel",
        {
            **UNET,
            "layers_per_block": 1,
            "cross_attention_dim": TEXT,
            "attention_head_dim": 4,
            "down_block_types": ("SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D"),
            "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
            "up_block_types": ("ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"),
            "resnet_time_scale_shift": "scale_shift",
        },
        lambda r: {"sample": r(1, 4, SIDE, SIDE), "timestep": TIME, "encoder_hidden_states": r(1, TOKENS, TEXT)},
    ),
}


def tiny(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """A model in double precision whose layers are not zero, and the inputs of a forward pass."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(diffusers_package(), TINY[name].kind)(**TINY[name].config)
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() > 1:
                value.copy_(0.15 * random(*value.shape))
            else:
                value.add_(0.1 * random(*value.shape))
    return model.double().eval(), as_double({**TINY[name].inputs(random), "return_dict": False})


def as_double(value: Any) -> Any:
    """Floating tensors of nested inputs in double precision."""
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {name: as_double(one) for name, one in value.items()}
    return type(value)(as_double(one) for one in value) if isinstance(value, (list, tuple)) else value

"""The five parts of the miniature pipeline, in the classes that Stable Diffusion 1 has, at a size that a CPU trains.

The U-Net has attention where Stable Diffusion XL has it: none at the full resolution, cross-attention below; two layers
in each block down and three in each block up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from reference_impls.pipelines.scenes import SIDE, WORDS

if TYPE_CHECKING:  # diffusers and transformers are an extra, imported where they are needed
    from diffusers import DDIMScheduler
    from transformers import CLIPTextModel, CLIPTokenizer

Pipeline = Any
"""A ``StableDiffusionPipeline`` of diffusers, which sets its parts by name: a type checker knows none of them."""
Autoencoder = Any
"""An ``AutoencoderKL`` of diffusers."""
UNet = Any
"""A ``UNet2DConditionModel`` of diffusers."""
FOLDER = Path(__file__).parent / "miniature-sd"
"""The trained pipeline."""
TOKENS = 10
"""Tokens of a prompt, with the ones that begin and end it: the longest caption has eight."""
WIDTH = 64
"""Width of the text encoder, and so of the cross-attention."""
LATENT_CHANNELS, LATENT_SIDE = 4, SIDE // 4
BEGIN, END = "<|startoftext|>", "<|endoftext|>"


def tokenizer() -> CLIPTokenizer:
    """A tokenizer that has every word of a caption as one token, and the letters for all others.

    The merges are those that byte-pair encoding finds when it is trained on the words until each is whole.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    learned = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    learned.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        end_of_word_suffix="</w>",
        initial_alphabet=letters,
        special_tokens=[BEGIN, END],
        show_progress=False,
    )
    learned.train_from_iterator(sorted(WORDS) * 2, trainer)
    model = json.loads(learned.to_str())["model"]
    vocabulary = dict(model["vocab"])
    for letter in letters:  # the last letter of a word is a token of its own
        vocabulary.setdefault(f"{letter}</w>", len(vocabulary))
    merges: Any = [tuple(pair) for pair in model["merges"]]  # the class takes pairs, though its annotation says text
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=END,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=END,
        model_max_length=TOKENS,
    )


def text_encoder(words: CLIPTokenizer) -> CLIPTextModel:
    """Two layers of four heads."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )


def vae() -> Autoencoder:
    """32×32 pixels, three colours -> 8×8 latents of four channels."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 32, 32),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=SIDE,
        scaling_factor=1.0,
    )


def unet() -> UNet:
    """Two blocks down, one in the middle, two up; four heads in each attention."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 64),
        layers_per_block=2,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # in this class, the number of heads
        norm_num_groups=8,
    )


def scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule, with v-prediction."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    )


def is_miniature(pipeline: Pipeline) -> bool:
    """Whether a pipeline is this one, pruned or not: its tokenizer has every word of a caption, and few others."""
    words = getattr(pipeline, "tokenizer", None)
    if words is None or getattr(words, "model_max_length", None) != TOKENS:
        return False
    return {f"{word}</w>" for word in WORDS} <= set(words.get_vocab())


def pipeline(folder: Path = FOLDER) -> Pipeline:
    """The trained pipeline in float32, without a progress bar.

    Raises:
        FileNotFoundError: the folder holds no pipeline; the message says how to train one.
    """
    from diffusers import StableDiffusionPipeline

    if not (folder / "model_index.json").is_file():
        raise FileNotFoundError(
            f"{folder.name} holds no pipeline; train it: python -m reference_impls.pipelines.train --out {folder.name}"
        )
    opened = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    opened.set_progress_bar_config(disable=True)
    return opened

"""Blocks of real classes: a removed one is one that adds nothing to the streams."""

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls.call import Calibration, Call
from reference_impls.command_line.commands import app
from reference_impls.maths.surgery import Block, skip
from reference_impls.methods.bk_sdm import order
from reference_impls.methods.prune import prune
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.load import load
from reference_impls.units.diffusers_blocks import streams
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.tiny_pipelines import made as made_pipeline
from tests.reference_impls.tiny_transformers import TINY, tiny

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore:In CPU autocast"),  # Mochi asks for it, double precision has none
]
TRANSFORMERS = [name for name in TINY if not name.startswith("unet")]


@pytest.mark.parametrize("name", TRANSFORMERS)
@torch.no_grad()
def test_a_removed_block_adds_nothing(name: str) -> None:
    """The same as a block whose weights are all zero, which leaves a residual stream as it is."""
    model, inputs = tiny(name)
    dense = model(**inputs)[0]
    blocks = blocks_of(model)
    assert len(blocks) >= 2
    chosen = [blocks[0], blocks[-2]]
    without, silent = copy.deepcopy(model), copy.deepcopy(model)
    skip(without, chosen)
    for block in chosen:
        module = silent.get_submodule(block.name)
        if getattr(module, "skip_linear", None) is None:  # HunyuanDiT's second half is not residual in its skip
            for value in module.parameters():
                value.zero_()
    if name != "hunyuan-dit":
        torch.testing.assert_close(without(**inputs)[0], silent(**inputs)[0], rtol=0, atol=1e-10)
    assert float((without(**inputs)[0] - dense).abs().max()) > 1e-8


@pytest.mark.parametrize("method", ["bk-sdm", "laptop-diff", "shortgpt"])
@pytest.mark.parametrize("name", ["sd3", "flux", "wan"])
def test_depth_methods_run_on_real_classes(name: str, method: str) -> None:
    model, inputs = tiny(name)
    calls = Calibration((Call(inputs, batch=1),))
    count = len(blocks_of(model))
    report = prune(model, calls, 0.5, method=method)
    assert len(report.dropped) == report.achieved["blocks"] * count >= 1
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())
    assert report.after.parameters < report.before.parameters


@torch.no_grad()
def test_a_folder_without_some_blocks_is_opened_again(tmp_path: Path) -> None:
    model, inputs = tiny("sd3")
    to_save: Any = model.float()
    to_save.save_pretrained(tmp_path / "dense")
    words = ["prune", str(tmp_path / "dense"), "--method", "bk-sdm", "--sparsity", "0.34"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "diffusers.SD3Transformer2DModel.from_pretrained opens it" in " ".join(done.output.split())
    skip(model, [block for block in blocks_of(model) if block.name == "transformer_blocks.1"])
    opened = load(tmp_path / "out")
    assert [block.name for block in blocks_of(opened)] == ["transformer_blocks.0", "transformer_blocks.1"]
    torch.testing.assert_close(opened.double()(**inputs)[0], model.double()(**inputs)[0], rtol=0, atol=0)


def test_a_block_that_the_model_reads_stays() -> None:
    """DiT takes the embedding of time and class from its first block."""
    assert [block.name for block in blocks_of(tiny("dit")[0])] == [f"transformer_blocks.{number}" for number in (1, 2)]


def test_a_u_net_of_another_kind_is_refused() -> None:
    model = diffusers_package().AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    model.down_blocks = nn.ModuleList()
    with pytest.raises(ValueError, match=r"^the blocks of AutoencoderKL are not known; depth pruning is for transf"):
        blocks_of(model)


UNETS = ("unet", "unet-if")


def silent(model: nn.Module, block: Block, keep_shortcuts: bool) -> nn.Module:
    """The model with a block that adds nothing to its stream, its other layers as they were."""
    made = copy.deepcopy(model)
    module: Any = made.get_submodule(block.name)
    if hasattr(module, "conv2"):
        module.conv2.weight.zero_()
        module.conv2.bias.zero_()
    else:
        for layer in (getattr(module, "proj_out", None), *(getattr(module, "to_out", None) or ())):
            for value in () if layer is None else layer.parameters():
                value.zero_()
    if block.shortcut and block.skipped and not keep_shortcuts:
        shortcut: Any = made.get_submodule(block.shortcut)
        stream = shortcut.in_channels - block.skipped
        if stream == shortcut.out_channels:
            shortcut.weight.copy_(torch.eye(stream, shortcut.in_channels)[:, :, None, None])
            shortcut.bias.zero_()
        shortcut.weight[:, stream:] = 0
    return made


@pytest.mark.parametrize("keep_shortcuts", [False, True])
@pytest.mark.parametrize("name", UNETS)
@torch.no_grad()
def test_a_removed_block_of_a_u_net_adds_nothing(name: str, keep_shortcuts: bool) -> None:
    """Each one alone: the same as a block that adds nothing, and whose shortcut reads the stream alone."""
    model, inputs = tiny(name)
    dense = model(**inputs)[0]
    blocks = blocks_of(model)
    kinds = {(block.name.split(".")[0], block.name.split(".")[-2]) for block in blocks}
    assert kinds == set(itertools.product(("down_blocks", "mid_block", "up_blocks"), ("resnets", "attentions")))
    for block in (one for one in blocks if one.shortcut or not keep_shortcuts):  # of others nothing is kept
        without = copy.deepcopy(model)
        skip(without, [block], keep_shortcuts=keep_shortcuts)
        expected = silent(model, block, keep_shortcuts)(**inputs)[0]
        torch.testing.assert_close(without(**inputs)[0], expected, rtol=0, atol=1e-10, msg=block.name)
        assert float((expected - dense).abs().max()) > 1e-8, block.name
    skip(model, blocks, keep_shortcuts=keep_shortcuts)
    assert bool(torch.isfinite(model(**inputs)[0]).all())


@pytest.mark.parametrize("method", ["bk-sdm", "laptop-diff", "shortgpt"])
@torch.no_grad()
def test_depth_methods_run_on_a_u_net(method: str, tmp_path: Path) -> None:
    pipeline = made_pipeline("sd")
    pipeline.save_pretrained(tmp_path / "dense")
    words = ["prune", str(tmp_path / "dense"), "--method", method, "--sparsity", "0.4", "--out", str(tmp_path / "out")]
    sampler = [] if method == "bk-sdm" else ["--steps", "1", "--samples", "1"]
    keep = ["--keep-shortcuts"] if method == "shortgpt" else []
    done = CliRunner().invoke(app, [*words, *sampler, *keep])
    assert done.exit_code == 0, done.output
    assert "Open it with reference_impls.load: the configuration of UNet2DConditionModel cannot say" in " ".join(
        done.output.split()
    )
    card = json.loads((tmp_path / "out/unet/pruning.json").read_text())
    assert card["shortcuts"] == (card["dropped"] if keep else [])
    opened = load(tmp_path / "out").unet
    model = load(tmp_path / "dense").unet
    skip(
        model,
        [block for block in blocks_of(model) if block.name in card["dropped"]],
        keep_shortcuts=bool(keep),
    )
    assert len(card["dropped"]) >= 4
    inputs = tiny("unet")[1] | {"encoder_hidden_states": torch.ones(1, 5, 16).double()}
    torch.testing.assert_close(opened.double()(**inputs)[0], model.double()(**inputs)[0], rtol=0, atol=0)


def test_the_order_of_bk_sdm_on_stable_diffusion() -> None:
    """Second pairs of the way down, then pairs between on the way up, then the middle: the paper's three sizes."""
    configuration = {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "layers_per_block": 2}
    model = diffusers_package().UNet2DConditionModel(
        block_out_channels=(8, 16),
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=8,
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        **configuration,
    )
    blocks = blocks_of(model)
    names = [blocks[number].name for number in order(blocks)]
    assert names[:6] == [
        "down_blocks.0.resnets.1",
        "down_blocks.0.attentions.1",
        "down_blocks.1.resnets.1",
        "up_blocks.0.resnets.1",
        "up_blocks.1.resnets.1",
        "up_blocks.1.attentions.1",
    ]
    assert names[6:9] == ["mid_block.resnets.0", "mid_block.attentions.0", "mid_block.resnets.1"]
    assert sorted(names) == sorted(block.name for block in blocks)


class Doubled(nn.Module):
    """Gives back something else than it was given."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class Two(nn.Module):
    """Returns its streams in another order."""

    def forward(self, x: torch.Tensor, t: int, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = y + t
        return y, x


def test_streams_are_read_from_what_is_returned() -> None:
    assert streams(Doubled) == (("x", "y"), ())
    assert streams(Two) == (("x", "t", "y"), ("y", "x"))

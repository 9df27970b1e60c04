"""Blocks of real classes: a removed one is one that adds nothing to the streams."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls.call import Calibration, Call
from reference_impls.command_line.commands import app
from reference_impls.maths.surgery import skip
from reference_impls.methods.prune import prune
from reference_impls.models.load import load
from reference_impls.units.diffusers_blocks import streams
from reference_impls.units.lookup import blocks_of
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
    assert "diffusers cannot load a model without some of its blocks" in " ".join(done.output.split())
    skip(model, [block for block in blocks_of(model) if block.name == "transformer_blocks.1"])
    opened = load(tmp_path / "out")
    assert [block.name for block in blocks_of(opened)] == ["transformer_blocks.0", "transformer_blocks.2"]
    torch.testing.assert_close(opened.double()(**inputs)[0], model.double()(**inputs)[0], rtol=0, atol=0)


def test_a_block_that_the_model_reads_stays() -> None:
    """DiT takes the embedding of time and class from its first block."""
    assert [block.name for block in blocks_of(tiny("dit")[0])] == [f"transformer_blocks.{number}" for number in (1, 2)]


def test_a_u_net_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the blocks of UNet2DConditionModel are not known; depth pruning is for"):
        blocks_of(tiny("unet")[0])


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

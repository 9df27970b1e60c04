"""Folders of pruned models of the testbed: which way blocks were removed, now and in folders of the past."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from reference_impls.maths.surgery import skip
from reference_impls.models import testbed_folder
from reference_impls.pruning.contract import Changes
from reference_impls.testbed.metrics import Quality
from reference_impls.testbed.unet import UNet
from reference_impls.units.lookup import blocks_of

GONE = ("down.1", "up.1", "up.8")


def saved(folder: Path, changes: Changes) -> UNet:
    """A U-Net without these blocks, with weights that are not those of a new one."""
    model = UNet().eval()
    for block in blocks_of(model):
        if block.name in changes.dropped:
            skip(model, [block], keep_shortcuts=block.name in changes.shortcuts)
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(std=0.1)
    quality = Quality(0.1, None, 0.9, 1.0, 10, 10)
    testbed_folder.save(folder, "unet", model, [], quality, torch.zeros(10, 1, 16, 16), changes)
    return model


def edited(folder: Path, **changed: Any) -> None:
    card = json.loads((folder / "config.json").read_text())
    card["changes"] |= changed
    (folder / "config.json").write_text(json.dumps(card))


@pytest.mark.parametrize("shortcuts", [(), GONE, ("up.8",)], ids=["none kept", "all kept", "one kept"])
def test_the_folder_says_which_shortcuts_were_kept(tmp_path: Path, shortcuts: tuple[str, ...]) -> None:
    changes = Changes({}, GONE, shortcuts)
    model = saved(tmp_path / "out", changes)
    found = testbed_folder.load(tmp_path / "out")
    assert found.changes == changes
    given = torch.randn(2, 1, 16, 16), torch.rand(2), torch.arange(2)
    assert torch.equal(found.model(*given), model(*given))


def test_a_folder_that_does_not_say_it_is_one_of_kept_shortcuts(tmp_path: Path) -> None:
    """Until the format named them, all were kept."""
    model = saved(tmp_path / "out", Changes({}, GONE, GONE))
    card = json.loads((tmp_path / "out" / "config.json").read_text())
    del card["changes"]["shortcuts"]
    (tmp_path / "out" / "config.json").write_text(json.dumps(card))
    found = testbed_folder.load(tmp_path / "out")
    assert found.changes == Changes({}, GONE, GONE)
    given = torch.randn(2, 1, 16, 16), torch.rand(2), torch.arange(2)
    assert torch.equal(found.model(*given), model(*given))


def test_a_kept_shortcut_of_a_block_that_is_there(tmp_path: Path) -> None:
    saved(tmp_path / "out", Changes({}, GONE))
    edited(tmp_path / "out", shortcuts=["up.2"])
    told = "config.json: 'up.2' has a kept shortcut, but is not one of the removed blocks"
    with pytest.raises(ValueError, match=re.escape(told)):
        testbed_folder.load(tmp_path / "out")


def test_weights_of_the_other_removal_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "out", Changes({}, GONE, GONE))
    edited(tmp_path / "out", shortcuts=[])
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        testbed_folder.load(tmp_path / "out")

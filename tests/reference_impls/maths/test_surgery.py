"""Surgery: without a unit the model gives what it gives with the unit silenced."""

import copy
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.maths.surgery import Group, Skip, checked, remove, skip, zero
from reference_impls.pruning.contract import Changes
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.models import BUILDERS, Denoiser
from reference_impls.testbed.unet import UNet
from reference_impls.units.lookup import blocks_of, groups_of
from tests.reference_impls.small_models import small

MODELS: dict[str, Denoiser] = {"dit": small("dit"), "unet": small("unet")}


def calls(model: Denoiser, n: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(n, 1, model.side, model.side, generator=generator),
        torch.rand(n, generator=generator),
        torch.arange(n),
    )


def whole_strata(group: Group, keep: int) -> list[int]:
    """Units of the first norm groups; elsewhere every second unit."""
    return list(range(keep * (group.units // group.strata))) if group.strata > 1 else list(range(0, group.units, 2))


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_every_group_alone(name: str) -> None:
    """Not one bit differs but for the order in which a shorter sum is taken."""
    dense = MODELS[name]
    x, t, label = calls(dense)
    for group in groups_of(dense):
        small, silent = copy.deepcopy(dense), copy.deepcopy(dense)
        kept = whole_strata(group, 5)
        remove(small, (group, kept))
        zero(silent, group, set(range(group.units)) - set(kept))
        torch.testing.assert_close(small(x, t, label), silent(x, t, label), rtol=0, atol=1e-5, msg=group.name)


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_in_double_precision_nothing_is_left_of_the_difference(name: str) -> None:
    dense = copy.deepcopy(MODELS[name]).double()
    x, t, label = calls(dense)
    small, silent = copy.deepcopy(dense), copy.deepcopy(dense)
    kept = [(group, whole_strata(group, 4)) for group in groups_of(dense)]
    remove(small, *kept)
    for group, units in kept:
        zero(silent, group, set(range(group.units)) - set(units))
    difference = (small(x.double(), t.double(), label) - silent(x.double(), t.double(), label)).abs().max()
    assert float(difference) < 1e-12
    assert sum(p.numel() for p in small.parameters()) < 0.8 * sum(p.numel() for p in dense.parameters())


@torch.no_grad()
def test_single_channels_change_the_statistics_of_their_norm_group() -> None:
    """The trap: it fits, it runs, and it is not what the dense model gives with the channels silenced."""
    dense = MODELS["unet"]
    group = next(group for group in groups_of(dense) if group.kind == "channel")
    size = group.units // group.strata
    kept = [unit for unit in range(group.units) if unit % size]
    small, silent = copy.deepcopy(dense), copy.deepcopy(dense)
    remove(small, (group, kept))
    zero(silent, group, set(range(group.units)) - set(kept))
    assert float((small(*calls(dense)) - silent(*calls(dense))).abs().max()) > 1e-3


@settings(max_examples=40)
@given(st.data())
def test_any_units_of_any_group(data: st.DataObject) -> None:
    dense = MODELS["dit"]
    group = data.draw(st.sampled_from([one for one in groups_of(dense) if one.name.startswith("blocks.2")]))
    kept = data.draw(st.lists(st.integers(0, group.units - 1), min_size=1, max_size=20, unique=True))
    small, silent = copy.deepcopy(dense), copy.deepcopy(dense)
    remove(small, (group, kept))
    zero(silent, group, set(range(group.units)) - set(kept))
    with torch.no_grad():
        torch.testing.assert_close(small(*calls(dense)), silent(*calls(dense)), rtol=0, atol=1e-5)


def test_all_kept_is_the_identity() -> None:
    dense = MODELS["unet"]
    same = copy.deepcopy(dense)
    remove(same, *((group, list(range(group.units))) for group in groups_of(dense)))
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), dense.parameters(), strict=True))


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ([], "down.0.block: all units would be removed; keep at least one"),
        ([0, 0], "down.0.block: [0, 0] are not different units of 0 to 31"),
        ([32], "down.0.block: [32] are not different units of 0 to 31"),
        ([-1], "down.0.block: [-1] are not different units of 0 to 31"),
        ([0, 1, 4], "down.0.block: its 8 norm groups would keep [1, 2] units; keep as many in each"),
    ],
)
def test_what_cannot_be_removed(kept: list[int], told: str) -> None:
    model = UNet()
    before = copy.deepcopy(model.state_dict())
    groups = groups_of(model)
    other = groups[1]
    with pytest.raises(ValueError, match=re.escape(told)):
        remove(model, (other, list(range(4))), (groups[0], kept))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_kept_units_come_out_in_order() -> None:
    assert checked(groups_of(MODELS["dit"])[0], (3, 1)) == [1, 3]


def test_a_pruned_model_can_be_pruned_again() -> None:
    model = copy.deepcopy(MODELS["dit"])
    for left in (2, 1):
        group = groups_of(model)[0]
        remove(model, (group, list(range(left))))
    assert groups_of(model)[0].units == 1
    assert model(*calls(model)).shape == (3, 1, 8, 8)


@pytest.mark.parametrize("name", MODELS)
def test_blocks_by_count_and_by_shortcut(name: str) -> None:
    model = BUILDERS[name]()
    blocks = blocks_of(model)
    assert len(blocks) == {"dit": 8, "unet": 17}[name]
    skip(model, blocks)
    assert model(*calls(model)).shape == calls(model)[0].shape
    assert sum(isinstance(module, Skip) for module in model.modules()) == len(blocks)
    assert blocks_of(model) == ()


def test_a_new_block_is_the_identity_and_can_go() -> None:
    """The gates of a DiT block start at zero, and so does the second convolution of a U-Net's."""
    for model in (DiT(depth=3), UNet(channels=16)):
        with torch.no_grad():  # the last layers start at zero too, and would hide everything
            (model.head if isinstance(model, DiT) else model.last).weight.normal_()
        before = model(*calls(model))
        skip(model, blocks_of(model), keep_shortcuts=True)
        torch.testing.assert_close(model(*calls(model)), before)


def test_a_kept_shortcut_reads_the_skip_connection() -> None:
    """A block of the way up is then its shortcut convolution, of the stream and the skip connection."""
    model = small("unet")
    block = next(block for block in blocks_of(model) if block.name == "up.1")
    shortcut = model.get_submodule("up.1.block.shortcut")
    skip(model, [block], keep_shortcuts=True)
    x = torch.randn(2, 48, 4, 4)
    assert torch.equal(model.up[1](x, torch.zeros(2, 64)), shortcut(x))
    assert model.up[1].shortcut is shortcut


def test_a_removed_block_drops_its_skip_connection() -> None:
    """Where the width of the stream changes, the columns of the shortcut that read the stream stay."""
    model = small("unet")
    widening, narrowing = (model.get_submodule(f"{name}.block.shortcut") for name in ("down.2", "up.3"))
    before = copy.deepcopy(narrowing.state_dict())
    skip(model, blocks_of(model))
    assert {name for name, _ in model.named_parameters() if "shortcut" in name} == {
        f"{name}.shortcut.{value}" for name in ("down.2", "up.3") for value in ("weight", "bias")
    }
    assert model.down[2].shortcut is widening
    condition, stream = torch.zeros(2, 64), torch.randn(2, 32, 8, 8)
    for name in ("up.0", "up.1", "up.3"):
        left = model.get_submodule(name)
        assert isinstance(left, Skip)
        given = torch.cat([stream, torch.zeros(2, left.skipped, 8, 8)], 1)
        wanted = narrowing(given) if name == "up.3" else stream
        torch.testing.assert_close(left(given, condition), wanted)
        given[:, 32:] = torch.randn(2, left.skipped, 8, 8)
        torch.testing.assert_close(left(given, condition), wanted)
    assert model.get_parameter("up.3.shortcut.weight").shape == (16, 32, 1, 1)
    assert all(torch.equal(value, before[name]) for name, value in narrowing.state_dict().items())


def test_skip_passes_the_stream_only() -> None:
    x = torch.randn(2, 3)
    assert torch.equal(Skip()(x, torch.ones(1), torch.zeros(5)), x)


def test_units_of_an_unknown_model() -> None:
    with pytest.raises(
        ValueError, match="the heads, neurons and channels of ReLU are not known; use an unstructured method"
    ):
        groups_of(nn.ReLU())
    with pytest.raises(ValueError, match="the blocks of ReLU are not known; depth pruning is for the testbed"):
        blocks_of(nn.ReLU())


def test_changes_add_up() -> None:
    once = Changes().then({"a": [1, 3, 5], "b.c": [0]}, [])
    twice = once.then({"a": [0, 2]}, ["b"])
    assert twice == Changes({"a": [1, 5]}, ("b",))
    kept = twice.then({}, ["c", "d"], keep_shortcuts=True)
    assert kept.then({}, ["e"]) == Changes({"a": [1, 5]}, ("b", "c", "d", "e"), ("c", "d"))

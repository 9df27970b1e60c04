"""BK-SDM beside the authors' rule: the same blocks, the same smaller U-Net, the same distillation loss."""

import copy

import pytest
import torch

from reference_impls.maths.surgery import skip
from reference_impls.methods import bk_sdm
from reference_impls.methods.prune import cost, prune
from reference_impls.study.recover import feature_loss, recover, shared_places, streams
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.testbed.unet import UNet
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.paper_rules import bk_sdm as rule

TRAIN, _ = load("mnist16")


def random_unet(blocks: int = 2) -> UNet:
    """One in which every layer has a say."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = UNet(channels=8, blocks=blocks)
        with torch.no_grad():
            for value in model.parameters():
                if value.dim() > 1:
                    value.normal_(std=0.1)
    return model.eval()


def test_the_first_sizes_are_those_of_the_authors() -> None:
    blocks = blocks_of(UNet())
    order = [blocks[number].name for number in bk_sdm.order(blocks)]
    assert order[:6] == rule.base_blocks(3)
    assert order[6:8] == rule.small_blocks()
    assert set(order[8:11]) == set(rule.tiny_blocks(3))


def test_the_first_size_is_the_model_that_the_authors_build() -> None:
    """Removing six of seventeen blocks gives their U-Net of one block a resolution: outputs, parameters and MACs."""
    dense, calibration = random_unet(), from_images(TRAIN, batches=1, size=4)
    theirs, ours = rule.base(dense, channels=8), copy.deepcopy(dense)
    report = prune(ours, calibration, 6 / 17, method="bk-sdm")
    assert report.dropped == sorted(rule.base_blocks(3), key=[block.name for block in blocks_of(dense)].index)
    (batch,) = calibration
    with torch.no_grad():
        assert torch.equal(batch.run(ours), batch.run(theirs))
    assert report.after == cost(theirs, calibration)


def test_a_kept_shortcut_is_another_model() -> None:
    """It has the parameters of the shortcuts of the way up, and reads skip connections that theirs drops."""
    dense, calibration = random_unet(), from_images(TRAIN, batches=1, size=4)
    theirs, ours = rule.base(dense, channels=8), copy.deepcopy(dense)
    report = prune(ours, calibration, 6 / 17, method="bk-sdm", keep_shortcuts=True)
    shortcuts = [dense.get_submodule(f"{name}.block.shortcut") for name in rule.base_blocks(3)[3:]]
    sizes = sum(value.numel() for shortcut in shortcuts for value in shortcut.parameters())
    assert report.after.parameters == cost(theirs, calibration).parameters + sizes
    (batch,) = calibration
    with torch.no_grad():
        assert not torch.allclose(batch.run(ours), batch.run(theirs), rtol=0.1)


def test_recovery_is_that_of_the_authors() -> None:
    """The same loss and the same steps, on the model that they build."""
    dense = random_unet()
    ours = copy.deepcopy(dense)
    prune(ours, from_images(TRAIN, batches=1, size=1), 6 / 17, method="bk-sdm")
    recover(ours, TRAIN, steps=2, teacher=dense, features="plain", batch=4, rate=0.01, seed=3)
    theirs = rule.recovered(rule.base(dense, channels=8), dense, TRAIN, steps=2, batch=4, rate=0.01, seed=3)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_third_size_is_theirs_but_for_the_layers_that_resample() -> None:
    """What ours has more is the parameters of those layers."""
    dense, calibration = random_unet(), from_images(TRAIN, batches=1, size=4)
    theirs, ours = rule.tiny(dense, channels=8), copy.deepcopy(dense)
    report = prune(ours, calibration, 11 / 17, method="bk-sdm")
    resampling = [value.numel() for name in ("down.5", "up.3") for value in dense.get_submodule(name).parameters()]
    assert report.after.parameters == cost(theirs, calibration).parameters + sum(resampling)


@pytest.mark.parametrize("count", [6, 17])
def test_features_are_summed_over_the_stages(count: int) -> None:
    """Of the authors' stages: the outputs of each resolution, down and up, whatever blocks remain in it."""
    dense, (batch,) = random_unet(), from_images(TRAIN, batches=1, size=2)
    ours = copy.deepcopy(dense)
    blocks = blocks_of(ours)
    skip(ours, [blocks[number] for number in bk_sdm.order(blocks)[:count]])
    places = shared_places(ours, dense)
    with torch.no_grad(), streams(ours, places) as mine, streams(dense, places) as wanted:
        batch.run(ours)
        batch.run(dense)
    assert len(mine) == 2 * 3
    found = feature_loss(mine, wanted, "plain").item()
    assert found == pytest.approx(rule.feature_loss([*mine.values()], [*wanted.values()]), rel=1e-5)

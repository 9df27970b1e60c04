"""BK-SDM: the order of its rule."""

from reference_impls.methods import bk_sdm
from reference_impls.testbed.unet import UNet
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

DIT = small("dit", depth=8)


def test_the_fixed_rule() -> None:
    """Every second block of a stack; of the U-Net the second blocks on the way down, those between up, the middle."""
    assert bk_sdm.order(blocks_of(DIT)) == [1, 3, 5, 7, 0, 2, 4, 6]
    blocks = blocks_of(UNet())
    names = [block.name for block in blocks]
    ordered = [names[number] for number in bk_sdm.order(blocks)]
    assert sorted(ordered) == sorted(names)
    assert ordered[:3] == ["down.1", "down.4", "down.7"]
    assert ordered[3:6] == ["up.1", "up.5", "up.9"]
    assert ordered[6:8] == ["middle.0", "middle.1"]
    assert ordered[8:11] == ["down.6", "up.0", "up.2"]

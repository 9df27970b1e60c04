"""ShortGPT: block influence by hand."""

import copy

import torch
from torch import nn

from reference_impls.methods import shortgpt
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
DIT = small("dit", depth=8)


def test_influence_by_hand() -> None:
    """A block that turns every token by 90 degrees has influence 1, one that scales it 0, one that flips it 2."""

    class Turn(nn.Module):
        def __init__(self, matrix: list[list[float]]) -> None:
            super().__init__()
            self.matrix = torch.tensor(matrix)

        def forward(self, x: torch.Tensor, *unused: torch.Tensor) -> torch.Tensor:
            return x @ self.matrix

    model = copy.deepcopy(DIT)
    blocks = blocks_of(model)[:3]
    eye = torch.eye(32)
    turned = torch.cat([eye[16:], -eye[:16]])
    for number, matrix in enumerate((turned, 3 * eye, -eye)):
        model.blocks[number] = Turn(matrix.tolist())
    scores = shortgpt.block_influence(model, blocks, from_images(TRAIN, batches=1, size=4))
    torch.testing.assert_close(scores, torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64), rtol=0, atol=1e-5)


def test_influence_looks_at_the_channels_of_a_pixel() -> None:
    stream = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(shortgpt._vectors(stream), stream.permute(0, 2, 3, 1).reshape(-1, 3).double())

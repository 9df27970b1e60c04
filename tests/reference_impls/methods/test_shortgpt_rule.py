"""ShortGPT beside its rule, vector by vector: the same influence and the same blocks."""

import copy

import pytest
import torch

from reference_impls.maths.hooks import hooked
from reference_impls.methods import shortgpt
from reference_impls.methods.prune import prune
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.paper_rules import shortgpt as rule
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_influence_and_blocks(name: str) -> None:
    """Of the U-Net, the blocks that keep the width of the stream; their input is the stream, no skip connection."""
    model, calibration = small(name), from_images(TRAIN, batches=2, size=2)
    blocks = blocks_of(model)
    seen: dict[str, tuple[list[torch.Tensor], list[torch.Tensor]]] = {block.name: ([], []) for block in blocks}

    def see(name: str, skipped: int):  # type: ignore[no-untyped-def]  # a hook
        def keep(_module: object, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            stream = inputs[0][:, : inputs[0].shape[1] - skipped]
            for kept, value in zip(seen[name], (stream, output), strict=True):
                kept.append(value.movedim(1, -1) if value.dim() == 4 else value)

        return keep

    with torch.no_grad(), hooked((model.get_submodule(one.name), see(one.name, one.skipped)) for one in blocks):
        for batch in calibration:
            batch.run(model)
    found = shortgpt.block_influence(model, blocks, calibration)
    compared = []
    for index, (before, after) in enumerate(seen.values()):
        if before[0].shape == after[0].shape:
            vectors = ([row for value in side for row in value.flatten(0, -2).tolist()] for side in (before, after))
            assert float(found[index]) == pytest.approx(rule.block_influence(*vectors), abs=1e-6)
            compared.append(index)
    assert len(compared) == {"dit": 3, "unet": 6}[name]
    pruned = copy.deepcopy(model)
    report = prune(pruned, calibration, 2 / len(blocks), method="shortgpt")
    assert {index for index, one in enumerate(blocks) if one.name in report.dropped} == rule.removed(found.tolist(), 2)
